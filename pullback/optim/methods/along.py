"""The step that most methods share: along a direction, by a line search."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from pullback.optim.line_search.search import LineSearch, Searched
from pullback.optim.methods.method import Info
from pullback.optim.objective import Objective, Point
from pullback.optim.reason import Reason


def search_along(
    line_search: LineSearch,
    objective: Objective,
    point: Point,
    direction: Float[Array, " n"],
    initial: Float[Array, ""],
    fallback: Bool[Array, ""] | bool = False,
) -> tuple[Searched, Info]:
    """Search along `direction` from `point`; where nothing lower is found the point stays and the reason says why.

    With `fallback` the method has another direction to try next, so that failing is no reason to end.
    """
    searched = line_search.search(objective, point, direction, jnp.asarray(initial, point.x.dtype))
    reason = Reason.where(searched.step_length > 0, Reason.running, Reason.line_search_failed)
    reason = Reason.where(point.slope(direction) < 0, reason, Reason.no_descent)
    reason = Reason.where(jnp.asarray(fallback), Reason.running, reason)
    return searched, Info(searched.step_length, searched.work, reason)
