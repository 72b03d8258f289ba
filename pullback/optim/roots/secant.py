"""The secant method."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.optim.roots.state import RootReason, RootState, VectorFunction, count


class Before(NamedTuple):
    """The point before, and the function there."""

    x: Float[Array, " 1"]
    value: Float[Array, " 1"]


def start(F: VectorFunction, first: Float[Array, " 1"], second: Float[Array, " 1"]) -> RootState:
    """From two points."""
    return RootState(second, F(second), jnp.full((), jnp.inf, first.dtype), Before(first, F(first)), count(2))


def step(F: VectorFunction, state: RootState, tolerance: Any) -> RootState:
    r"""$x_{k+1} = x_k - F(x_k) \frac{x_k - x_{k-1}}{F(x_k) - F(x_{k-1})}$."""
    del tolerance
    x, value = state.x, state.value
    before: Before = state.memory
    change = value - before.value
    direction = -value * (x - before.x) / jnp.where(change == 0, 1, change)
    solved = jnp.all(change != 0)
    following = x + jnp.where(solved, direction, 0)
    reason = RootReason.where(solved, RootReason.running, RootReason.singular)
    error = jnp.where(solved, jnp.abs(direction[0]), jnp.inf)
    return RootState(following, F(following), error, Before(x, value), state.evaluations + 1, reason)
