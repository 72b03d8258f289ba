"""One least-squares problem by one method, and the choice of the method by the condition number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.linalg.least_squares.branch import branch
from pullback.linalg.least_squares.cholesky import gram_singular_values, solve_cholesky
from pullback.linalg.least_squares.factored import Factored, column_lengths, rank_tolerance
from pullback.linalg.least_squares.normal_equations import solve_normal_equations
from pullback.linalg.least_squares.qr import solve_triangle
from pullback.linalg.least_squares.solver import Solver
from pullback.linalg.least_squares.svd import solve_svd


def choose(attempt: Callable[[Solver], Any], solver: Solver | None, shape: tuple[int, ...]) -> Any:
    """What the attempt makes of the solver asked for; of None, of the first of three that its own flag trusts.

    The attempt returns a tuple with the flag `trusted`. Cholesky's factor comes first, then the triangle of QR, then
    singular values; of values that are known nothing is compiled for those behind.
    """

    def orthogonal() -> Any:
        first = attempt(Solver.QR)
        return branch(first.trusted, lambda: first, lambda: attempt(Solver.SVD))

    if solver is Solver.NORMAL_EQUATIONS or solver is Solver.CHOLESKY:
        return attempt(solver)
    if solver is Solver.SVD or shape[0] < shape[1]:
        return attempt(Solver.SVD)
    if solver is Solver.QR:
        return orthogonal()
    first = attempt(Solver.CHOLESKY)
    return branch(first.trusted, lambda: first, orthogonal)


def solve(A: Float[Array, "n p"], b: Float[Array, "n k"], solver: Solver) -> Factored:
    """Least squares of the rows as they are, by that solver."""
    if min(A.shape) == 0:
        return _empty(A, b)
    lengths = column_lengths(A)
    scaled = A / lengths
    if solver is Solver.NORMAL_EQUATIONS:
        return solve_normal_equations(scaled, b, lengths)
    if solver is Solver.CHOLESKY:
        gram = scaled.T @ scaled
        return solve_cholesky(scaled, b, lengths, gram, gram_singular_values(gram))
    tolerance = rank_tolerance(scaled)
    if len(scaled) < len(lengths):
        return solve_svd(scaled, b, lengths, tolerance)
    Q, R = jnp.linalg.qr(scaled)
    return (solve_svd if solver is Solver.SVD else solve_triangle)(R, Q.T @ b, lengths, tolerance)


def _empty(A: Float[Array, "n p"], b: Float[Array, "n k"]) -> Factored:
    p, m = A.shape[1], min(A.shape)
    x, root = jnp.zeros((p, b.shape[1]), A.dtype), jnp.zeros((p, m), A.dtype)
    return Factored(x, root, jnp.int32(0), jnp.zeros((m,), A.dtype), jnp.int32(Solver.SVD.value), jnp.bool_(True))
