"""Classification by least squares on targets of plus and minus one."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator, ClassifierMixin

from pullback.learn.linear_decision import LinearDecision
from pullback.learn.rows import classification_rows
from pullback.models.linear.least_squares_signs import fit_pair_signs, fit_rest_signs


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
        classes = len(self.classes_)
        fit = fit_pair_signs if classes == 2 else fit_rest_signs
        found = fit(rows.X, rows.y, rows.weight, classes=classes, fit_intercept=bool(self.fit_intercept))
        self.coef_, self.intercept_ = found.coef, found.intercept
        return self
