"""The lasso, as an estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin

from pullback.learn.elastic_net import fit_penalized
from pullback.learn.rows import prediction_rows


class Lasso(MultiOutputMixin, RegressorMixin, BaseEstimator):
    r"""Least squares with a penalty on the absolute values of the coefficients, which sets some to zero.

    $$ \min_{b_0, b} \ \frac{1}{2n} \sum_i w_i \big( y_i - b_0 - x_i^\top b \big)^2 + \alpha \|b\|_1,
       \qquad n = \sum_i w_i $$

    Parameters
    ----------
    alpha : strength of the penalty, above zero.
    fit_intercept, positive, tol, max_iter : as `ElasticNet`.

    Attributes
    ----------
    coef_, intercept_, dual_gap_, n_iter_, n_features_in_, feature_names_in_ : as `ElasticNet`.

    Errors
    ------
    As `ElasticNet`.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = Lasso(alpha=0.5).fit(X, y)
    >>> model.coef_.round(4).tolist()
    [0.0, 0.0, 471.0136, 136.5169, 0.0, 0.0, -58.3401, 0.0, 408.0219, 0.0]

    Source: Tibshirani, "Regression shrinkage and selection via the lasso", Journal of the Royal Statistical Society B
    58, 1996; scikit-learn's estimator of the same name, whose objective this is.
    """

    coef_: np.ndarray
    intercept_: np.ndarray | float

    def __init__(
        self,
        alpha: Any = 1.0,
        *,
        fit_intercept: Any = True,
        positive: Any = False,
        tol: Any = 1e-8,
        max_iter: Any = 10_000,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.positive = positive
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Lasso:
        """The smallest penalized sum of squares of the rows."""
        return fit_penalized(self, X, y, sample_weight, 1.0)

    def predict(self, X: Any) -> np.ndarray:
        r"""$\hat y = b_0 + X b$, in float64."""
        return prediction_rows(self, X) @ self.coef_.T + self.intercept_
