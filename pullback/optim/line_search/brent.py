"""Line search by Brent's method."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from pullback.optim.line_search.along_line import value_along
from pullback.optim.line_search.bracket import GOLDEN, bracket_minimum
from pullback.optim.line_search.search import LineSearch, Searched, at_length
from pullback.optim.objective import Objective, Point


class Valley(NamedTuple):
    """The ends, the three lowest points (x lowest, then w, then v) with values, and the last two moves."""

    a: Float[Array, ""]
    c: Float[Array, ""]
    x: Float[Array, ""]
    w: Float[Array, ""]
    v: Float[Array, ""]
    value_x: Float[Array, ""]
    value_w: Float[Array, ""]
    value_v: Float[Array, ""]
    move: Float[Array, ""]
    before: Float[Array, ""]
    trials: Int[Array, ""]


class Brent(LineSearch):
    r"""The minimizer along the line, by parabolas through the three lowest points, safeguarded by golden section.

    A parabola's minimizer is taken if it lies inside the bracket and moves less than half of the move before last;
    otherwise the longer part is divided by golden section. On smooth functions the order of convergence is 1.3247. It
    asks for values alone.

    Parameters
    ----------
    tolerance : relative to the step length; below the square root of the precision values cannot tell points apart.
    max_trials : evaluations after which the best length so far is given.

    References
    ----------
    Brent, "Algorithms for Minimization without Derivatives", Prentice-Hall (1973), chapter 5.
    """

    tolerance: Any = 1e-7
    max_trials: int = 80

    def search(
        self, objective: Objective, point: Point, direction: Float[Array, " n"], initial: Float[Array, ""]
    ) -> Searched:
        def phi(length: Array) -> Array:
            return value_along(objective, point, direction, length)

        def going(valley: Valley) -> Array:
            middle = (valley.a + valley.c) / 2
            near = jnp.abs(valley.x - middle) <= 2 * self._least(valley) - (valley.c - valley.a) / 2
            return closed & ~near & (valley.trials < self.max_trials)

        bracket = bracket_minimum(phi, point.value, initial, self.max_trials // 2)
        closed = bracket.closed
        x, value, still = bracket.b, bracket.value_b, jnp.zeros_like(bracket.b)
        start = Valley(bracket.a, bracket.c, x, x, x, value, value, value, still, still, bracket.trials)
        valley = jax.lax.while_loop(going, lambda valley: _narrow(phi, valley, self._least(valley)), start)
        found = closed & (valley.value_x < point.value) & (point.slope(direction) < 0)
        return at_length(objective, point, direction, valley.x, valley.trials, found)

    def _least(self, valley: Valley) -> Array:
        return self.tolerance * valley.x + jnp.finfo(valley.x.dtype).tiny


def _narrow(phi: Any, valley: Valley, least: Array) -> Valley:
    a, c, x, w, v, value_x, value_w, value_v, move, before, trials = valley
    # Parabola through the three points: its minimizer is x + numerator / denominator.
    right, left = (x - w) * (value_x - value_v), (x - v) * (value_x - value_w)
    numerator = (x - v) * left - (x - w) * right
    denominator = 2 * (left - right)
    numerator = jnp.where(denominator > 0, -numerator, numerator)
    denominator = jnp.abs(denominator)
    inside = (numerator > denominator * (a - x)) & (numerator < denominator * (c - x))
    parabola = inside & (jnp.abs(numerator) < jnp.abs(denominator * before / 2)) & (jnp.abs(before) > least)
    longer = jnp.where(x >= (a + c) / 2, a - x, c - x)
    step = jnp.where(parabola, numerator / jnp.where(denominator > 0, denominator, 1), (2 - GOLDEN) * longer)
    # Two points closer than the tolerance tell nothing new, so no trial lies that near to the best or to an end.
    edge = parabola & ((x + step - a < 2 * least) | (c - x - step < 2 * least))
    step = jnp.where(edge, jnp.sign((a + c) / 2 - x) * least, step)
    step = jnp.where(jnp.abs(step) >= least, step, jnp.where(step >= 0, least, -least))
    tried = x + step
    value = phi(tried)
    lower = value <= value_x
    # The bracket shrinks to the side of the lowest point.
    end, start = jnp.where(tried >= x, c, x), jnp.where(tried >= x, x, a)
    outer_end, outer_start = jnp.where(tried < x, c, tried), jnp.where(tried < x, tried, a)
    new_a, new_c = jnp.where(lower, start, outer_start), jnp.where(lower, end, outer_end)
    second = ~lower & ((value <= value_w) | (w == x))
    third = ~lower & ~second & ((value <= value_v) | (v == x) | (v == w))

    def kept(best: Any, first: Any, next_best: Any, last: Any) -> tuple[Any, Any, Any]:
        return (
            jnp.where(lower, best, first),
            jnp.where(lower, first, jnp.where(second, best, next_best)),
            jnp.where(lower | second, next_best, jnp.where(third, best, last)),
        )

    new_x, new_w, new_v = kept(tried, x, w, v)
    values = kept(value, value_x, value_w, value_v)
    return Valley(new_a, new_c, new_x, new_w, new_v, *values, step, jnp.where(parabola, move, longer), trials + 1)
