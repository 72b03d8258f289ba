"""The elastic net, as an estimator."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning

from pullback.learn.rows import prediction_rows, regression_rows
from pullback.models.linear.elastic_net import ElasticNetFit, fit_elastic_net


class ElasticNet(MultiOutputMixin, RegressorMixin, BaseEstimator):
    r"""Least squares with a penalty on absolute values and squares of the coefficients.

    $$ \min_{b_0, b} \ \frac{1}{2n} \sum_i w_i \big( y_i - b_0 - x_i^\top b \big)^2
       + \alpha \rho \|b\|_1 + \frac{\alpha (1 - \rho)}{2} \|b\|_2^2, \qquad n = \sum_i w_i $$

    Parameters
    ----------
    alpha : strength of the penalty, above zero.
    l1_ratio : $\rho$, the part of the absolute values, from 0 to 1.
    fit_intercept : whether there is a $b_0$, which is not penalized.
    positive : whether the coefficients may not be negative.
    tol : the largest duality gap, as a part of the objective.
    max_iter : most sweeps of coordinate descent, which goes on where active sets do not come to rest.

    Attributes
    ----------
    coef_ : shape (features,) or (outputs, features).
    intercept_ : a number, or shape (outputs,).
    dual_gap_ : by how much at most the objective is above the smallest, a number or shape (outputs,).
    n_iter_ : systems solved, or sweeps; the most of all outputs.
    n_features_in_, feature_names_in_ : as scikit-learn has them.

    Errors
    ------
    `ValueError` for what is no table of finite numbers; `ConfigurationError` for settings outside their range.

    Examples
    --------
    >>> X = [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]
    >>> ElasticNet(alpha=1.0, l1_ratio=0.5).fit(X, [4.0, -4.0, 1.0, -1.0]).coef_.tolist()
    [1.5, 0.0]

    Source: scikit-learn's estimator of the same name, whose objective this is. Several outputs are fitted one by one;
    `tol` is measured by the objective, scikit-learn's by the target's sum of squares.
    """

    coef_: np.ndarray
    intercept_: np.ndarray | float

    def __init__(
        self,
        alpha: Any = 1.0,
        *,
        l1_ratio: Any = 0.5,
        fit_intercept: Any = True,
        positive: Any = False,
        tol: Any = 1e-8,
        max_iter: Any = 10_000,
    ) -> None:
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.positive = positive
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> ElasticNet:
        """The smallest penalized sum of squares of the rows."""
        return fit_penalized(self, X, y, sample_weight, self.l1_ratio)

    def predict(self, X: Any) -> np.ndarray:
        r"""$\hat y = b_0 + X b$, in float64."""
        return prediction_rows(self, X) @ self.coef_.T + self.intercept_


def fit_penalized(estimator: Any, X: Any, y: Any, sample_weight: Any, l1_ratio: float) -> Any:
    """Fit an estimator with the settings of `ElasticNet`, all but `l1_ratio`."""
    rows = regression_rows(estimator, X, y, sample_weight, many_outputs=True, pad=False)
    found = fit_elastic_net(
        rows.X,
        rows.y,
        rows.weight,
        alpha=estimator.alpha,
        l1_ratio=l1_ratio,
        fit_intercept=bool(estimator.fit_intercept),
        positive=bool(estimator.positive),
        tolerance=estimator.tol,
        max_iterations=estimator.max_iter,
    )
    estimator.coef_ = found.coef
    estimator.intercept_ = found.intercept[()]
    estimator.dual_gap_ = found.duality_gap[()]
    estimator.n_iter_ = int(np.max(found.iterations))
    warn_unless_converged(found, estimator.tol)
    return estimator


def warn_unless_converged(found: ElasticNetFit, tolerance: float) -> None:
    """scikit-learn's warning, for a gap above twice the tolerance and far above rounding."""
    part = np.max(found.duality_gap / np.maximum(found.objective, np.finfo(float).tiny))
    if part > max(2 * tolerance, 1e-6):
        warnings.warn(
            f"the objective may be above the smallest by a part of {part:.1e}; raise max_iter",
            ConvergenceWarning,
            stacklevel=4,
        )
