"""Ridge regression, and its path with the penalty chosen by leaving out each row, as estimators."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin

from pullback.core.errors import ConfigurationError, DataError, unknown_name
from pullback.learn.rows import prediction_rows, regression_rows
from pullback.models.linear.ridge import fit_ridge, fit_ridge_path

CRITERIA = ("leave_one_out", "generalized", "one_standard_error")


class Ridge(MultiOutputMixin, RegressorMixin, BaseEstimator):
    r"""Ridge regression, $\min_{b_0, b} \sum_i w_i (y_i - b_0 - x_i^\top b)^2 + \alpha \lVert b \rVert^2$.

    Parameters
    ----------
    alpha : $\alpha \ge 0$, a number or one for each output.
    fit_intercept : whether there is a $b_0$, which is not penalized.

    Attributes
    ----------
    coef_ : shape (features,) or (outputs, features).
    intercept_ : a number, or shape (outputs,).
    shrinkage_ : $s_j^2 / (s_j^2 + \alpha)$ along each principal axis.
    degrees_of_freedom_ : effective number of coefficients.

    Errors
    ------
    `ValueError` for what is no table of finite numbers; `ConfigurationError` for a negative penalty.

    Examples
    --------
    >>> model = Ridge(alpha=2.0).fit([[1.0], [2.0], [3.0]], [1.0, 2.0, 3.0])
    >>> model.coef_.round(12).tolist(), round(float(model.degrees_of_freedom_), 12)
    ([0.5], 1.5)

    Source: scikit-learn's estimator of the same name and objective.
    """

    def __init__(self, alpha: Any = 1.0, *, fit_intercept: Any = True) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Ridge:
        """The minimum, in closed form."""
        rows = regression_rows(self, X, y, sample_weight, many_outputs=True)
        found = fit_ridge(rows.X, rows.y, rows.weight, alpha=self.alpha, fit_intercept=bool(self.fit_intercept))
        self.coef_ = found.coef
        self.intercept_ = found.intercept[()]
        self.shrinkage_ = found.shrinkage
        self.degrees_of_freedom_ = found.degrees_of_freedom[()]
        return self

    def predict(self, X: Any) -> np.ndarray:
        r"""$\hat y = b_0 + X b$, in float64."""
        return prediction_rows(self, X) @ self.coef_.T + self.intercept_


class RidgePath(MultiOutputMixin, RegressorMixin, BaseEstimator):
    r"""Ridge regression with the penalty that best predicts rows left out, in closed form for all penalties.

    Parameters
    ----------
    alphas : penalties to choose from.
    criterion : "leave_one_out": the smallest mean squared error of rows left out; "generalized": the smallest
        generalized cross-validation; "one_standard_error": the largest penalty whose leave-one-out error is within one
        standard error of the smallest.
    fit_intercept : whether there is a $b_0$, which is not penalized.

    Attributes
    ----------
    alpha_ : the penalty chosen, one for all outputs.
    coef_, intercept_ : of the fit with it.
    coef_path_, intercept_path_ : for all penalties, shapes (alphas, ...).
    leave_one_out_errors_, generalized_errors_ : shape (alphas,), the mean over outputs.
    degrees_of_freedom_path_ : shape (alphas,).

    Errors
    ------
    `ValueError` for what is no table of finite numbers; `ConfigurationError` for negative penalties or an unknown
    criterion.

    Examples
    --------
    >>> X, y = [[1.0], [2.0], [3.0], [4.0]], [1.0, 2.5, 2.5, 4.0]
    >>> model = RidgePath(alphas=(0.1, 1.0, 10.0)).fit(X, y)
    >>> model.alpha_, model.coef_.round(4).tolist()
    (0.1, [0.8824])

    Source: Golub, Heath, Wahba, Technometrics 21 (1979); scikit-learn's `RidgeCV` without weights.
    """

    def __init__(
        self, alphas: Any = (0.1, 1.0, 10.0), *, criterion: Any = "leave_one_out", fit_intercept: Any = True
    ) -> None:
        self.alphas = alphas
        self.criterion = criterion
        self.fit_intercept = fit_intercept

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> RidgePath:
        """The whole path, and the choice."""
        if self.criterion not in CRITERIA:
            raise unknown_name("criterion", str(self.criterion), CRITERIA)
        rows = regression_rows(self, X, y, sample_weight, many_outputs=True)
        if rows.weight.sum() <= 1:
            raise DataError(
                "a row can be left out only where there are others",
                expected="2 samples or more",
                got=f"1 sample of weight {rows.weight.sum():g}",
                fix="bring more rows, or use Ridge with a penalty of your choice",
            )
        alphas = np.atleast_1d(np.asarray(self.alphas, np.float64))
        found = fit_ridge_path(rows.X, rows.y, rows.weight, alphas=alphas, fit_intercept=bool(self.fit_intercept))
        self.leave_one_out_errors_ = _mean_over_outputs(found.leave_one_out_error)
        self.generalized_errors_ = _mean_over_outputs(found.generalized_cross_validation)
        chosen = self._chosen(alphas, _mean_over_outputs(found.leave_one_out_standard_error))
        self.alpha_ = float(alphas[chosen])
        self.coef_path_, self.intercept_path_ = found.coef, found.intercept
        self.coef_, self.intercept_ = found.coef[chosen], found.intercept[chosen]
        self.degrees_of_freedom_path_ = found.degrees_of_freedom
        return self

    def _chosen(self, alphas: np.ndarray, error: np.ndarray) -> int:
        if self.criterion == "generalized":
            return _smallest(self.generalized_errors_)
        best = _smallest(self.leave_one_out_errors_)
        if self.criterion == "leave_one_out":
            return best
        near = self.leave_one_out_errors_ <= self.leave_one_out_errors_[best] + error[best]
        return int(np.flatnonzero(near)[np.argmax(alphas[near])])

    def predict(self, X: Any) -> np.ndarray:
        r"""$\hat y = b_0 + X b$, in float64."""
        return prediction_rows(self, X) @ self.coef_.T + self.intercept_


def _mean_over_outputs(values: np.ndarray) -> np.ndarray:
    return values if values.ndim == 1 else values.mean(axis=1)


def _smallest(errors: np.ndarray) -> int:
    if not np.any(np.isfinite(errors)):
        raise ConfigurationError(
            "no penalty gives rows left out an error",
            expected="a penalty above zero, or more rows than columns",
            got=f"errors {errors.tolist()}",
            fix="add larger values to alphas",
        )
    return int(np.nanargmin(errors))
