"""Softmax regression, as an estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin

from pullback.core.errors import ConfigurationError
from pullback.learn.inference import LikelihoodInference, column_names
from pullback.learn.logistic_regression import PENALIZED, warn_unless_converged
from pullback.learn.rows import classification_rows, padded_clusters, prediction_rows
from pullback.models.linear.softmax import fit_softmax
from pullback.models.linear.softmax_inference import softmax_inference


class SoftmaxRegression(LikelihoodInference, ClassifierMixin, BaseEstimator):
    r"""Several classes with probabilities $p_k \propto e^{a_k + x^\top b_k}$.

    $$ \min_{a, B} \ \sum_i w_i \Big( \log \sum_k e^{z_{ik}} - z_{i y_i} \Big) + \frac{1}{2 C} \sum_k \|b_k\|_2^2,
       \qquad z_{ik} = a_k + x_i^\top b_k $$

    Maximum likelihood says in `inference_.findings` where the classes are separated, so that estimates are infinite,
    and which columns depend on each other; coefficients that the rows do not identify have NaN for a standard error.

    Parameters
    ----------
    C : inverse of the strength of the penalty, above zero; infinity for maximum likelihood.
    fit_intercept : whether there are $a_k$, which are not penalized.
    reference : the class against which coefficients and standard errors are given where there is no penalty; by
        default the first. With a penalty all classes are alike, and there is none.
    class_weight : None, "balanced", or a dict from class to factor.
    covariance : "classical", "HC0", "HC1" or "clustered" by the `clusters` given to `fit`: what the standard errors of
        maximum likelihood allow for.
    tol : of the objective, the part by which the last step may still have lowered it.
    max_iter : most values of the objective.

    Attributes
    ----------
    coef_ : shape (classes, features); the row of the reference class is zero.
    intercept_ : shape (classes,).
    classes_, n_iter_, n_features_in_, feature_names_in_ : as scikit-learn has them.
    inference_, standard_errors_, covariance_, log_likelihood_ : see `LikelihoodInference`; not of a penalized fit.

    Errors
    ------
    `ValueError` for what is no table of finite numbers or has one class; `ConfigurationError` for settings.

    Examples
    --------
    >>> X, y = [[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]], ["a", "b", "a", "c", "b", "c"]
    >>> model = SoftmaxRegression(C=1.0).fit(X, y)
    >>> model.predict([[0.0], [5.0]]).tolist(), model.predict_proba([[2.5]]).sum().round(12).item()
    (['a', 'c'], 1.0)

    Source: Agresti, "Categorical Data Analysis", 3rd ed., section 8.1; scikit-learn's `LogisticRegression` with a
    penalty, statsmodels' `MNLogit` without.
    """

    def __init__(
        self,
        *,
        C: Any = 1.0,
        fit_intercept: Any = True,
        reference: Any = None,
        class_weight: Any = None,
        covariance: Any = "classical",
        tol: Any = 1e-20,
        max_iter: Any = 200,
    ) -> None:
        self.C = C
        self.fit_intercept = fit_intercept
        self.reference = reference
        self.class_weight = class_weight
        self.covariance = covariance
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, clusters: Any = None) -> SoftmaxRegression:
        """The smallest penalized cross-entropy of the rows, or maximum likelihood; `clusters` label the rows."""
        rows, self.classes_ = classification_rows(self, X, y, sample_weight, class_weight=self.class_weight)
        found = fit_softmax(
            rows.X,
            rows.y,
            rows.weight,
            classes=len(self.classes_),
            C=float(self.C),
            fit_intercept=bool(self.fit_intercept),
            tolerance=float(self.tol),
            max_steps=int(self.max_iter),
        )
        self.coef_, self.intercept_ = found.coef, found.intercept
        self.n_iter_ = int(found.steps)
        if np.isfinite(self.C):
            warn_unless_converged(found)
            self.keep_inference(None, PENALIZED)
            return self
        reference = self._reference()
        self.coef_ = self.coef_ - self.coef_[reference]
        self.intercept_ = self.intercept_ - self.intercept_[reference]
        inference = softmax_inference(
            found,
            rows.X,
            rows.y,
            rows.weight,
            reference=reference,
            fit_intercept=bool(self.fit_intercept),
            names=column_names(self),
            classes=[str(name) for name in self.classes_],
            covariance=self.covariance,
            clusters=padded_clusters(clusters, sample_weight, y, rows),
        )
        self.keep_inference(inference)
        if not any(finding.name.endswith("separation") for finding in inference.findings):
            warn_unless_converged(found)
        return self

    def _reference(self) -> int:
        if self.reference is None:
            return 0
        places = np.flatnonzero(self.classes_ == self.reference)
        if not len(places):
            raise ConfigurationError(
                "the reference is not one of the classes",
                expected=f"one of {self.classes_.tolist()}",
                got=repr(self.reference),
                fix="name a class of y",
            )
        return int(places[0])

    def decision_function(self, X: Any) -> np.ndarray:
        r"""Scores $a_k + x^\top b_k$, shape (rows, classes); of two classes their difference, shape (rows,)."""
        scores = prediction_rows(self, X) @ self.coef_.T + self.intercept_
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities of the classes, shape (rows, classes)."""
        return softmax(prediction_rows(self, X) @ self.coef_.T + self.intercept_, axis=1)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Their logarithms."""
        return np.log(self.predict_proba(X))

    def predict(self, X: Any) -> np.ndarray:
        """The class with the largest probability."""
        scores = self.decision_function(X)
        return self.classes_[(scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)]
