r"""Scores of a confusion matrix.

Every function takes counts $C$ of shape (..., K, K), rows the true class and columns the predicted one, and returns
float64 of shape (...). Counts may be sums of weights.

A quotient 0 / 0, such as the precision of a class that is never predicted, is not known from the rows. By default it is
NaN, and averages leave the class out, as scikit-learn does with `zero_division=numpy.nan`; a number given as
`zero_division` takes its place. `SCORES`, among which training chooses the best epoch, takes 0. Averages "macro" and
"weighted" run over the classes that occur as true or as predicted.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.core.checks import positive
from pullback.core.errors import unknown_name

AVERAGES = ("macro", "micro", "weighted")
# What is counted above and below the line of a rate of one class: two arrays (..., K).
Parts = tuple[np.ndarray, np.ndarray]


def accuracy(matrix: np.ndarray) -> np.ndarray:
    r"""$\sum_k C_{kk} / \sum_{jk} C_{jk}$.

    Examples
    --------
    >>> float(accuracy(np.array([[8, 2], [1, 9]])))
    0.85
    """
    return ratio(_diagonal(matrix).sum(-1), matrix.sum((-2, -1)))


def precision(matrix: np.ndarray, average: str | None = "macro", zero_division: float = math.nan) -> np.ndarray:
    r"""$C_{kk} / \sum_j C_{jk}$: how often a predicted class is the true one; `average=None` gives one a class.

    Examples
    --------
    >>> precision(np.array([[8, 2], [1, 9]]), average=None).round(4).tolist()
    [0.8889, 0.8182]
    """
    return averaged(matrix, precision_parts(matrix), average, zero_division)


def recall(matrix: np.ndarray, average: str | None = "macro", zero_division: float = math.nan) -> np.ndarray:
    r"""$C_{kk} / \sum_j C_{kj}$: how often a true class is found; `average=None` gives one a class.

    Of two classes, the recall of the positive one is the sensitivity.

    Examples
    --------
    >>> recall(np.array([[8, 2], [1, 9]]), average=None).tolist()
    [0.8, 0.9]
    """
    return averaged(matrix, recall_parts(matrix), average, zero_division)


def specificity(matrix: np.ndarray, average: str | None = "macro", zero_division: float = math.nan) -> np.ndarray:
    r"""Share of the other classes' rows that are not called class $k$; `average=None` gives one a class.

    Examples
    --------
    >>> specificity(np.array([[8, 2], [1, 9]]), average=None).tolist()
    [0.9, 0.8]
    """
    return averaged(matrix, specificity_parts(matrix), average, zero_division)


def negative_predictive_value(
    matrix: np.ndarray, average: str | None = "macro", zero_division: float = math.nan
) -> np.ndarray:
    r"""Share of the rows not called class $k$ that are of other classes; `average=None` gives one a class.

    Examples
    --------
    >>> negative_predictive_value(np.array([[8, 2], [1, 9]]), average=None).round(4).tolist()
    [0.8182, 0.8889]
    """
    return averaged(matrix, negative_predictive_value_parts(matrix), average, zero_division)


def f_score(
    matrix: np.ndarray, average: str | None = "macro", beta: float = 1.0, zero_division: float = math.nan
) -> np.ndarray:
    r"""$(1 + \beta^2) \, p_k r_k / (\beta^2 p_k + r_k)$ of precision $p_k$ and recall $r_k$; $\beta = 1$ gives F1.

    Examples
    --------
    >>> round(float(f_score(np.array([[8, 2], [1, 9]]))), 4)
    0.8496

    References
    ----------
    van Rijsbergen, "Information Retrieval", 2nd edition (1979), chapter 7.
    """
    return averaged(matrix, f_score_parts(matrix, beta), average, zero_division)


def balanced_accuracy(matrix: np.ndarray) -> np.ndarray:
    r"""Mean recall of the classes that occur as true.

    Examples
    --------
    >>> round(float(balanced_accuracy(np.array([[8, 2], [1, 9]]))), 4)
    0.85

    References
    ----------
    Brodersen and others, "The balanced accuracy and its posterior distribution", ICPR 2010.
    """
    return mean_of_defined(ratio(*recall_parts(matrix)), np.ones(matrix.shape[-1]), math.nan)


def matthews_correlation(matrix: np.ndarray, zero_division: float = math.nan) -> np.ndarray:
    r"""Correlation of true and predicted class.

    $$ \frac{n \sum_k C_{kk} - \sum_k t_k p_k}{\sqrt{(n^2 - \sum_k t_k^2)(n^2 - \sum_k p_k^2)}} $$

    with $t_k$, $p_k$ the numbers of true and of predicted rows of a class; 0 / 0 if all rows are of one class or called
    one class.

    Examples
    --------
    >>> round(float(matthews_correlation(np.array([[8, 2], [1, 9]]))), 4)
    0.7035

    References
    ----------
    Gorodkin, "Comparing two K-category assignments by a K-category correlation coefficient", Computational Biology
    and Chemistry 28 (2004).
    """
    shares = _shares(matrix)
    true, predicted = shares.sum(-1), shares.sum(-2)
    covariance = _diagonal(shares).sum(-1) - (true * predicted).sum(-1)
    variances = (1 - np.square(true).sum(-1)) * (1 - np.square(predicted).sum(-1))
    return ratio(covariance, np.sqrt(np.maximum(variances, 0)), zero_division)


def cohen_kappa(matrix: np.ndarray, zero_division: float = math.nan) -> np.ndarray:
    r"""Agreement beyond chance: $(a - e) / (1 - e)$, $a$ the accuracy, $e = \sum_k t_k p_k / n^2$.

    Examples
    --------
    >>> round(float(cohen_kappa(np.array([[8, 2], [1, 9]]))), 4)
    0.7

    References
    ----------
    Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20 (1960).
    """
    shares = _shares(matrix)
    chance = (shares.sum(-1) * shares.sum(-2)).sum(-1)
    return ratio(_diagonal(shares).sum(-1) - chance, 1 - chance, zero_division)


def precision_parts(matrix: np.ndarray) -> Parts:
    """Rows rightly called a class, rows called that class."""
    return _diagonal(matrix), matrix.sum(-2)


def recall_parts(matrix: np.ndarray) -> Parts:
    """Rows rightly called a class, rows of that class."""
    return _diagonal(matrix), matrix.sum(-1)


def specificity_parts(matrix: np.ndarray) -> Parts:
    """Rows of other classes not called the class, rows of other classes."""
    others = matrix.sum((-2, -1))[..., None] - matrix.sum(-1)
    return others - matrix.sum(-2) + _diagonal(matrix), others


def negative_predictive_value_parts(matrix: np.ndarray) -> Parts:
    """Rows of other classes not called the class, rows not called the class."""
    others = matrix.sum((-2, -1))[..., None] - matrix.sum(-2)
    return others - matrix.sum(-1) + _diagonal(matrix), others


def f_score_parts(matrix: np.ndarray, beta: float = 1.0) -> Parts:
    """Numerator and denominator of the F score in counts, where one quotient takes the place of three."""
    square = positive("beta", beta) ** 2
    return (1 + square) * _diagonal(matrix), square * matrix.sum(-1) + matrix.sum(-2)


def averaged(matrix: np.ndarray, parts: Parts, average: str | None, zero_division: float = math.nan) -> np.ndarray:
    """Rates of the classes (`average=None`), or their average over classes."""
    above, below = parts
    if average is None:
        return ratio(above, below, zero_division)
    if average not in AVERAGES:
        raise unknown_name("average", average, AVERAGES)
    if average == "micro":
        return ratio(above.sum(-1), below.sum(-1), zero_division)
    return mean_of_defined(ratio(above, below, zero_division), class_weights(matrix, average), zero_division)


def class_weights(matrix: np.ndarray, average: str) -> np.ndarray:
    """What each class counts for in a "macro" or "weighted" average, (..., K)."""
    true = matrix.sum(-1)
    return true if average == "weighted" else (true + matrix.sum(-2) > 0).astype(float)


def mean_of_defined(rates: np.ndarray, weights: np.ndarray, zero_division: float) -> np.ndarray:
    """Weighted mean over the last axis of what is not NaN."""
    defined = ~np.isnan(rates)
    kept = np.where(defined, weights, 0.0)
    return ratio((kept * np.where(defined, rates, 0.0)).sum(-1), kept.sum(-1), zero_division)


def ratio(above: Any, below: Any, zero_division: float = math.nan) -> np.ndarray:
    """Quotient in float64, `zero_division` where the denominator is zero."""
    top, bottom = np.broadcast_arrays(np.asarray(above, float), np.asarray(below, float))
    return np.divide(top, bottom, out=np.full_like(top, zero_division), where=bottom != 0)


def _diagonal(matrix: np.ndarray) -> np.ndarray:
    return np.diagonal(matrix, axis1=-2, axis2=-1)


def _shares(matrix: np.ndarray) -> np.ndarray:
    return ratio(matrix, matrix.sum((-2, -1))[..., None, None])


SCORES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "balanced_accuracy": balanced_accuracy,
    "cohen_kappa": functools.partial(cohen_kappa, zero_division=0.0),
    "f1_macro": functools.partial(f_score, zero_division=0.0),
    "f1_weighted": functools.partial(f_score, average="weighted", zero_division=0.0),
    "matthews_correlation": functools.partial(matthews_correlation, zero_division=0.0),
    "precision_macro": functools.partial(precision, zero_division=0.0),
    "precision_weighted": functools.partial(precision, average="weighted", zero_division=0.0),
    "recall_macro": functools.partial(recall, zero_division=0.0),
    "recall_weighted": functools.partial(recall, average="weighted", zero_division=0.0),
}
