"""What a line search is."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from pullback.optim.line_search.along_line import choose
from pullback.optim.methods.method import Work
from pullback.optim.objective import Objective, Point


class Searched(NamedTuple):
    """Where a line search ended.

    Parameters
    ----------
    point : with value and gradient; the start if nothing better was found.
    step_length : factor on the direction.
    work : evaluations made.
    found : whether the conditions of the search hold there.
    """

    point: Point
    step_length: Float[Array, ""]
    work: Work
    found: Bool[Array, ""]


class LineSearch(eqx.Module):
    r"""A rule for the step length $\alpha$ along a direction $d$; a frozen dataclass of options.

    With $\phi(\alpha) = f(x + \alpha d)$ and $\phi'(0) = \nabla f(x)^\top d < 0$, it looks for an $\alpha$ that lowers
    $\phi$ enough.
    """

    @abstractmethod
    def search(
        self, objective: Objective, point: Point, direction: Float[Array, " n"], initial: Float[Array, ""]
    ) -> Searched:
        """Search along `direction` from `point`, with `initial` tried first."""


def at_length(
    objective: Objective, point: Point, direction: Any, length: Any, trials: Any, found: Bool[Array, ""]
) -> Searched:
    """The end of a search that asked for values alone: one gradient where it ended, or the start if it failed."""
    tried = objective.at(point.x + length * direction)
    return Searched(choose(found, tried, point), jnp.where(found, length, 0), Work.of(trials + 1, 1), found)
