"""Products of centered columns and targets, from which penalized least squares fits are made."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from pullback.linalg.least_squares.problem import check_problem
from pullback.linalg.product import as_real


class CenteredProducts(NamedTuple):
    r"""Means over the rows by their weights, for columns and targets less their means.

    Parameters
    ----------
    G : $\overline{x x^\top}$, shape (p, p).
    q : $\overline{y x}$ of each output, shape (k, p).
    s : $\overline{y^2}$ of each output, shape (k,).
    column_means, target_means : shape (p,) and (k,); zero without an intercept.
    """

    G: Any
    q: Any
    s: Any
    column_means: Any
    target_means: Any


def centered_products(
    X: Float[Array, "n p"], y: Float[Array, "n k"], weight: Float[Array, " n"], fit_intercept: bool
) -> CenteredProducts:
    """The products of arrays of JAX."""
    total = jnp.sum(weight)
    X, column_means = _centered(X, weight, total, fit_intercept)
    y, target_means = _centered(y, weight, total, fit_intercept)
    rows = weight[:, None] / total * X
    return CenteredProducts(
        rows.T @ X, y.T @ rows, jnp.sum(weight[:, None] / total * y**2, axis=0), column_means, target_means
    )


def _centered(values: Any, weight: Any, total: Any, fit_intercept: bool) -> tuple[Any, Any]:
    if not fit_intercept:
        return values, 0 * values[0]
    first = weight @ values / total
    values = values - first
    # A second pass takes off what rounding left of a large mean.
    second = weight @ values / total
    return values - second, first + second


def host_problem(
    X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, fit_intercept: bool
) -> tuple[CenteredProducts, bool]:
    """The products of arrays of NumPy, and whether the target has an axis of outputs."""
    matrix, target, weight = _checked(X, y, sample_weight)
    outputs = target if target.ndim == 2 else target[:, None]
    return host_products(matrix, outputs, weight, fit_intercept), target.ndim == 2


def host_products(
    X: Float[np.ndarray, "n p"],
    y: Float[np.ndarray, "n k"],
    weight: Float[np.ndarray, " n"] | None,
    fit_intercept: bool,
) -> CenteredProducts:
    """The products of arrays of NumPy in float64."""
    counts = np.ones(len(X)) if weight is None else weight
    total = counts.sum()
    X, column_means = _centered(X, counts, total, fit_intercept)
    y, target_means = _centered(y, counts, total, fit_intercept)
    if weight is not None:
        root = np.sqrt(weight)[:, None]
        X, y = root * X, root * y
    # A matrix times its own transpose is half the work of a general product, and symmetric to the last digit.
    G = X.T @ X
    G /= total
    return CenteredProducts(G, y.T @ X / total, (y * y).sum(0) / total, column_means, target_means)


def _checked(X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None) -> tuple[Any, Any, Any]:
    # Looked at by NumPy: a large table is not moved to the device for it.
    matrix, target = _real("X", X), _real("y", y)
    weight = None if sample_weight is None else _real("sample_weight", sample_weight)
    check_problem(matrix, target, weight)
    return matrix, target, weight


def _real(name: str, value: ArrayLike) -> np.ndarray:
    array = np.asarray(value)
    return np.asarray(as_real(name, value) if np.iscomplexobj(array) else array, np.float64)
