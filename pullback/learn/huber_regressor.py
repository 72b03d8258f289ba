"""Huber's robust regression, as an estimator."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.exceptions import ConvergenceWarning

from pullback.learn.rows import prediction_rows, regression_rows
from pullback.models.linear.huber import fit_huber


class HuberRegressor(RegressorMixin, BaseEstimator):
    r"""Regression that is quadratic in small residuals and linear in large ones, with the scale fitted along.

    Parameters
    ----------
    epsilon : residuals below $\epsilon \sigma$ are small; 1 or more.
    max_iter : the most Newton steps.
    alpha : weight of $\lVert b \rVert^2$.
    fit_intercept : whether there is a $b_0$, which is not penalized.
    tol : on the decrease that the next step promises, relative to $\sigma \sum w$.

    Attributes
    ----------
    coef_ : shape (features,).
    intercept_ : a number.
    scale_ : $\hat \sigma$.
    outliers_ : shape (rows,), whether a residual is large.
    n_iter_ : Newton steps.

    Errors
    ------
    `ValueError` for what is no table of finite numbers; `ConfigurationError` for a setting out of its range. A
    `ConvergenceWarning` if `max_iter` steps were not enough.

    Examples
    --------
    >>> X, y = [[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]], [0.1, 0.9, 2.1, 2.9, 4.1, 40.0]
    >>> model = HuberRegressor(alpha=0.0).fit(X, y)
    >>> model.coef_.round(2).tolist(), bool(model.outliers_[5])
    ([1.06], True)

    Source: scikit-learn's estimator of the same name and objective.
    """

    def __init__(
        self,
        *,
        epsilon: Any = 1.35,
        max_iter: Any = 100,
        alpha: Any = 1e-4,
        fit_intercept: Any = True,
        tol: Any = 1e-10,
    ) -> None:
        self.epsilon = epsilon
        self.max_iter = max_iter
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.tol = tol

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> HuberRegressor:
        """The minimum, by Newton's method."""
        rows = regression_rows(self, X, y, sample_weight)
        found = fit_huber(
            rows.X,
            rows.y,
            rows.weight,
            epsilon=self.epsilon,
            alpha=self.alpha,
            fit_intercept=bool(self.fit_intercept),
            tolerance=self.tol,
            max_steps=self.max_iter,
        )
        if not found.converged:
            warnings.warn(
                f"Newton's method did not reach tol={self.tol:g} within max_iter={self.max_iter} steps",
                ConvergenceWarning,
                stacklevel=2,
            )
        self.coef_ = found.coef
        self.intercept_ = found.intercept[()]
        self.scale_ = found.scale[()]
        self.n_iter_ = int(found.steps)
        residuals = np.asarray(y, np.float64).ravel() - self.predict(X)
        self.outliers_ = np.abs(residuals) > self.scale_ * self.epsilon
        return self

    def predict(self, X: Any) -> np.ndarray:
        r"""$\hat y = b_0 + X b$, in float64."""
        return prediction_rows(self, X) @ self.coef_ + self.intercept_
