"""Quantile regression, as an estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin

from pullback.learn.rows import prediction_rows, regression_rows
from pullback.models.linear.quantile import fit_quantile


class QuantileRegressor(RegressorMixin, BaseEstimator):
    r"""The linear function below which a given share of the targets lies, with a penalty on $\lVert b \rVert_1$.

    Parameters
    ----------
    quantile : $q$, above 0 and below 1.
    alpha : weight of $\lVert b \rVert_1$ beside the mean loss. scikit-learn's default is 1, ours no penalty.
    fit_intercept : whether there is a $b_0$, which is not penalized.

    Attributes
    ----------
    coef_ : shape (features,).
    intercept_ : a number.
    n_iter_ : steps of the linear program's solver.

    Errors
    ------
    `ValueError` for what is no table of finite numbers; `ConfigurationError` for a setting out of its range.

    Examples
    --------
    >>> X, y = [[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]], [0.0, 1.0, 2.0, 3.0, 4.0, 40.0]
    >>> QuantileRegressor().fit(X, y).coef_.round(9).tolist()
    [1.0]

    Source: scikit-learn's estimator of the same name and objective.
    """

    def __init__(self, *, quantile: Any = 0.5, alpha: Any = 0.0, fit_intercept: Any = True) -> None:
        self.quantile = quantile
        self.alpha = alpha
        self.fit_intercept = fit_intercept

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> QuantileRegressor:
        """The minimum, by linear programming."""
        rows = regression_rows(self, X, y, sample_weight, pad=False)
        found = fit_quantile(
            rows.X,
            rows.y,
            rows.weight,
            quantile=self.quantile,
            alpha=self.alpha,
            fit_intercept=bool(self.fit_intercept),
        )
        self.coef_ = found.coef
        self.intercept_ = found.intercept
        self.n_iter_ = found.steps
        return self

    def predict(self, X: Any) -> np.ndarray:
        r"""$\hat y = b_0 + X b$, in float64."""
        return prediction_rows(self, X) @ self.coef_ + self.intercept_
