"""Bisection."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.optim.roots.state import RootReason, RootState, VectorFunction, count


class Bracket(NamedTuple):
    """Two ends between which the sign changes, and the function at the first."""

    low: Float[Array, " 1"]
    high: Float[Array, " 1"]
    low_value: Float[Array, " 1"]


def start(F: VectorFunction, a: Float[Array, " 1"], b: Float[Array, " 1"]) -> RootState:
    """In the middle of the bracket; at an end where that is a root."""
    at_a, at_b, middle = F(a), F(b), (a + b) / 2
    x = jnp.where(at_a == 0, a, jnp.where(at_b == 0, b, middle))
    changes = jnp.all(jnp.sign(at_a) * jnp.sign(at_b) <= 0)
    reason = RootReason.where(changes, RootReason.running, RootReason.no_sign_change)
    return RootState(x, F(x), jnp.abs(b - a)[0] / 2, Bracket(a, b, at_a), count(3), reason)


def step(F: VectorFunction, state: RootState, tolerance: Any) -> RootState:
    """The half where the sign changes."""
    del tolerance
    bracket: Bracket = state.memory
    lower = jnp.sign(state.value) * jnp.sign(bracket.low_value) <= 0
    low, high = jnp.where(lower, bracket.low, state.x), jnp.where(lower, state.x, bracket.high)
    low_value = jnp.where(lower, bracket.low_value, state.value)
    x = low + (high - low) / 2
    error = jnp.abs(high - low)[0] / 2
    return RootState(x, F(x), error, Bracket(low, high, low_value), state.evaluations + 1)
