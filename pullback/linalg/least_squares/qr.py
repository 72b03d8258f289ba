"""Least squares by orthogonal triangularization."""

from __future__ import annotations

import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Float

from pullback.linalg.least_squares.factored import Factored, numerical_rank
from pullback.linalg.least_squares.solver import Solver


def solve_triangle(
    R: Float[Array, "p p"], c: Float[Array, "p k"], lengths: Float[Array, " p"], tolerance: float
) -> Factored:
    r"""$A = Q R$, $R x = Q^\top b$, for full rank: the solution with the smallest error of all solvers.

    `c` is $Q^\top b$; the columns of `A` have length one, `x` and the root are in the units before.
    """
    root = solve_triangular(R, jnp.eye(len(R), dtype=R.dtype))
    x = solve_triangular(R, c)
    singular_values = jnp.linalg.svd(R, compute_uv=False)
    rank = numerical_rank(singular_values, tolerance)
    scaled_back = x / lengths[:, None], root / lengths[:, None]
    return Factored(*scaled_back, rank, singular_values, jnp.int32(Solver.QR.value), rank == len(R))
