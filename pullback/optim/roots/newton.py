"""Newton's method for roots."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.autodiff import jacobian
from pullback.optim.roots.state import RootReason, RootState, VectorFunction, count


def start(F: VectorFunction, x: Float[Array, " n"]) -> RootState:
    """At the start."""
    return RootState(x, F(x), jnp.full((), jnp.inf, x.dtype), (), count(1))


def step(F: VectorFunction, state: RootState, tolerance: Any) -> RootState:
    r"""$x_{k+1} = x_k - F'(x_k)^{-1} F(x_k)$."""
    del tolerance
    direction = -jnp.linalg.solve(jacobian(F, mode="forward")(state.x), state.value)
    solved = jnp.all(jnp.isfinite(direction))
    x = state.x + jnp.where(solved, direction, 0)
    reason = RootReason.where(solved, RootReason.running, RootReason.singular)
    return RootState(x, F(x), jnp.linalg.norm(direction), (), state.evaluations + 1, reason)
