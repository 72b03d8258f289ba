"""Line search for the Wolfe conditions, by bracketing and zoom."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from pullback.optim.line_search.along_line import Trial, choose, rounding, try_length
from pullback.optim.line_search.interpolation import cubic_minimizer
from pullback.optim.line_search.search import LineSearch, Searched
from pullback.optim.methods.method import Work
from pullback.optim.objective import Objective, Point


class Search(NamedTuple):
    """The bracket so far; `high` is infinite until one is found."""

    low: Trial
    high: Trial
    point: Point
    next: Float[Array, ""]
    width: Float[Array, ""]
    trials: Int[Array, ""]
    found: Bool[Array, ""]


class Wolfe(LineSearch):
    r"""Step lengths that fulfil the Wolfe conditions.

    $$ \phi(\alpha) \le \phi(0) + c_1 \alpha \phi'(0), \qquad
       |\phi'(\alpha)| \le c_2 |\phi'(0)| \ (\text{strong}), \quad
       \phi'(\alpha) \ge c_2 \phi'(0) \ (\text{weak}) $$

    A bracket is found by extrapolation, then narrowed by the minimizer of the cubic through both ends, by bisection
    where that hardly narrows it. Where the value changes by less than its rounding, the first condition is read off
    the slopes: $\phi'(\alpha) \le (2 c_1 - 1) \phi'(0)$ (Hager and Zhang 2005). Nothing is tried out of bounds.

    Parameters
    ----------
    sufficient_decrease : $c_1$, in (0, 1/2).
    curvature : $c_2$, in ($c_1$, 1).
    strong : whether the slope is bounded from both sides.
    max_trials : evaluations after which the best point so far is given.

    References
    ----------
    Wolfe, "Convergence conditions for ascent methods", SIAM Review 11 (1969); Nocedal, Wright, "Numerical
    Optimization" (2006), algorithms 3.5 and 3.6; Hager, Zhang, SIAM Journal on Optimization 16 (2005).
    """

    sufficient_decrease: Any = 1e-4
    curvature: Any = 0.9
    strong: bool = True
    max_trials: int = 40

    def search(
        self, objective: Objective, point: Point, direction: Float[Array, " n"], initial: Float[Array, ""]
    ) -> Searched:
        start = Trial(jnp.zeros_like(initial), point.value, point.slope(direction))
        bounds = objective.bounds
        longest = jnp.full_like(initial, jnp.inf) if bounds is None else bounds.longest_step(point.x, direction)
        unknown = Trial(*(jnp.full_like(initial, jnp.inf) for _ in range(3)))
        search = Search(
            start,
            unknown,
            point,
            jnp.minimum(initial, longest),
            jnp.full_like(initial, jnp.inf),
            jnp.zeros((), jnp.int32),
            jnp.zeros((), bool),
        )

        def going(search: Search) -> Array:
            return ~search.found & (search.trials < self.max_trials)

        def advance(search: Search) -> Search:
            return self._narrow(search, start, *try_length(objective, point, direction, search.next), longest)

        search = jax.lax.while_loop(going, advance, search)
        return Searched(search.point, search.low.length, Work.of(search.trials, search.trials), search.found)

    def enough(self, start: Trial, trial: Trial) -> Bool[Array, ""]:
        """The first condition, by slopes where the values cannot tell."""
        by_value = trial.value <= start.value + self.sufficient_decrease * trial.length * start.slope
        by_slope = (trial.value <= start.value + rounding(start.value)) & (
            trial.slope <= (2 * self.sufficient_decrease - 1) * start.slope
        )
        return by_value | by_slope

    def flat(self, start: Trial, trial: Trial) -> Bool[Array, ""]:
        """The second condition."""
        steep = jnp.abs(trial.slope) if self.strong else -trial.slope
        return steep <= -self.curvature * start.slope

    def _narrow(self, search: Search, start: Trial, tried: Point, trial: Trial, longest: Array) -> Search:
        low, high = search.low, search.high
        finite = jnp.isfinite(trial.value) & jnp.isfinite(trial.slope)
        lower = (
            finite
            & self.enough(start, trial)
            & ((trial.value < low.value) | (low.length == 0) | self._level(start, trial))
        )
        # Where the line leaves the bounds, a value that still falls is all there is to find.
        found = lower & (self.flat(start, trial) | ((trial.length >= longest) & (trial.slope < 0)))
        # The trial becomes the low end if it is better; the old low end closes the bracket where the slope turned.
        turned = lower & (trial.slope * (jnp.where(jnp.isinf(high.length), jnp.inf, high.length - low.length)) >= 0)
        new_high = choose(lower, choose(turned, low, high), trial)
        new_low = choose(lower, trial, low)
        point = choose(lower, tried, search.point)
        open_end = jnp.isinf(new_high.length)
        width = jnp.abs(new_high.length - new_low.length)
        inside = cubic_minimizer(new_low, new_high)
        middle = (new_low.length + new_high.length) / 2
        margin = 0.1 * width
        left, right = jnp.minimum(new_low.length, new_high.length), jnp.maximum(new_low.length, new_high.length)
        usable = jnp.isfinite(inside) & (inside > left + margin) & (inside < right - margin)
        slow = width > 0.66 * search.width
        # Beyond a value that is not finite nothing can be interpolated: halve.
        halve = ~usable | slow
        beyond = jnp.minimum(self._beyond(low, new_low), longest)
        following = jnp.where(open_end, beyond, jnp.where(halve, middle, inside))
        return Search(new_low, new_high, point, following, width, search.trials + 1, found)

    def _level(self, start: Trial, trial: Trial) -> Bool[Array, ""]:
        return jnp.abs(trial.value - start.value) <= rounding(start.value)

    def _beyond(self, before: Trial, trial: Trial) -> Float[Array, ""]:
        # Extrapolated by the slopes, between 1.1 and 10 times as far.
        gap = trial.length - before.length
        secant = trial.length - trial.slope * gap / jnp.where(
            trial.slope == before.slope, 1, trial.slope - before.slope
        )
        secant = jnp.where(jnp.isfinite(secant) & (secant > trial.length), secant, 4 * trial.length)
        return jnp.clip(secant, trial.length + 1.1 * gap, trial.length + 9 * gap)
