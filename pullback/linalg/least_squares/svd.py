"""Least squares by the singular value decomposition."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.linalg.least_squares.factored import Factored, minimum_norm_root, numerical_rank
from pullback.linalg.least_squares.solver import Solver


def solve_svd(
    R: Float[Array, "m p"], c: Float[Array, "m k"], lengths: Float[Array, " p"], tolerance: float
) -> Factored:
    r"""$A = Q R$, $R = U \Sigma V^\top$, $x = T U^\top Q^\top b$ with $T T^\top = (A^\top A)^+$: the shortest solution.

    `c` is $Q^\top b$; singular values at or below `tolerance` of the largest are zero.
    """
    U, s, Vt = jnp.linalg.svd(R, full_matrices=False)
    rank = numerical_rank(s, tolerance)
    present = jnp.arange(s.size, dtype=jnp.int32) < rank
    inverse = jnp.where(present, 1 / jnp.where(present, s, 1.0), 0.0)
    root = minimum_norm_root(Vt.T, inverse, lengths)
    return Factored(root @ (U.T @ c), root, rank, s, jnp.int32(Solver.SVD.value), jnp.bool_(True))
