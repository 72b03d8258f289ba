"""What every classifier with linear scores does alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

from pullback.learn.rows import prediction_rows


class LinearDecision:
    r"""Decides by the scores $x^\top w_k + b_k$: the sign of the only one, or the highest.

    A mixin for estimators with `coef_` of shape (1, features) or (classes, features), `intercept_` and `classes_`.

    Examples
    --------
    >>> from pullback.learn import LeastSquaresClassifier
    >>> LeastSquaresClassifier().fit([[0.0], [1.0]], [3, 7]).decision_function([[0.25]]).round(6).tolist()
    [-0.5]
    """

    coef_: np.ndarray
    intercept_: np.ndarray
    classes_: np.ndarray

    def decision_function(self, X: Any) -> np.ndarray:
        """Scores: of the second of two classes, shape (rows,), or of each class, shape (rows, classes)."""
        scores = prediction_rows(self, X) @ self.coef_.T + self.intercept_
        return scores[:, 0] if len(self.classes_) == 2 else scores

    def predict(self, X: Any) -> np.ndarray:
        """The class with the highest score; of two, the second if its score is above zero."""
        scores = self.decision_function(X)
        return self.classes_[(scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)]


def signs_of_classes(y: np.ndarray, classes: int) -> Float[np.ndarray, "problems rows"]:
    """Targets of plus and minus one: the second class against the first, or each class against the rest.

    Examples
    --------
    >>> signs_of_classes(np.array([0, 1, 1]), 2).tolist()
    [[-1.0, 1.0, 1.0]]
    """
    positive = np.array([1]) if classes == 2 else np.arange(classes)
    return np.where(y == positive[:, None], 1.0, -1.0)
