"""Line search for Goldstein's conditions."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from pullback.optim.line_search.along_line import value_along
from pullback.optim.line_search.search import LineSearch, Searched, at_length
from pullback.optim.objective import Objective, Point


class Interval(NamedTuple):
    """Lengths too short and too long, and the one between that is tried."""

    short: Float[Array, ""]
    long: Float[Array, ""]
    length: Float[Array, ""]
    trials: Int[Array, ""]
    found: Bool[Array, ""]


class Goldstein(LineSearch):
    r"""A step length that lowers the value enough, and not too little for its slope.

    $$ \phi(0) + (1 - c) \alpha \phi'(0) \le \phi(\alpha) \le \phi(0) + c \alpha \phi'(0), \qquad 0 < c < \tfrac12 $$

    It asks for values alone. Lengths are doubled until one is too long, then the interval is halved. For Newton's
    method; a quasi-Newton method wants the condition on the slope (`Wolfe`), since $c$ may exclude the minimizer.

    Parameters
    ----------
    fraction : $c$.
    max_trials : evaluations after which it gives up.

    References
    ----------
    Goldstein, "On steepest descent", SIAM Journal on Control 3 (1965).
    """

    fraction: Any = 0.1
    max_trials: int = 60

    def search(
        self, objective: Objective, point: Point, direction: Float[Array, " n"], initial: Float[Array, ""]
    ) -> Searched:
        slope = point.slope(direction)

        def going(interval: Interval) -> Array:
            return ~interval.found & (interval.trials < self.max_trials)

        def advance(interval: Interval) -> Interval:
            length = interval.length
            value = value_along(objective, point, direction, length)
            too_long = value > point.value + self.fraction * length * slope
            too_short = value < point.value + (1 - self.fraction) * length * slope
            short = jnp.where(too_short & ~too_long, length, interval.short)
            long = jnp.where(too_long, length, interval.long)
            following = jnp.where(jnp.isinf(long), 2 * length, (short + long) / 2)
            found = ~too_long & ~too_short & (slope < 0)
            return Interval(short, long, jnp.where(found, length, following), interval.trials + 1, found)

        nothing = jnp.zeros_like(initial)
        start = Interval(
            nothing, jnp.full_like(initial, jnp.inf), initial, jnp.zeros((), jnp.int32), jnp.zeros((), bool)
        )
        interval = jax.lax.while_loop(going, advance, start)
        return at_length(objective, point, direction, interval.length, interval.trials, interval.found)
