"""Linear regression by least squares."""

from __future__ import annotations

import math
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from pullback.core.errors import DataError
from pullback.core.precision import double_precision
from pullback.linalg.least_squares.branch import branch
from pullback.linalg.least_squares.factored import Factored
from pullback.linalg.least_squares.least_squares import condition, refinement_limit, roundings
from pullback.linalg.least_squares.problem import checked_problem, weighted_rows
from pullback.linalg.least_squares.refinement import refine as refine_solution
from pullback.linalg.least_squares.solve import choose, solve
from pullback.linalg.least_squares.solver import Solver
from pullback.linalg.product import known


class LeastSquaresFit(NamedTuple):
    r"""What `fit_least_squares` returns, for $p$ columns and $k$ outputs; one output has no axis of outputs.

    Attributes
    ----------
    coef : $\hat b$, shape (p,) or (k, p): the shortest, where the columns do not identify it.
    intercept : $\hat b_0$, a scalar or shape (k,).
    residual_sum_of_squares : $\sum_i w_i (y_i - \hat y_i)^2$, a scalar or shape (k,).
    total_sum_of_squares : the same of the fit without columns.
    observations : $\sum_i w_i$.
    rank : of the columns, the intercept not counted.
    condition : of the centered columns, scaled to length one.
    singular_values : of those, descending.
    solver : a `Solver`.
    corrections : steps of iterative refinement in doubled precision.
    column_means : $\bar x$, shape (p,), zero without an intercept.
    root : $T$ with $T T^\top = (X^\top W X)^+$ for the columns with a one in front if there is an intercept.
    """

    coef: Any
    intercept: Any
    residual_sum_of_squares: Any
    total_sum_of_squares: Any
    observations: Any
    rank: Any
    condition: Any
    singular_values: Any
    solver: Any
    corrections: Any
    column_means: Any
    root: Any


@double_precision
def fit_least_squares(
    X: ArrayLike,
    y: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    fit_intercept: bool = True,
    solver: str = "auto",
    refine: bool | None = None,
) -> LeastSquaresFit:
    r"""The linear function with the smallest sum of squares.

    $$ (\hat b_0, \hat b) = \arg\min_{b_0, b} \sum_i w_i \big( y_i - b_0 - x_i^\top b \big)^2, \qquad
       \hat b = (X_c^\top W X_c)^{-1} X_c^\top W y_c $$

    with columns and target centered, so that no digits go to their means. A row of weight 3 is three rows.

    Parameters
    ----------
    X : shape (n, p).
    y : shape (n,), or (n, k) for k outputs.
    sample_weight : $w$, shape (n,), none negative.
    fit_intercept : whether there is a $b_0$.
    solver, refine : as `pullback.linalg.least_squares` takes them.

    Raises
    ------
    ShapeError, DataError, ConfigurationError
        for arrays that do not fit, entries that are not finite, negative weights, a solver that does not exist, and
        `solver="cholesky"` for columns that depend on each other.

    Examples
    --------
    >>> x = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> found = fit_least_squares(x, np.array([1.1, 2.9, 5.2, 6.8]))
    >>> found.intercept.round(4).item(), found.coef.round(4).tolist(), found.residual_sum_of_squares.round(4).item()
    (1.09, [1.94], 0.082)

    References
    ----------
    Seber, Lee, "Linear Regression Analysis", 2nd ed., Wiley (2003), chapter 3 and section 11.7.
    """
    method = Solver.named(solver)
    matrix, target, weight = checked_problem(X, y, sample_weight)
    outputs = target if target.ndim == 2 else target[:, None]
    found = _fitted(matrix, outputs, weight, fit_intercept, method, refine)
    if known(found.coef) and not np.isfinite(np.asarray(found.coef)).all():
        raise DataError(
            "the columns are too close to dependent for Cholesky's factor",
            expected="columns that are linearly independent, to half the digits",
            got=f"a condition number of {float(found.condition):.1e}",
            fix='use solver="auto", "qr" or "svd"',
        )
    if target.ndim == 2:
        return found
    return found._replace(
        coef=found.coef[0],
        intercept=found.intercept[0],
        residual_sum_of_squares=found.residual_sum_of_squares[0],
        total_sum_of_squares=found.total_sum_of_squares[0],
    )


class Centered(NamedTuple):
    """Columns and targets less their weighted means, and those; the means are zero without an intercept."""

    X: Array
    y: Array
    column_means: Array
    target_means: Array
    observations: Array


def _observations(y: Float[Array, "n k"], weight: Float[Array, " n"] | None) -> Array:
    return jnp.asarray(len(y), y.dtype) if weight is None else jnp.sum(weight)


def center(
    X: Float[Array, "n p"], y: Float[Array, "n k"], weight: Float[Array, " n"] | None, fit_intercept: bool
) -> Centered:
    """Columns and targets without their weighted means, which are taken twice: the first leaves its rounding."""
    if not fit_intercept:
        return Centered(X, y, jnp.zeros_like(X[0]), jnp.zeros_like(y[0]), _observations(y, weight))
    return _without_means(X, y, weight)


def _without_means(X: Float[Array, "n p"], y: Float[Array, "n k"], weight: Float[Array, " n"] | None) -> Centered:
    n = _observations(y, weight)

    def mean(values: Array) -> Array:
        return jnp.sum(values if weight is None else weight[:, None] * values, axis=0) / n

    first, target_first = mean(X), mean(y)
    X, y = X - first, y - target_first
    second, target_second = mean(X), mean(y)
    return Centered(X - second, y - target_second, first + second, target_first + target_second, n)


class _Attempt(NamedTuple):
    fit: LeastSquaresFit
    loss: Array
    trusted: Array


@partial(jax.jit, static_argnums=(3, 4))
def _attempt(X: Array, y: Array, weight: Array | None, fit_intercept: bool, solver: Solver) -> _Attempt:
    centered = center(X, y, weight, fit_intercept)
    rows, target = weighted_rows(centered.X, centered.y, weight)
    found = solve(rows, target, solver)
    residual = centered.y - centered.X @ found.x
    loss = roundings(centered.X, residual, weight, found)
    return _Attempt(_result(centered, weight, found, residual, fit_intercept), loss, found.trusted)


def _fitted(
    X: Array, y: Array, weight: Array | None, fit_intercept: bool, solver: Solver | None, refine: bool | None
) -> LeastSquaresFit:
    found, loss, _ = choose(lambda method: _attempt(X, y, weight, fit_intercept, method), solver, X.shape)
    limit = refinement_limit((len(X), X.shape[1] + fit_intercept), refine)
    if math.isinf(limit):
        return found
    return branch(loss > limit, lambda: _refined(X, y, weight, found), lambda: found)


@jax.jit
def _refined(X: Array, y: Array, weight: Array | None, found: LeastSquaresFit) -> LeastSquaresFit:
    intercept = has_intercept(found)
    start = jnp.concatenate([found.intercept[None, :], found.coef.T]) if intercept else found.coef.T
    solution, residual, corrections = refine_solution(with_ones(X) if intercept else X, y, start, weight)
    return found._replace(
        coef=solution[intercept:].T,
        intercept=solution[0] if intercept else found.intercept,
        residual_sum_of_squares=_sum_of_squares(residual, weight),
        corrections=corrections,
    )


def with_ones(X: Float[Array, "n p"]) -> Float[Array, "n p+1"]:
    """The columns with the one of the intercept in front."""
    return jnp.concatenate([jnp.ones_like(X[:, :1]), X], axis=1)


def uncentered_root(root: Float[Array, "p m"], column_means: Float[Array, " p"], n: Array) -> Array:
    r"""$T$ of the columns with a one in front, from that of the centered columns."""
    top = jnp.concatenate([1 / jnp.sqrt(n)[None], -column_means @ root])
    below = jnp.concatenate([jnp.zeros_like(root[:, :1]), root], axis=1)
    return jnp.concatenate([top[None, :], below])


def _result(
    centered: Centered, weight: Array | None, found: Factored, residual: Array, fit_intercept: bool
) -> LeastSquaresFit:
    n, means = centered.observations, centered.column_means
    return LeastSquaresFit(
        coef=found.x.T,
        intercept=centered.target_means - means @ found.x,
        residual_sum_of_squares=_sum_of_squares(residual, weight),
        total_sum_of_squares=_sum_of_squares(centered.y, weight),
        observations=n,
        rank=found.rank,
        condition=condition(found),
        singular_values=found.singular_values,
        solver=found.solver,
        corrections=jnp.int32(0),
        column_means=means,
        root=uncentered_root(found.root, means, n) if fit_intercept else found.root,
    )


def _sum_of_squares(rows: Array, weight: Array | None) -> Array:
    return jnp.sum(rows**2, axis=0) if weight is None else weight @ rows**2


def has_intercept(fit: LeastSquaresFit) -> bool:
    """Whether the fit has an intercept."""
    return len(fit.root) > len(fit.column_means)


def predicted(fit: LeastSquaresFit, X: Any) -> Any:
    r"""$\hat y = b_0 + X b$, by the distance of the rows from their mean: an offset takes no digits."""
    center = fit.intercept + fit.column_means @ fit.coef.T
    return center + (X - fit.column_means) @ fit.coef.T


@double_precision
def orthonormal_rows(fit: LeastSquaresFit, X: Any) -> Any:
    r"""$u_i = T^\top x_i$, with a one before the columns if there is an intercept: $\sum_i w_i u_i u_i^\top = I$."""
    X = jnp.asarray(X)
    if not has_intercept(fit):
        return X @ fit.root
    centered = (X - fit.column_means) @ fit.root[1:, 1:]
    return jnp.concatenate([jnp.full_like(centered[:, :1], fit.root[0, 0]), centered], axis=1)
