"""The line search of Hager and Zhang."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from pullback.optim.line_search.along_line import Trial, choose, try_length
from pullback.optim.line_search.search import LineSearch, Searched
from pullback.optim.methods.method import Work
from pullback.optim.objective import Objective, Point

# What the next trial is for.
EXPAND, BISECT, FIRST_SECANT, SECOND_SECANT, MIDDLE = range(5)


class Bracket(NamedTuple):
    """Opposite slopes at the ends, the trial that comes next, and what it is for.

    `inner` and `outer` are the ends while a trial with a high value is bisected away (step U3 of the paper), `then`
    is what follows on that, `width` the one at the last secant step.
    """

    a: Trial
    b: Trial
    inner: Trial
    outer: Trial
    next: Float[Array, ""]
    phase: Int[Array, ""]
    then: Int[Array, ""]
    width: Float[Array, ""]
    best: Trial
    point: Point
    trials: Int[Array, ""]
    found: Bool[Array, ""]


class HagerZhang(LineSearch):
    r"""Secant steps within a bracket of opposite slopes, up to Wolfe's conditions or their approximation.

    $$ \delta \phi'(0) \ge \frac{\phi(\alpha) - \phi(0)}{\alpha}, \quad \phi'(\alpha) \ge \sigma \phi'(0)
       \qquad\text{or}\qquad
       (2\delta - 1)\,\phi'(0) \ge \phi'(\alpha) \ge \sigma \phi'(0), \quad
       \phi(\alpha) \le \phi(0) + \epsilon |\phi(0)| $$

    The second pair is read off the slopes alone: near a minimum, where values differ by less than their rounding, it
    still finds the step length to the full precision of the gradient. Made for nonlinear conjugate gradients.

    Parameters
    ----------
    sufficient_decrease : $\delta$, in (0, 1/2).
    curvature : $\sigma$, in ($\delta$, 1).
    rise : $\epsilon$, by which the value may rise, relative to $|\phi(0)|$.
    expansion : factor by which the first trial grows until the slope turns.
    shrinking : factor by which two secant steps have to shrink the bracket, else it is halved.
    max_trials : evaluations after which the best point so far is given.

    References
    ----------
    Hager, Zhang, "A new conjugate gradient method with guaranteed descent and an efficient line search", SIAM Journal
    on Optimization 16 (2005).
    """

    sufficient_decrease: Any = 0.1
    curvature: Any = 0.9
    rise: Any = 1e-6
    expansion: Any = 5.0
    shrinking: Any = 0.66
    max_trials: int = 50

    def search(
        self, objective: Objective, point: Point, direction: Float[Array, " n"], initial: Float[Array, ""]
    ) -> Searched:
        zero = jnp.zeros_like(initial)
        start = Trial(zero, point.value, point.slope(direction))
        phase = jnp.asarray(EXPAND, jnp.int32)
        bracket = Bracket(
            start, start, start, start, initial, phase, phase, zero + jnp.inf, start, point,
            jnp.zeros((), jnp.int32), jnp.zeros((), bool),
        )  # fmt: skip

        def going(bracket: Bracket) -> Array:
            return ~bracket.found & (bracket.trials < self.max_trials)

        def advance(bracket: Bracket) -> Bracket:
            tried, trial = try_length(objective, point, direction, bracket.next)
            # A value that is not finite is a high one with a slope that still falls: it is bisected away.
            finite = jnp.isfinite(trial.value) & jnp.isfinite(trial.slope)
            trial = choose(finite, trial, Trial(trial.length, zero + jnp.inf, zero - 1))
            found = self._holds(start, trial)
            better = found | (trial.value < bracket.best.value)
            kept = bracket._replace(
                best=choose(better, trial, bracket.best),
                point=choose(better, tried, bracket.point),
                trials=bracket.trials + 1,
                found=found,
            )
            return self._advance(kept, start, trial)

        bracket = jax.lax.while_loop(going, advance, bracket)
        return Searched(bracket.point, bracket.best.length, Work.of(bracket.trials, bracket.trials), bracket.found)

    def _limit(self, start: Trial) -> Float[Array, ""]:
        return start.value + self.rise * jnp.abs(start.value)

    def _holds(self, start: Trial, trial: Trial) -> Bool[Array, ""]:
        flat = trial.slope >= self.curvature * start.slope
        wolfe = trial.value - start.value <= self.sufficient_decrease * trial.length * start.slope
        approximate = (2 * self.sufficient_decrease - 1) * start.slope >= trial.slope
        return flat & (wolfe | (approximate & (trial.value <= self._limit(start))))

    def _advance(self, before: Bracket, start: Trial, trial: Trial) -> Bracket:
        """Put the trial in its place, and choose the next."""
        rising = trial.slope >= 0
        low = ~rising & (trial.value <= self._limit(start))
        now = _placed(before, trial, rising, low)
        phase, then = _phases(before, rising, low)
        # Two secant steps that shrink the bracket well are followed by two more, others by halving it.
        width = now.b.length - now.a.length
        enough = (phase == MIDDLE) & (width <= self.shrinking * before.width)
        phase = jnp.where(enough, FIRST_SECANT, phase)
        following = jnp.where(phase == EXPAND, self.expansion * trial.length, _length(before, now, phase, rising))
        outside = ~((following > now.a.length) & (following < now.b.length)) & (phase >= FIRST_SECANT)
        phase = jnp.where(outside, MIDDLE, phase)
        return now._replace(
            next=jnp.where(outside, (now.a.length + now.b.length) / 2, following),
            phase=phase.astype(jnp.int32),
            then=then.astype(jnp.int32),
            width=jnp.where(phase == FIRST_SECANT, width, before.width),
        )


def _placed(bracket: Bracket, trial: Trial, rising: Bool[Array, ""], low: Bool[Array, ""]) -> Bracket:
    """The trial as an end: of [a, b], or while bisecting of [inner, outer]."""
    bisecting = bracket.phase == BISECT
    high = ~rising & ~low
    a = choose(low & ~bisecting, trial, bracket.a)
    inner = choose(low, trial, bracket.inner)
    return bracket._replace(
        a=choose(rising & bisecting, bracket.inner, a),
        b=choose(rising, trial, bracket.b),
        inner=choose(high & ~bisecting, bracket.a, inner),
        outer=choose(high, trial, bracket.outer),
    )


def _phases(bracket: Bracket, rising: Bool[Array, ""], low: Bool[Array, ""]) -> tuple[Array, Array]:
    """What the next trial is for, and what follows once a high value is bisected away."""
    expanding, bisecting = bracket.phase == EXPAND, bracket.phase == BISECT
    high = ~rising & ~low
    first, second = bracket.phase == FIRST_SECANT, bracket.phase == SECOND_SECANT
    phase = jnp.select(
        [high | (bisecting & ~rising), bisecting, expanding & rising, expanding, first, second],
        [BISECT, bracket.then, FIRST_SECANT, EXPAND, SECOND_SECANT, MIDDLE],
        FIRST_SECANT,
    )
    after_high = jnp.where(expanding | (bracket.phase == MIDDLE), FIRST_SECANT, MIDDLE)
    return phase, jnp.where(high & ~bisecting, after_high, bracket.then)


def _length(before: Bracket, now: Bracket, phase: Array, rising: Bool[Array, ""]) -> Float[Array, ""]:
    """The step length that belongs to the phase, once there is a bracket."""
    a, b = now.a, now.b
    return jnp.select(
        [phase == BISECT, phase == FIRST_SECANT, phase == SECOND_SECANT],
        [
            (now.inner.length + now.outer.length) / 2,
            _secant(a, b),
            # Through the end that moved, and where it was.
            jnp.where(rising, _secant(before.b, b), _secant(before.a, a)),
        ],
        (a.length + b.length) / 2,
    )


def _secant(a: Trial, b: Trial) -> Float[Array, ""]:
    """Where the line through both slopes is zero."""
    return (a.length * b.slope - b.length * a.slope) / (b.slope - a.slope)
