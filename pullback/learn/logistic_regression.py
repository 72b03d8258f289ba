"""Logistic regression, as an estimator."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning

from pullback.core.errors import ConfigurationError
from pullback.learn.inference import LikelihoodInference, column_names
from pullback.learn.linear_decision import LinearDecision
from pullback.learn.rows import Rows, classification_rows, padded_clusters
from pullback.models.linear.generalized_linear import fit_generalized_linear
from pullback.models.linear.generalized_linear_inference import generalized_linear_inference, separation_of
from pullback.models.linear.logistic import fit_logistic
from pullback.models.linear.softmax import fit_softmax

PENALIZED = "the fit is penalized (C is finite), which makes the estimates biased; fit C=inf"
SEVERAL_CLASSES = "there are more than two classes; use SoftmaxRegression(C=inf), which has a reference class"
# Of the maximum of a likelihood: the length of the last step in standard errors.
STEP_TOLERANCE = 1e-9


class LogisticRegression(LikelihoodInference, LinearDecision, ClassifierMixin, BaseEstimator):
    r"""Two classes with $\log \frac{p}{1 - p} = z = b_0 + x^\top b$, penalized or by maximum likelihood.

    $$ \min_{b_0, b} \ C \sum_i w_i \big( \log(1 + e^{z_i}) - y_i z_i \big)
       + \rho \|b\|_1 + \frac{1 - \rho}{2} \|b\|_2^2 $$

    More than two classes are fitted together by the softmax, with the square penalty. An infinite `C` is maximum
    likelihood: of two classes the fit then has standard errors, tests and a `summary()`, and says where the classes
    are separated, so that the estimates are infinite.

    Parameters
    ----------
    C : inverse of the strength of the penalty, above zero; infinity for none.
    l1_ratio : $\rho$, the part of the absolute values in the penalty, from 0 to 1.
    fit_intercept : whether there is a $b_0$, which is not penalized.
    class_weight : None, "balanced", or a dict from class to factor.
    covariance : "classical", "HC0", "HC1", "HC2", "HC3" or "clustered" by the `clusters` given to `fit`: what the
        standard errors of maximum likelihood allow for.
    tol : of the objective, the part by which the last step may still have lowered it.
    max_iter : most values of the objective.

    Attributes
    ----------
    coef_ : shape (1, features) or (classes, features).
    intercept_ : shape (1,) or (classes,).
    classes_, n_iter_, n_features_in_, feature_names_in_ : as scikit-learn has them.
    inference_, standard_errors_, covariance_, log_likelihood_ : see `LikelihoodInference`; not of a penalized fit.

    Errors
    ------
    `ValueError` for what is no table of finite numbers or has one class; `ConfigurationError` for settings.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = LogisticRegression(C=np.inf).fit(X[:, [3]], np.where(y == 0, "malignant", "a benign one"))
    >>> model.intercept_.round(8).tolist(), model.coef_.round(8).tolist()
    ([-7.97409315], [[0.01176793]])
    >>> model.standard_errors_.round(8).tolist(), round(float(model.log_likelihood_), 8)
    ([0.68286323, 0.00108969], -162.82825557)

    Source: scikit-learn's estimator of the same name, whose objective this is.
    """

    def __init__(
        self,
        *,
        C: Any = 1.0,
        l1_ratio: Any = 0.0,
        fit_intercept: Any = True,
        class_weight: Any = None,
        covariance: Any = "classical",
        tol: Any = 1e-20,
        max_iter: Any = 200,
    ) -> None:
        self.C = C
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.covariance = covariance
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, clusters: Any = None) -> LogisticRegression:
        """The smallest penalized loss of the rows, or maximum likelihood; `clusters` are labels of the rows."""
        rows, self.classes_ = classification_rows(self, X, y, sample_weight, class_weight=self.class_weight)
        if len(self.classes_) > 2:
            return self._fit_several(rows)
        if np.isfinite(self.C):
            return self._fit_penalized(rows)
        return self._fit_likelihood(rows, padded_clusters(clusters, sample_weight, y, rows))

    def _fit_penalized(self, rows: Rows) -> LogisticRegression:
        found = fit_logistic(
            rows.X,
            np.asarray(rows.y, np.float64),
            rows.weight,
            C=float(self.C),
            l1_ratio=float(self.l1_ratio),
            fit_intercept=bool(self.fit_intercept),
            tolerance=float(self.tol),
            max_steps=int(self.max_iter),
        )
        self.coef_, self.intercept_ = found.coef[None], found.intercept[None]
        self.n_iter_ = int(found.steps)
        self.keep_inference(None, PENALIZED)
        warn_unless_converged(found)
        return self

    def _fit_likelihood(self, rows: Rows, clusters: Any) -> LogisticRegression:
        y = np.asarray(rows.y, np.float64)
        settings = {"family": "binomial", "fit_intercept": bool(self.fit_intercept)}
        found = fit_generalized_linear(
            rows.X, y, rows.weight, tolerance=STEP_TOLERANCE, max_steps=int(self.max_iter), **settings
        )
        Z = np.concatenate([np.ones((len(rows.X), int(bool(self.fit_intercept)))), rows.X], axis=1)
        apart = separation_of(found, Z, y, rows.weight, "binomial")
        if not found.converged and apart.kind == "none":
            _warn(int(found.steps))
        self.coef_, self.intercept_ = found.coef[None], np.reshape(found.intercept, 1)
        self.n_iter_ = max(int(found.steps), 1)
        self.keep_inference(
            generalized_linear_inference(
                found,
                rows.X,
                y,
                rows.weight,
                names=column_names(self),
                covariance=self.covariance,
                clusters=clusters,
                separation=apart,
                **settings,
            )
        )
        return self

    def _fit_several(self, rows: Rows) -> LogisticRegression:
        if self.l1_ratio != 0:
            raise ConfigurationError(
                "more than two classes are fitted with the square penalty alone",
                expected="l1_ratio=0, or two classes",
                got=f"l1_ratio={self.l1_ratio!r} and {len(self.classes_)} classes",
                fix="wrap it: OneVsRest(LogisticRegression(l1_ratio=...))",
            )
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
        self.keep_inference(None, PENALIZED if np.isfinite(self.C) else SEVERAL_CLASSES)
        warn_unless_converged(found)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities of the classes, shape (rows, classes)."""
        scores = self.decision_function(X)
        if scores.ndim == 1:
            return np.stack([expit(-scores), expit(scores)], axis=1)
        return softmax(scores, axis=1)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Their logarithms."""
        return np.log(self.predict_proba(X))


def warn_unless_converged(found: Any) -> None:
    """scikit-learn's warning, where the last step might have lowered the objective noticeably."""
    if not found.converged and not float(found.decrease) <= 1e-10 * float(found.objective):
        _warn(int(found.steps))


def _warn(steps: int) -> None:
    warnings.warn(
        f"no minimum after {steps} values of the objective; raise max_iter, or lower C if the classes are separated",
        ConvergenceWarning,
        stacklevel=4,
    )
