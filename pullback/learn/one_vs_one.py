"""Many classes by one binary classifier for each pair."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin
from sklearn.utils.metaestimators import available_if

from pullback.core.errors import unknown_name
from pullback.learn.binary_problems import base_estimator, gives_probabilities, many_classes, positive_scores
from pullback.learn.routed import RoutedBase
from pullback.learn.rows import prediction_rows
from pullback.models.pairwise_coupling import bradley_terry

DECISIONS = ("vote", "score", "coupling")


class OneVsOne(RoutedBase, MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """Every class against every other by a binary classifier of the rows of these two.

    `LeastSquaresClassifier` and the penalized `LogisticRegression` without class weights are fitted for all pairs in
    one compiled program; what comes out is that of the fits one by one.

    Parameters
    ----------
    estimator : any classifier of two classes; by default `LeastSquaresClassifier`.
    decision : `"vote"`, the class that wins most of its pairs, of several the first; `"score"`, the class with the
        highest sum of scores; `"coupling"`, the most probable by `predict_proba`.

    Attributes
    ----------
    pairs_ : the two classes of each classifier by their place, shape (pairs, 2).
    estimators_ : one fitted classifier a pair, with the target 1 for the second.
    classes_, pair_weights_ : the classes, and the weight of the rows of each pair.

    Errors
    ------
    `ConfigurationError` for weights where the classifier takes none, or another decision.

    Examples
    --------
    >>> model = OneVsOne().fit([[0.0], [1.0], [5.0], [6.0], [9.0], [8.0]], ["a", "a", "b", "b", "c", "c"])
    >>> model.decision_function([[5.4]]).tolist(), model.predict([[5.4]]).tolist()
    ([[0.0, 2.0, 1.0]], ['b'])

    Source: Knerr, Personnaz, Dreyfus, 1990 (votes); Hastie, Tibshirani, The Annals of Statistics 26, 1998 (coupling).
    """

    def __init__(self, estimator: Any = None, *, decision: Any = "vote") -> None:
        self.estimator = estimator
        self.decision = decision

    def fit(self, X: Any, y: Any, sample_weight: Any = None, **further: Any) -> OneVsOne:
        """A fit for each pair of classes; `further` arguments of the classifier need scikit-learn's routing."""
        if self.decision not in DECISIONS:
            raise unknown_name("decision", str(self.decision), DECISIONS)
        task = many_classes(self, X, y, sample_weight, further)
        self.classes_ = task.classes
        count, label = len(task.classes), task.rows.y
        self.pairs_ = np.array(list(combinations(range(count), 2)))
        if task.joint is not None:
            self.estimators_ = task.joint.pairs(task.base, task.rows, count)
        else:
            self.estimators_ = [task.fitted(label == pair[1], np.isin(label, pair)) for pair in self.pairs_]
        self.pair_weights_ = np.bincount(label, weights=task.rows.weight)[self.pairs_].sum(axis=1)
        return self

    def _base(self) -> Any:
        return base_estimator(self.estimator)

    def decision_function(self, X: Any) -> np.ndarray:
        """Votes, sums of scores or log-probabilities, shape (rows, classes); of two classes the score of the second."""
        X = prediction_rows(self, X)
        if self.decision == "coupling" and len(self.classes_) > 2:
            return np.log(self.predict_proba(X))
        scores = np.stack([positive_scores(each, X) for each in self.estimators_], axis=1)
        if len(self.classes_) == 2:
            return scores[:, 0]
        gain = scores if self.decision == "score" else np.where(scores > 0, 1.0, 0.0)
        loss = -scores if self.decision == "score" else 1.0 - gain
        sums = np.zeros((len(X), len(self.classes_)))
        for column, (first, second) in enumerate(self.pairs_):
            sums[:, first] += loss[:, column]
            sums[:, second] += gain[:, column]
        return sums

    def predict(self, X: Any) -> np.ndarray:
        """The class that the decision names."""
        scores = self.decision_function(X)
        return self.classes_[(scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)]

    @available_if(gives_probabilities)
    def predict_proba(self, X: Any) -> Float[np.ndarray, "rows classes"]:
        """Bradley and Terry's probabilities, whose pairs come nearest to those of the classifiers."""
        X = prediction_rows(self, X)
        classes = len(self.classes_)
        r, n = np.zeros((len(X), classes, classes)), np.zeros((classes, classes))
        for (first, second), each, weight in zip(self.pairs_, self.estimators_, self.pair_weights_, strict=True):
            share = each.predict_proba(X)
            r[:, first, second], r[:, second, first] = share[:, 0], share[:, 1]
            n[first, second] = n[second, first] = weight
        return bradley_terry(r, n)
