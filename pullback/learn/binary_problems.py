"""Binary classifiers as parts of one for many classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from sklearn.base import clone
from sklearn.utils.validation import has_fit_parameter

from pullback.core.errors import ConfigurationError
from pullback.learn.least_squares_classifier import LeastSquaresClassifier


def base_estimator(estimator: Any) -> Any:
    """The classifier of two classes: least squares where none is given."""
    return LeastSquaresClassifier() if estimator is None else estimator


def gives_probabilities(meta: Any) -> bool:
    """Whether the classifier of two classes has `predict_proba`."""
    return hasattr(base_estimator(meta.estimator), "predict_proba")


def fitted_binary(
    estimator: Any, X: Float[np.ndarray, "rows features"], positive: Bool[np.ndarray, " rows"], weight: Any
) -> Any:
    """A clone of the estimator fitted with the targets 0 and 1."""
    model: Any = clone(estimator)
    if weight is None:
        return model.fit(X, positive.astype(np.int64))
    if not has_fit_parameter(model, "sample_weight"):
        raise ConfigurationError(
            f"{type(model).__name__} takes no sample_weight",
            expected="a classifier whose fit has the argument sample_weight",
            got=type(model).__name__,
            fix="leave the weights out, or choose another classifier",
        )
    return model.fit(X, positive.astype(np.int64), sample_weight=weight)


def positive_scores(estimator: Any, X: Float[np.ndarray, "rows features"]) -> Float[np.ndarray, " rows"]:
    """Scores above zero where the classifier says yes: its decision, or its probability from -1 to 1."""
    if hasattr(estimator, "decision_function"):
        return np.asarray(estimator.decision_function(X), np.float64)
    return 2 * np.asarray(estimator.predict_proba(X)[:, 1], np.float64) - 1
