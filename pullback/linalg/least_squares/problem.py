"""The arrays of a least-squares problem: checked, and weighted."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array

from pullback.core.errors import DataError, ShapeError
from pullback.linalg.product import as_real, check_finite, known


def checked_problem(A: ArrayLike, b: ArrayLike, sample_weight: ArrayLike | None) -> tuple[Array, Array, Array | None]:
    """A matrix (n, p), a target (n,) or (n, k) and weights (n,) of one type, or an error."""
    matrix, target = as_real("A", A), as_real("b", b)
    weight = None if sample_weight is None else as_real("sample_weight", sample_weight)
    check_problem(matrix, target, weight)
    return matrix, target.astype(matrix.dtype), None if weight is None else weight.astype(matrix.dtype)


def check_problem(matrix: Array | np.ndarray, target: Array | np.ndarray, weight: Array | np.ndarray | None) -> None:
    """ShapeError or DataError for real arrays, of JAX or of NumPy, that are not one least-squares problem."""
    fits = matrix.ndim == 2 and target.ndim in (1, 2) and len(matrix) == len(target) and matrix.size > 0
    if not fits or (weight is not None and weight.shape != matrix.shape[:1]):
        raise ShapeError(
            "these arrays are not one least-squares problem",
            expected="A of shape (n, p), b of shape (n,) or (n, k), sample_weight of shape (n,)",
            got=f"{matrix.shape}, {target.shape}" + ("" if weight is None else f", {weight.shape}"),
            fix="give one row of A an observation",
        )
    check_finite("A", matrix)
    check_finite("b", target)
    if weight is not None:
        check_weights(weight)


def check_weights(weight: Array | np.ndarray) -> None:
    """DataError for weights that are negative, not finite or all zero, where they are known."""
    check_finite("sample_weight", weight)
    if known(weight) and (np.asarray(weight).min() < 0 or np.asarray(weight).max() <= 0):
        raise DataError(
            "these weights count no rows",
            expected="weights of zero or more, not all zero",
            got=f"from {np.asarray(weight).min()} to {np.asarray(weight).max()}",
            fix="remove the rows that shall not count, or give them weight zero",
        )


def weighted_rows(A: Array, b: Array, weight: Array | None) -> tuple[Array, Array]:
    """The rows times the roots of their weights."""
    if weight is None:
        return A, b
    root = jnp.sqrt(weight)[:, None]
    return root * A, root * b
