"""Brent's method: inverse quadratic interpolation that never does much worse than bisection."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.optim.roots.state import RootReason, RootState, VectorFunction, count


class Interpolation(NamedTuple):
    """The best point before, the end across the root, and the last two steps."""

    a: Float[Array, " 1"]
    a_value: Float[Array, " 1"]
    c: Float[Array, " 1"]
    c_value: Float[Array, " 1"]
    last: Float[Array, " 1"]
    before_last: Float[Array, " 1"]


def start(F: VectorFunction, a: Float[Array, " 1"], b: Float[Array, " 1"]) -> RootState:
    """With the better end first."""
    at_a, at_b = F(a), F(b)
    changes = jnp.all(jnp.sign(at_a) * jnp.sign(at_b) <= 0)
    reason = RootReason.where(changes, RootReason.running, RootReason.no_sign_change)
    return _ordered(b, at_b, Interpolation(a, at_a, a, at_a, b - a, b - a), count(2), reason)


def step(F: VectorFunction, state: RootState, tolerance: Any) -> RootState:
    r"""By the parabola through three points or the secant of two where that is short enough, else bisection.

    References
    ----------
    Brent, "Algorithms for Minimization without Derivatives", Prentice-Hall (1973), chapter 4.
    """
    b, b_value = state.x, state.value
    a, a_value, c, c_value, last, before_last = memory = state.memory
    del memory
    smallest = 2 * jnp.finfo(b.dtype).eps * jnp.abs(b) + tolerance * jnp.maximum(1, jnp.abs(b)) / 2
    middle = (c - b) / 2
    p, q = _interpolated(b_value, a_value, c_value, middle, b - a, a == c)
    usable = (jnp.abs(before_last) >= smallest) & (jnp.abs(a_value) > jnp.abs(b_value))
    usable &= 2 * p < jnp.minimum(3 * middle * q - jnp.abs(smallest * q), jnp.abs(before_last * q))
    direction = jnp.where(usable, p / jnp.where(q == 0, 1, q), middle)
    before_last = jnp.where(usable, last, direction)
    # Never shorter than the tolerance, so that the end across the root is reached.
    moved = jnp.where(jnp.abs(direction) > smallest, direction, jnp.where(middle > 0, smallest, -smallest))
    x = b + moved
    kept = Interpolation(b, b_value, c, c_value, direction, before_last)
    return _ordered(x, F(x), kept, state.evaluations + 1, RootReason.running)


def _interpolated(
    b_value: Array, a_value: Array, c_value: Array, middle: Array, gap: Array, two: Array
) -> tuple[Array, Array]:
    """Numerator, made positive, and denominator of the step."""
    s = b_value / jnp.where(a_value == 0, 1, a_value)
    q, r = a_value / jnp.where(c_value == 0, 1, c_value), b_value / jnp.where(c_value == 0, 1, c_value)
    p = jnp.where(two, 2 * middle * s, s * (2 * middle * q * (q - r) - gap * (r - 1)))
    below = jnp.where(two, 1 - s, (q - 1) * (r - 1) * (s - 1))
    return jnp.abs(p), jnp.where(p > 0, -below, below)


def _ordered(b: Array, b_value: Array, memory: Interpolation, evaluations: Array, reason: Any) -> RootState:
    """With `c` across the root from `b`, and `b` the better of both."""
    a, a_value, c, c_value, last, before_last = memory
    same = jnp.sign(b_value) * jnp.sign(c_value) > 0
    c, c_value = jnp.where(same, a, c), jnp.where(same, a_value, c_value)
    last, before_last = jnp.where(same, b - a, last), jnp.where(same, b - a, before_last)
    worse = jnp.abs(c_value) < jnp.abs(b_value)
    a, a_value = jnp.where(worse, b, a), jnp.where(worse, b_value, a_value)
    b, b_value, c, c_value = (
        jnp.where(worse, c, b),
        jnp.where(worse, c_value, b_value),
        jnp.where(worse, b, c),
        jnp.where(worse, b_value, c_value),
    )
    kept = Interpolation(a, a_value, c, c_value, last, before_last)
    return RootState(b, b_value, jnp.abs(c - b)[0] / 2, kept, evaluations, reason)
