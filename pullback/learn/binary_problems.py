"""Binary classifiers as parts of one for many classes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from sklearn.base import clone

from pullback.learn.joint_fits import JointFit, joint_fit
from pullback.learn.least_squares_classifier import LeastSquaresClassifier
from pullback.learn.routed import arguments_of_rows, routed_arguments
from pullback.learn.rows import Rows, checked_weight, classification_rows


def base_estimator(estimator: Any) -> Any:
    """The classifier of two classes: least squares where none is given."""
    return LeastSquaresClassifier() if estimator is None else estimator


def gives_probabilities(meta: Any) -> bool:
    """Whether the classifier of two classes has `predict_proba`."""
    return hasattr(base_estimator(meta.estimator), "predict_proba")


class ManyClasses(NamedTuple):
    """The rows of a task of many classes, and how its problems are to be fitted.

    Parameters
    ----------
    base : the classifier of two classes.
    rows : inputs, index of the class and weights; padded for a joint fit.
    classes : in their order.
    arguments : of the classifier's `fit`, with an entry for each of the rows.
    joint : all problems together, or None for one after another.
    """

    base: Any
    rows: Rows
    classes: np.ndarray
    arguments: dict[str, Any]
    joint: JointFit | None

    def fitted(self, positive: Bool[np.ndarray, " rows"], chosen: Any = slice(None)) -> Any:
        """A clone of the classifier fitted to the chosen rows with the targets 0 and 1."""
        arguments = self.arguments if isinstance(chosen, slice) else arguments_of_rows(self.arguments, chosen)
        model: Any = clone(self.base)
        return model.fit(self.rows.X[chosen], positive[chosen].astype(np.int64), **arguments)


def many_classes(meta: Any, X: Any, y: Any, sample_weight: Any, further: dict[str, Any]) -> ManyClasses:
    """The checked rows of `fit`, and what goes on to the classifier of two classes."""
    base = base_estimator(meta.estimator)
    arguments = routed_arguments(meta, base, sample_weight, further)
    weight = arguments.pop("sample_weight", None)
    joint = None if arguments else joint_fit(base)
    rows, classes = classification_rows(meta, X, y, weight, pad=joint is not None)
    if weight is not None:
        present = checked_weight(weight, len(np.asarray(y))) > 0
        arguments = {**arguments_of_rows(arguments, present), "sample_weight": rows.weight}
    return ManyClasses(base, rows, classes, arguments, joint)


def positive_scores(estimator: Any, X: Float[np.ndarray, "rows features"]) -> Float[np.ndarray, " rows"]:
    """Scores above zero where the classifier says yes: its decision, or its probability from -1 to 1."""
    if hasattr(estimator, "decision_function"):
        return np.asarray(estimator.decision_function(X), np.float64)
    return 2 * np.asarray(estimator.predict_proba(X)[:, 1], np.float64) - 1
