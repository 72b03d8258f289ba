"""Symmetric tridiagonal matrices of which only the leading part is in use."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def leading_tridiagonal(
    diagonal: Float[Array, " m"], off_diagonal: Float[Array, " k"], steps: Int[Array, ""]
) -> Float[Array, "m m"]:
    """The matrix whose leading block is in use; the rest is diagonal, above every eigenvalue of that block."""
    place = jnp.arange(diagonal.size, dtype=jnp.int32)
    kept = jnp.where(place < steps, diagonal, 0.0)
    beside = jnp.where(place[1:] < steps, off_diagonal, 0.0)
    scale = jnp.max(jnp.abs(kept)) + 2 * jnp.max(jnp.abs(beside), initial=0.0)
    above = 2 * jnp.where(scale > 0, scale, 1.0)
    return jnp.diag(jnp.where(place < steps, kept, above)) + jnp.diag(beside, 1) + jnp.diag(beside, -1)


def tridiagonal_eigensystem(
    diagonal: Float[Array, " m"], off_diagonal: Float[Array, " k"], steps: Int[Array, ""]
) -> tuple[Float[Array, " m"], Float[Array, "m m"]]:
    """Ascending eigenvalues and their eigenvectors (columns) of the leading block; then NaN and zeros."""
    values, vectors = jnp.linalg.eigh(leading_tridiagonal(diagonal, off_diagonal, steps))
    used = jnp.arange(diagonal.size, dtype=jnp.int32) < steps
    return jnp.where(used, values, jnp.nan), jnp.where(used, vectors, 0.0)
