"""Classification by least squares on targets of plus and minus one."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from pullback.learn.linear_decision import LinearDecision, signs_of_classes
from pullback.learn.rows import classification_rows
from pullback.models.linear.least_squares import fit_least_squares


class LeastSquaresClassifier(LinearDecision, ClassifierMixin, BaseEstimator):
    r"""The sign of $x^\top w + b$ with $(b, w)$ the least squares fit of $\pm 1$, the shortest if there are many.

    More than two classes are each fitted against the rest, all by one factorization of $X$; the highest score wins.

    Parameters
    ----------
    fit_intercept : whether there is a $b$.

    Attributes
    ----------
    coef_, intercept_ : shapes (1, features) and (1,), or with one row a class.
    classes_ : the classes; of two, the second has the target $+1$.

    Examples
    --------
    >>> model = LeastSquaresClassifier().fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
    >>> model.coef_.round(6).tolist(), model.predict([[1.4], [1.6]]).tolist()
    ([[0.8]], [0, 1])

    Source: Boyd, Vandenberghe, Introduction to Applied Linear Algebra, 2018, chapter 14.
    """

    def __init__(self, *, fit_intercept: Any = True) -> None:
        self.fit_intercept = fit_intercept

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> LeastSquaresClassifier:
        """Least squares of the signs."""
        rows, self.classes_ = classification_rows(self, X, y, sample_weight)
        signs = signs_of_classes(rows.y, len(self.classes_))
        found = fit_least_squares(rows.X, signs.T, rows.weight, fit_intercept=bool(self.fit_intercept))
        self.coef_ = np.asarray(found.coef)
        self.intercept_ = np.broadcast_to(found.intercept, len(signs)).copy()
        return self
