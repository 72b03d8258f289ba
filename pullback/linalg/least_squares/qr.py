"""Least squares by orthogonal triangularization."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Float

from pullback.linalg.least_squares.factored import Factored
from pullback.linalg.least_squares.solver import Solver


@jax.jit
def solve_triangle(
    R: Float[Array, "p p"], c: Float[Array, "p k"], lengths: Float[Array, " p"], singular_values: Float[Array, " p"]
) -> Factored:
    r"""$A = Q R$, $R x = Q^\top b$, for full rank: the solution with the smallest error of all solvers.

    `c` is $Q^\top b$; the columns of `A` have length one, `x` and the root are in the units before.
    """
    root = solve_triangular(R, jnp.eye(len(R), dtype=R.dtype))
    x = solve_triangular(R, c)
    rank = jnp.asarray(len(R), dtype=jnp.int32)
    return Factored(x / lengths[:, None], root / lengths[:, None], rank, singular_values, jnp.int32(Solver.QR.value))
