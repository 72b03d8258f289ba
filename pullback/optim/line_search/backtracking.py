"""Backtracking to Armijo's condition."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from pullback.optim.line_search.along_line import rounding, value_along
from pullback.optim.line_search.search import LineSearch, Searched, at_length
from pullback.optim.objective import Objective, Point


class Back(NamedTuple):
    """The length tried next."""

    length: Float[Array, ""]
    trials: Int[Array, ""]
    found: Bool[Array, ""]


class Backtracking(LineSearch):
    r"""The first of $\alpha_0, \rho \alpha_0, \rho^2 \alpha_0, \dots$ that lowers the value enough.

    $$ \phi(\alpha) \le \phi(0) + c_1 \alpha \phi'(0) $$

    It asks for values alone, and for one gradient at the end: right after Newton's direction, where the first trial is
    nearly always taken, and wherever gradients are dear.

    Parameters
    ----------
    sufficient_decrease : $c_1$, in (0, 1).
    factor : $\rho$, in (0, 1).
    max_trials : evaluations after which it gives up.

    References
    ----------
    Armijo, "Minimization of functions having Lipschitz continuous first partial derivatives", Pacific Journal of
    Mathematics 16 (1966).
    """

    sufficient_decrease: Any = 1e-4
    factor: Any = 0.5
    max_trials: int = 50

    def search(
        self, objective: Objective, point: Point, direction: Float[Array, " n"], initial: Float[Array, ""]
    ) -> Searched:
        slope = point.slope(direction)

        def going(back: Back) -> Array:
            return ~back.found & (back.trials < self.max_trials)

        def advance(back: Back) -> Back:
            value = value_along(objective, point, direction, back.length)
            bound = point.value + self.sufficient_decrease * back.length * slope
            found = (value <= bound) & (slope < 0)
            # Steps so short that the value cannot show the decrease are not worth another trial.
            found = found | ((value <= point.value) & (-back.length * slope <= rounding(point.value)) & (slope < 0))
            return Back(jnp.where(found, back.length, self.factor * back.length), back.trials + 1, found)

        start = Back(initial, jnp.zeros((), jnp.int32), jnp.zeros((), bool))
        back = jax.lax.while_loop(going, advance, start)
        return at_length(objective, point, direction, back.length, back.trials, back.found)
