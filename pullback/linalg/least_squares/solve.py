"""One least-squares problem, solved by the method that its condition calls for."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.linalg.least_squares.branch import branch
from pullback.linalg.least_squares.cholesky import gram_singular_values, solve_cholesky
from pullback.linalg.least_squares.factored import Factored, column_lengths, numerical_rank, rank_tolerance
from pullback.linalg.least_squares.normal_equations import solve_normal_equations
from pullback.linalg.least_squares.qr import solve_triangle
from pullback.linalg.least_squares.solver import Solver
from pullback.linalg.least_squares.svd import solve_svd


def solve(A: Float[Array, "n p"], b: Float[Array, "n k"], solver: Solver | None) -> Factored:
    """Least squares of the rows as they are; None chooses the solver by the condition number."""
    n, p = A.shape
    if min(n, p) == 0:
        return _empty(A, b)
    scaled, lengths = _scaled(A)
    if solver is Solver.NORMAL_EQUATIONS:
        return solve_normal_equations(scaled, b, lengths)
    if n < p:
        return solve_svd(scaled, b, lengths, rank_tolerance(scaled))
    if solver is Solver.QR or solver is Solver.SVD:
        return _orthogonal(scaled, b, lengths, solver)
    gram, values, well = _gram(scaled)
    if solver is Solver.CHOLESKY:
        return solve_cholesky(scaled, b, lengths, gram, values)
    return branch(
        well,
        lambda: solve_cholesky(scaled, b, lengths, gram, values),
        lambda: _orthogonal(scaled, b, lengths, Solver.QR),
    )


@jax.jit
def _scaled(A: Float[Array, "n p"]) -> tuple[Float[Array, "n p"], Float[Array, " p"]]:
    lengths = column_lengths(A)
    return A / lengths, lengths


@jax.jit
def _gram(scaled: Float[Array, "n p"]) -> tuple[Array, Array, Array]:
    """The Gram matrix, its singular values, and whether they are close enough for its Cholesky factor."""
    gram = scaled.T @ scaled
    values = gram_singular_values(gram)
    # The Gram matrix squares the condition number: below this bound one step of refinement brings all digits back.
    return gram, values, values[-1] > values[0] * jnp.finfo(scaled.dtype).eps ** 0.25


@jax.jit
def _triangularized(A: Float[Array, "n p"], b: Float[Array, "n k"]) -> tuple[Array, Array, Array]:
    r"""$R$, $Q^\top b$ and the singular values."""
    Q, R = jnp.linalg.qr(A)
    return R, Q.T @ b, jnp.linalg.svd(R, compute_uv=False)


def _orthogonal(
    scaled: Float[Array, "n p"], b: Float[Array, "n k"], lengths: Float[Array, " p"], solver: Solver
) -> Factored:
    """The triangle where the rank is full, singular values where it is not or they are asked for."""
    R, c, values = _triangularized(scaled, b)
    tolerance = rank_tolerance(scaled)
    if solver is Solver.SVD:
        return solve_svd(R, c, lengths, tolerance)
    full = numerical_rank(values, tolerance) == values.size
    return branch(full, lambda: solve_triangle(R, c, lengths, values), lambda: solve_svd(R, c, lengths, tolerance))


def _empty(A: Float[Array, "n p"], b: Float[Array, "n k"]) -> Factored:
    p, m = A.shape[1], min(A.shape)
    x, root = jnp.zeros((p, b.shape[1]), A.dtype), jnp.zeros((p, m), A.dtype)
    return Factored(x, root, jnp.int32(0), jnp.zeros((m,), A.dtype), jnp.int32(Solver.SVD.value))
