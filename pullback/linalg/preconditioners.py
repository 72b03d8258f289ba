"""Preconditioners for conjugate gradients: cheap approximate inverses, symmetric and positive definite."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import cho_solve, solve_triangular
from jax.tree_util import Partial
from jaxtyping import Array, Float

from pullback.core.checks import positive, positive_integer
from pullback.core.errors import ConfigurationError, DataError
from pullback.core.precision import double_precision
from pullback.linalg.product import Vector, as_real, check_finite, known, symmetric_matrix


@double_precision
def jacobi(matrix: Vector) -> Partial:
    r"""The function $r \mapsto D^{-1} r$ with the diagonal $D$ of the matrix.

    Parameters
    ----------
    matrix : shape (n, n), or its diagonal alone, shape (n,); the diagonal must be positive.

    Raises
    ------
    ShapeError, DataError
        for a matrix that is not square or symmetric, or a diagonal that is not positive.

    Examples
    --------
    >>> jacobi(np.array([2.0, 4.0]))(np.array([1.0, 1.0])).tolist()
    [0.5, 0.25]

    References
    ----------
    Saad, Iterative Methods for Sparse Linear Systems, 2nd ed., SIAM 2003, section 10.2.
    """
    values = as_real("matrix", matrix)
    diagonal = values if values.ndim == 1 else jnp.diagonal(symmetric_matrix("matrix", values))
    return Partial(_scaled, 1 / _positive_diagonal(diagonal))


@double_precision
def block_jacobi(matrix: Vector, block_size: int) -> Partial:
    r"""The function $r \mapsto \operatorname{diag}(A_{11}, A_{22}, \dots)^{-1} r$ with diagonal blocks of one size.

    Parameters
    ----------
    matrix : shape (n, n), symmetric positive definite; the last block is smaller where `block_size` does not divide n.

    Raises
    ------
    ShapeError, DataError, ConfigurationError
        for a matrix that is not square or symmetric, a block that is not positive definite, a size below one.

    Examples
    --------
    >>> blocks = block_jacobi(np.array([[2.0, 1.0, 9.0], [1.0, 2.0, 9.0], [9.0, 9.0, 4.0]]), 2)
    >>> blocks(np.array([3.0, 3.0, 4.0])).round(12).tolist()
    [1.0, 1.0, 1.0]

    References
    ----------
    Saad, Iterative Methods for Sparse Linear Systems, 2nd ed., SIAM 2003, section 12.2.
    """
    values = symmetric_matrix("matrix", matrix)
    size = min(positive_integer("block_size", block_size), len(values))
    missing = -len(values) % size
    padded = jnp.pad(values, (0, missing))
    padded = padded + jnp.diag((jnp.arange(len(padded)) >= len(values)).astype(values.dtype))
    count = len(padded) // size
    grid = padded.reshape(count, size, count, size)
    place = jnp.arange(count)
    factors = jnp.linalg.cholesky(grid[place, :, place, :])
    if known(factors) and not bool(jnp.isfinite(factors).all()):
        broken = int(np.argwhere(~np.isfinite(np.asarray(factors)))[0][0])
        raise DataError(
            f"diagonal block {broken} of the matrix is not positive definite",
            expected="positive eigenvalues",
            got=f"smallest eigenvalue {np.linalg.eigvalsh(np.asarray(grid[broken, :, broken, :])).min():.4g}",
            fix="add a multiple of the identity",
        )
    return Partial(_block_solve, factors)


@double_precision
def symmetric_gauss_seidel(matrix: Vector, relaxation: float = 1.0) -> Partial:
    r"""The function $r \mapsto M^{-1} r$ of a symmetric sweep; with a relaxation $\omega \neq 1$ it is known as SSOR.

    $$ M = \frac{\omega}{2 - \omega} \Big( \frac{D}{\omega} + L \Big) D^{-1} \Big( \frac{D}{\omega} + L^\top \Big),
       \qquad A = L + D + L^\top $$

    Parameters
    ----------
    matrix : shape (n, n), symmetric with a positive diagonal.
    relaxation : $\omega$ in (0, 2).

    Raises
    ------
    ShapeError, DataError, ConfigurationError
        for a matrix that is not square or symmetric, a diagonal that is not positive, a relaxation out of its range.

    Examples
    --------
    >>> sweep = symmetric_gauss_seidel(np.array([[2.0, 1.0], [1.0, 2.0]]))
    >>> sweep(np.array([2.0, 3.5])).round(12).tolist()
    [0.375, 1.25]

    References
    ----------
    Saad, Iterative Methods for Sparse Linear Systems, 2nd ed., SIAM 2003, section 10.2.
    """
    values = symmetric_matrix("matrix", matrix)
    if positive("relaxation", relaxation) >= 2:
        raise ConfigurationError(
            "relaxation is out of its range", expected="0 < relaxation < 2", got=repr(relaxation), fix="1 is usual"
        )
    diagonal = _positive_diagonal(jnp.diagonal(values))
    lower = jnp.tril(values, -1) + jnp.diag(diagonal) / relaxation
    return Partial(_sweep, lower, diagonal * ((2 - relaxation) / relaxation))


def _positive_diagonal(diagonal: Float[Array, " n"]) -> Float[Array, " n"]:
    check_finite("diagonal", diagonal)
    if known(diagonal) and not bool((diagonal > 0).all()):
        place = int(jnp.argmin(diagonal))
        raise DataError(
            "the diagonal is not positive, so the matrix is not positive definite",
            expected="numbers > 0",
            got=f"{float(diagonal[place])} at [{place}]",
            fix="solve with shifted_cholesky, or leave the preconditioner out",
        )
    return diagonal


@double_precision
def _scaled(inverse: Any, r: Any) -> Any:
    r = as_real("r", r)
    return jnp.asarray(inverse).astype(r.dtype) * r


@double_precision
def _block_solve(factors: Any, r: Any) -> Any:
    r = as_real("r", r)
    factors = jnp.asarray(factors).astype(r.dtype)
    count, size, _ = factors.shape
    blocks = jnp.pad(r, (0, count * size - r.size)).reshape(count, size)
    solved = jax.vmap(lambda factor, block: cho_solve((factor, True), block))(factors, blocks)
    return solved.reshape(-1)[: r.size]


@double_precision
def _sweep(lower: Any, scale: Any, r: Any) -> Any:
    r = as_real("r", r)
    lower, scale = jnp.asarray(lower).astype(r.dtype), jnp.asarray(scale).astype(r.dtype)
    forward = solve_triangular(lower, r, lower=True)
    return solve_triangular(lower, scale * forward, lower=True, trans="T")
