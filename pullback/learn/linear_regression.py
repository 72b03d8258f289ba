"""Linear regression by least squares, as an estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin

from pullback.learn.inference import LikelihoodInference, column_names
from pullback.learn.rows import Rows, prediction_rows, regression_rows
from pullback.linalg.least_squares import Solver
from pullback.models.linear.least_squares import LeastSquaresFit, fit_least_squares
from pullback.models.linear.least_squares_inference import least_squares_inference


class LinearRegression(LikelihoodInference, MultiOutputMixin, RegressorMixin, BaseEstimator):
    r"""The linear function with the smallest sum of squares, $\min_{b_0, b} \sum_i w_i (y_i - b_0 - x_i^\top b)^2$.

    Parameters
    ----------
    fit_intercept : whether there is a $b_0$.
    solver : "auto" by the condition number, "cholesky", "qr", "svd" or "normal_equations".
    covariance : "classical", "HC0", "HC1", "HC2", "HC3" or "clustered": what the standard errors allow for.

    Attributes
    ----------
    coef_ : shape (features,) or (outputs, features); the shortest where columns depend on each other.
    intercept_ : a number, or shape (outputs,).
    rank_ : of the columns, the intercept not counted.
    condition_ : condition number of the centered columns, scaled to length one.
    solver_ : name of the solver taken.
    inference_, standard_errors_, covariance_, log_likelihood_ : for one output with more rows than coefficients.
    n_features_in_, feature_names_in_ : as scikit-learn has them.

    Errors
    ------
    `ValueError` for what is no table of finite numbers; `ConfigurationError` for a solver that does not exist.

    Examples
    --------
    >>> model = LinearRegression().fit([[0.0], [1.0], [2.0], [3.0]], [1.1, 2.9, 5.2, 6.8])
    >>> round(float(model.intercept_), 4), model.coef_.round(4).tolist(), model.solver_
    (1.09, [1.94], 'cholesky')
    >>> model.standard_errors_.round(4).tolist()
    [0.1694, 0.0906]

    Source: scikit-learn's estimator of the same name; the sample weights are counts of rows.
    """

    def __init__(self, *, fit_intercept: Any = True, solver: Any = "auto", covariance: Any = "classical") -> None:
        self.fit_intercept = fit_intercept
        self.solver = solver
        self.covariance = covariance

    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, clusters: Any = None) -> LinearRegression:
        """Least squares of the rows; `clusters` are labels of the rows for the clustered covariance."""
        rows = regression_rows(self, X, y, sample_weight, many_outputs=True)
        found = fit_least_squares(
            rows.X, rows.y, rows.weight, fit_intercept=bool(self.fit_intercept), solver=self.solver
        )
        self.coef_ = found.coef
        self.intercept_ = found.intercept[()]
        self.rank_ = int(found.rank)
        self.condition_ = float(found.condition)
        self.solver_ = Solver(int(found.solver)).name.lower()
        self._infer(found, rows, sample_weight, clusters)
        return self

    def _infer(self, found: LeastSquaresFit, rows: Rows, sample_weight: Any, clusters: Any) -> None:
        if rows.y.ndim > 1:
            return self.keep_inference(None, "it has several outputs; fit them one by one")
        if float(found.observations) <= int(found.rank) + bool(self.fit_intercept):
            return self.keep_inference(None, "no degrees of freedom are left for the variance; bring more rows")
        kept = slice(rows.rows)
        if clusters is not None and sample_weight is not None:
            clusters = np.asarray(clusters)[np.broadcast_to(sample_weight, len(clusters)) > 0]
        inference = least_squares_inference(
            found,
            rows.X[kept],
            rows.y[kept],
            rows.weight[kept],
            names=column_names(self),
            covariance=self.covariance,
            clusters=clusters,
        )
        return self.keep_inference(inference)

    def predict(self, X: Any) -> np.ndarray:
        r"""$\hat y = b_0 + X b$, in float64."""
        return prediction_rows(self, X) @ self.coef_.T + self.intercept_
