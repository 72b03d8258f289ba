"""Classifiers of two classes of which all problems of a task with many classes are fitted together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone

from pullback.learn.least_squares_classifier import LeastSquaresClassifier
from pullback.learn.logistic_regression import PENALIZED, LogisticRegression, warn_unless_converged
from pullback.learn.rows import Rows
from pullback.models.linear.least_squares_signs import fit_pair_signs, fit_rest_signs
from pullback.models.linear.logistic import LogisticFit
from pullback.models.linear.logistic_problems import fit_logistic_pairs, fit_logistic_rest


class JointFit(NamedTuple):
    """How the problems of a classifier are fitted together: each function returns one fitted clone a problem.

    Parameters
    ----------
    applies : whether the settings of the classifier allow it.
    rest : each class against the rest.
    pairs : the second class of each pair against the first.
    """

    applies: Callable[[Any], bool]
    rest: Callable[[Any, Rows, int], list[Any]]
    pairs: Callable[[Any, Rows, int], list[Any]]


def joint_fit(estimator: Any) -> JointFit | None:
    """The joint fit of a classifier, or None where each problem has to be fitted by itself.

    Examples
    --------
    >>> joint_fit(LogisticRegression()) is None, joint_fit(LogisticRegression(C=np.inf)) is None
    (False, True)
    """
    found = JOINT_FITS.get(type(estimator))
    return found if found is not None and found.applies(estimator) else None


def _signs(fit: Callable[..., Any]) -> Callable[[Any, Rows, int], list[Any]]:
    def fitted(estimator: Any, rows: Rows, classes: int) -> list[Any]:
        found = fit(rows.X, rows.y, rows.weight, classes=classes, fit_intercept=bool(estimator.fit_intercept))
        return [_linear(estimator, coef, b) for coef, b in zip(found.coef, found.intercept, strict=True)]

    return fitted


def _logistic(fit: Callable[..., LogisticFit]) -> Callable[[Any, Rows, int], list[Any]]:
    def fitted(estimator: Any, rows: Rows, classes: int) -> list[Any]:
        found = fit(
            rows.X,
            rows.y,
            rows.weight,
            classes=classes,
            C=float(estimator.C),
            l1_ratio=float(estimator.l1_ratio),
            fit_intercept=bool(estimator.fit_intercept),
            tolerance=float(estimator.tol),
            max_steps=int(estimator.max_iter),
        )
        problems = [LogisticFit(*each) for each in zip(*found, strict=True)]
        return [_logistic_model(estimator, problem) for problem in problems]

    return fitted


def _linear(estimator: Any, coef: np.ndarray, intercept: Any) -> Any:
    model: Any = clone(estimator)
    model.classes_ = np.array([0, 1])
    model.n_features_in_ = len(coef)
    model.coef_, model.intercept_ = coef[None], np.reshape(intercept, 1)
    return model


def _logistic_model(estimator: Any, found: LogisticFit) -> Any:
    model = _linear(estimator, found.coef, found.intercept)
    model.n_iter_ = int(found.steps)
    model.keep_inference(None, PENALIZED)
    warn_unless_converged(found)
    return model


# A subclass may do otherwise, so it is not in the table.
JOINT_FITS: dict[type, JointFit] = {
    LeastSquaresClassifier: JointFit(lambda _: True, _signs(fit_rest_signs), _signs(fit_pair_signs)),
    LogisticRegression: JointFit(
        lambda estimator: bool(np.isfinite(estimator.C)) and estimator.class_weight is None,
        _logistic(fit_logistic_rest),
        _logistic(fit_logistic_pairs),
    ),
}
