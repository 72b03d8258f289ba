"""Many classes by one binary classifier each."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin
from sklearn.utils.metaestimators import available_if

from pullback.learn.binary_problems import base_estimator, gives_probabilities, many_classes, positive_scores
from pullback.learn.routed import RoutedBase
from pullback.learn.rows import prediction_rows


class OneVsRest(RoutedBase, MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """Every class against all others by a binary classifier; the highest score wins.

    `LeastSquaresClassifier` and the penalized `LogisticRegression` without class weights are fitted for all classes
    together, by one factorization and by one compiled program; what comes out is that of the fits one by one.

    Parameters
    ----------
    estimator : any classifier of two classes; by default `LeastSquaresClassifier`.

    Attributes
    ----------
    estimators_ : one fitted classifier a class, with the targets 0 and 1; of two classes only that of the second.
    classes_ : the classes.

    Errors
    ------
    `ConfigurationError` for weights where the classifier takes none.

    Examples
    --------
    >>> model = OneVsRest().fit([[0.0], [1.0], [5.0], [6.0], [9.0], [8.0]], ["a", "a", "b", "b", "c", "c"])
    >>> model.decision_function([[0.0]]).shape, model.predict([[0.2], [8.7]]).tolist()
    ((1, 3), ['a', 'c'])

    Source: Rifkin, Klautau, In defense of one-vs-all classification, JMLR 5, 2004.
    """

    def __init__(self, estimator: Any = None) -> None:
        self.estimator = estimator

    def fit(self, X: Any, y: Any, sample_weight: Any = None, **further: Any) -> OneVsRest:
        """A fit for each class; `further` arguments of the classifier need scikit-learn's metadata routing."""
        task = many_classes(self, X, y, sample_weight, further)
        self.classes_ = task.classes
        count = len(task.classes)
        if task.joint is not None:
            fit = task.joint.pairs if count == 2 else task.joint.rest
            self.estimators_ = fit(task.base, task.rows, count)
        else:
            self.estimators_ = [task.fitted(task.rows.y == one) for one in ([1] if count == 2 else range(count))]
        return self

    def _base(self) -> Any:
        return base_estimator(self.estimator)

    def decision_function(self, X: Any) -> np.ndarray:
        """Scores: of the second of two classes, shape (rows,), or of each class, shape (rows, classes)."""
        X = prediction_rows(self, X)
        scores = np.stack([positive_scores(each, X) for each in self.estimators_], axis=1)
        return scores[:, 0] if len(self.classes_) == 2 else scores

    def predict(self, X: Any) -> np.ndarray:
        """The class with the highest score; of two, the second if its score is above zero."""
        scores = self.decision_function(X)
        return self.classes_[(scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)]

    @available_if(gives_probabilities)
    def predict_proba(self, X: Any) -> Float[np.ndarray, "rows classes"]:
        r"""$p_k / \sum_l p_l$, where the classifiers give $p_k$, the probability of the class against the rest."""
        X = prediction_rows(self, X)
        share = np.stack([each.predict_proba(X)[:, 1] for each in self.estimators_], axis=1)
        if len(self.classes_) == 2:
            return np.concatenate([1 - share, share], axis=1)
        total = share.sum(axis=1, keepdims=True)
        return np.where(total > 0, share / np.where(total > 0, total, 1), 1 / len(self.classes_))
