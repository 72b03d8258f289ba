"""Least squares by the Cholesky factor of the Gram matrix."""

from __future__ import annotations

import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Float

from pullback.linalg.least_squares.factored import Factored
from pullback.linalg.least_squares.solver import Solver


def gram_singular_values(gram: Float[Array, "p p"]) -> Float[Array, " p"]:
    """Singular values by the eigenvalues of the Gram matrix, descending: those below sqrt(eps) are lost."""
    return jnp.sqrt(jnp.maximum(jnp.linalg.eigvalsh(gram)[::-1], 0.0))


def solve_cholesky(
    A: Float[Array, "n p"],
    b: Float[Array, "n k"],
    lengths: Float[Array, " p"],
    gram: Float[Array, "p p"],
    singular_values: Float[Array, " p"],
) -> Factored:
    r"""$C C^\top = A^\top A$, $x = C^{-\top} C^{-1} A^\top b$, refined once by the residual; NaN without full rank.

    `A` has columns of length one; `x` and the root are in the units of the columns before.
    """
    C = jnp.linalg.cholesky(gram)
    root = solve_triangular(C, jnp.eye(len(C), dtype=C.dtype), lower=True).T
    x = root @ (root.T @ (A.T @ b))
    x = x + root @ (root.T @ (A.T @ (b - A @ x)))
    rank = jnp.asarray(len(C), dtype=jnp.int32)
    # The Gram matrix squares the condition number: below this bound one step of refinement brings all digits back.
    close = singular_values[-1] > singular_values[0] * jnp.finfo(A.dtype).eps ** 0.25
    scaled_back = x / lengths[:, None], root / lengths[:, None]
    return Factored(*scaled_back, rank, singular_values, jnp.int32(Solver.CHOLESKY.value), close)
