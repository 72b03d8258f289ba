"""Quantile regression as a linear program."""

from __future__ import annotations

from typing import NamedTuple

import jax
import numpy as np
import scipy.sparse
from jax.typing import ArrayLike
from jaxtyping import Float
from scipy.optimize import linprog

from pullback.core.errors import ConfigurationError, ConvergenceError, ShapeError
from pullback.linalg.least_squares.problem import checked_problem


class QuantileFit(NamedTuple):
    r"""What `fit_quantile` returns.

    Attributes
    ----------
    coef : $\hat b$, shape (p,).
    intercept : $\hat b_0$.
    objective : the minimum.
    dual : $a_i$ of each row, between $q - 1$ and $q$: the derivative of the loss; strictly between where the row is
        fitted exactly.
    steps : of the linear program's solver.
    """

    coef: Float[np.ndarray, " p"]
    intercept: float
    objective: float
    dual: Float[np.ndarray, " n"]
    steps: int


def fit_quantile(
    X: ArrayLike,
    y: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    quantile: float = 0.5,
    alpha: float = 0.0,
    fit_intercept: bool = True,
) -> QuantileFit:
    r"""The linear function below which a given share of the targets lies.

    $$ \min_{b_0, b} \frac{1}{\sum w} \sum_i w_i \rho_q (y_i - b_0 - x_i^\top b) + \alpha \lVert b \rVert_1, \qquad
       \rho_q(r) = \max(q r, (q - 1) r) $$

    It is solved as its dual, which has one row for each column of `X` only and bounds for the rest,

    $$ \max_a \sum_i w_i a_i y_i \quad \text{with} \quad q - 1 \le a_i \le q, \quad \sum_i w_i a_i = 0, \quad
       \Big| \sum_i w_i a_i x_{ij} \Big| \le \alpha \sum_i w_i , $$

    by the simplex method of HiGHS on the host; the coefficients are its multipliers, made exact by the rows that the
    minimum passes through. A row of weight 3 is three rows. Where several coefficients are minimal one of them is
    returned.

    Parameters
    ----------
    X : shape (n, p).
    y : shape (n,).
    sample_weight : $w$, shape (n,), none negative.
    quantile : $q$, above 0 and below 1.
    alpha : $\alpha \ge 0$.
    fit_intercept : whether there is a $b_0$, which is not penalized.

    Raises
    ------
    ShapeError, DataError, ConfigurationError
        for arrays that do not fit, entries that are not finite, negative weights, or a setting out of its range.
    ConvergenceError
        if the solver ends without the minimum.

    Examples
    --------
    >>> x = np.arange(6.0)[:, None]
    >>> found = fit_quantile(x, np.array([0.0, 1.0, 2.0, 3.0, 4.0, 40.0]))
    >>> found.coef.round(9).tolist(), round(found.objective, 9)
    ([1.0], 2.916666667)

    References
    ----------
    Koenker, Bassett, "Regression quantiles", Econometrica 46 (1978).
    """
    _check(X, y, sample_weight, quantile, alpha)
    X, y = np.asarray(X, np.float64), np.asarray(y, np.float64)
    weight = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, np.float64)
    present = weight > 0
    design = np.column_stack([np.ones(len(X)), X]) if fit_intercept else X
    # Columns and targets of one size: the solver's tolerances are absolute.
    lengths = _sizes(design[present])
    spread = _sizes(y[present, None])[0]
    penalty = np.full(design.shape[1], alpha * weight.sum()) / lengths
    penalty[: int(fit_intercept)] = 0
    rows, target = design[present] / lengths, y[present] / spread
    theta, a, steps = _solved(rows, target, weight[present], quantile, penalty)
    theta = theta / lengths * spread
    dual = np.zeros(len(y))
    dual[present] = a
    coef, intercept = (theta[1:], float(theta[0])) if fit_intercept else (theta, 0.0)
    loss = pinball_loss(y - design @ theta, quantile)
    objective = float(weight @ loss / weight.sum() + alpha * np.abs(coef).sum())
    return QuantileFit(coef, intercept, objective, dual, steps)


def pinball_loss(r: Float[np.ndarray, " n"], q: float) -> Float[np.ndarray, " n"]:
    r"""$\rho_q(r) = \max(q r, (q - 1) r)$.

    Examples
    --------
    >>> pinball_loss(np.array([-1.0, 2.0]), 0.25).tolist()
    [0.75, 0.5]
    """
    return np.maximum(q * r, (q - 1) * r)


def _sizes(columns: np.ndarray) -> np.ndarray:
    largest = np.abs(columns).max(axis=0)
    return np.where(largest > 0, largest, 1.0)


def _solved(
    rows: np.ndarray, target: np.ndarray, weight: np.ndarray, q: float, penalty: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int]:
    """Coefficients, dual values and steps of the scaled problem; the variables are $w_i a_i$."""
    free, shrunk = penalty == 0, penalty > 0
    bounds = np.stack([(q - 1) * weight, q * weight], axis=1)
    found = linprog(
        -target,
        A_eq=rows[:, free].T if free.any() else None,
        b_eq=np.zeros(free.sum()) if free.any() else None,
        A_ub=scipy.sparse.csr_array(np.vstack([rows[:, shrunk].T, -rows[:, shrunk].T])) if shrunk.any() else None,
        b_ub=np.tile(penalty[shrunk], 2) if shrunk.any() else None,
        bounds=bounds,
        method="highs-ds",
    )
    if found.status != 0:
        raise ConvergenceError(
            f"the linear program of the quantile was not solved: {found.message}",
            expected="a finite minimum",
            got=f"status {found.status} after {found.nit} steps",
            fix="scale the columns, or remove rows with extreme values",
        )
    theta = np.zeros(rows.shape[1])
    theta[free] = -found.eqlin.marginals if free.any() else 0
    if shrunk.any():
        upper, lower = np.split(found.ineqlin.marginals, 2)
        theta[shrunk] = lower - upper
    a = found.x / weight
    return _through_its_rows(theta, a, rows, target, q), a, int(found.nit)


def _through_its_rows(theta: np.ndarray, a: np.ndarray, rows: np.ndarray, target: np.ndarray, q: float) -> np.ndarray:
    """The coefficients that fit exactly the rows whose dual is inside its bounds, where these determine them."""
    inside = (a > q - 1 + 1e-9) & (a < q - 1e-9)
    used = theta != 0
    if not inside.sum() == used.sum() > 0:
        return theta
    square = rows[np.ix_(inside, used)]
    if np.linalg.cond(square) > 1e12:
        return theta
    exact = np.zeros_like(theta)
    exact[used] = np.linalg.solve(square, target[inside])
    # Taken only if it is the same vertex.
    return exact if np.allclose(exact, theta, rtol=1e-5, atol=1e-7) else theta


def _check(X: object, y: object, sample_weight: object, quantile: float, alpha: float) -> None:
    with_double = np.asarray(X), np.asarray(y), None if sample_weight is None else np.asarray(sample_weight)
    with jax.enable_x64(True):
        _, target, _ = checked_problem(*with_double)
    if target.ndim != 1:
        raise ShapeError(
            "a quantile is of one output", expected="y of shape (n,)", got=str(target.shape), fix="fit each"
        )
    if not 0 < quantile < 1:
        raise ConfigurationError(
            "quantile is out of its range",
            expected="a number above 0 and below 1",
            got=repr(quantile),
            fix="0.5 is the median",
        )
    if not (np.isfinite(alpha) and alpha >= 0):
        raise ConfigurationError(
            "alpha must not be negative", expected="a number of zero or more", got=repr(alpha), fix="zero: no penalty"
        )
