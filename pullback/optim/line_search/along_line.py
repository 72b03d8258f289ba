"""The objective along a line, and trials on it."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.optim.objective import Objective, Point


class Trial(NamedTuple):
    r"""A step length $\alpha$ with the value $\phi(\alpha)$ and the slope $\phi'(\alpha)$ there."""

    length: Float[Array, ""]
    value: Float[Array, ""]
    slope: Float[Array, ""]


def try_length(
    objective: Objective, point: Point, direction: Float[Array, " n"], length: Float[Array, ""]
) -> tuple[Point, Trial]:
    r"""The point $x + \alpha d$ with its gradient, and what it is on the line."""
    bounds = objective.bounds
    reached = point.x + length * direction if bounds is None else bounds.reach(point.x, direction, length)
    tried = objective.at(reached)
    return tried, Trial(length, tried.value, tried.slope(direction))


def value_along(objective: Objective, point: Point, direction: Float[Array, " n"], length: Any) -> Float[Array, ""]:
    r"""$\phi(\alpha) = f(x + \alpha d)$; infinite where $f$ is not a number, so that no comparison is in doubt."""
    value = objective.value(point.x + length * direction)
    return jnp.where(jnp.isnan(value), jnp.inf, value)


def choose(condition: Array, first: Any, second: Any) -> Any:
    """`first` where the condition holds, else `second`, leaf by leaf."""
    return jax.tree.map(lambda one, other: jnp.where(condition, one, other), first, second)


def rounding(value: Float[Array, ""]) -> Any:
    """Changes of the value that are no more than rounding."""
    return 10 * jnp.finfo(value.dtype).eps * jnp.abs(value)
