r"""Scores of a confusion matrix.

Every function takes counts $C$ of shape (..., K, K), rows the true class and columns the predicted one, and returns
float64 of shape (...). A quotient 0 / 0 counts as 0, as in scikit-learn with `zero_division=0`. Averages "macro" and
"weighted" run over the classes that occur as true or as predicted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.core.checks import positive
from pullback.core.errors import unknown_name

AVERAGES = ("macro", "micro", "weighted")


def accuracy(matrix: np.ndarray) -> np.ndarray:
    r"""$\sum_k C_{kk} / \sum_{jk} C_{jk}$.

    Examples
    --------
    >>> float(accuracy(np.array([[8, 2], [1, 9]])))
    0.85
    """
    return _ratio(_diagonal(matrix).sum(-1), matrix.sum((-2, -1)))


def precision(matrix: np.ndarray, average: str | None = "macro") -> np.ndarray:
    r"""$C_{kk} / \sum_j C_{jk}$: how often a predicted class is the true one; `average=None` gives one a class.

    Examples
    --------
    >>> precision(np.array([[8, 2], [1, 9]]), average=None).round(4).tolist()
    [0.8889, 0.8182]
    """
    return _averaged(matrix, _diagonal(matrix), matrix.sum(-2), average)


def recall(matrix: np.ndarray, average: str | None = "macro") -> np.ndarray:
    r"""$C_{kk} / \sum_j C_{kj}$: how often a true class is found; `average=None` gives one a class.

    Examples
    --------
    >>> recall(np.array([[8, 2], [1, 9]]), average=None).tolist()
    [0.8, 0.9]
    """
    return _averaged(matrix, _diagonal(matrix), matrix.sum(-1), average)


def specificity(matrix: np.ndarray, average: str | None = "macro") -> np.ndarray:
    r"""Share of the other classes' rows that are not called class $k$; `average=None` gives one a class.

    Examples
    --------
    >>> specificity(np.array([[8, 2], [1, 9]]), average=None).tolist()
    [0.9, 0.8]
    """
    hits, true, predicted = _diagonal(matrix), matrix.sum(-1), matrix.sum(-2)
    total = matrix.sum((-2, -1))[..., None]
    return _averaged(matrix, total - true - predicted + hits, total - true, average)


def f_score(matrix: np.ndarray, average: str | None = "macro", beta: float = 1.0) -> np.ndarray:
    r"""$(1 + \beta^2) \, p_k r_k / (\beta^2 p_k + r_k)$ of precision $p_k$ and recall $r_k$; $\beta = 1$ gives F1.

    Examples
    --------
    >>> round(float(f_score(np.array([[8, 2], [1, 9]]))), 4)
    0.8496

    References
    ----------
    van Rijsbergen, "Information Retrieval", 2nd edition (1979), chapter 7.
    """
    square = positive("beta", beta) ** 2
    # Written in counts, where one quotient takes the place of three.
    return _averaged(matrix, (1 + square) * _diagonal(matrix), square * matrix.sum(-1) + matrix.sum(-2), average)


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
    true = matrix.sum(-1)
    return _ratio(_ratio(_diagonal(matrix), true).sum(-1), (true > 0).sum(-1))


def matthews_correlation(matrix: np.ndarray) -> np.ndarray:
    r"""Correlation of true and predicted class.

    $$ \frac{n \sum_k C_{kk} - \sum_k t_k p_k}{\sqrt{(n^2 - \sum_k t_k^2)(n^2 - \sum_k p_k^2)}} $$

    with $t_k$, $p_k$ the numbers of true and of predicted rows of a class.

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
    return _ratio(covariance, np.sqrt(np.maximum(variances, 0)))


def cohen_kappa(matrix: np.ndarray) -> np.ndarray:
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
    return _ratio(_diagonal(shares).sum(-1) - chance, 1 - chance)


SCORES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "balanced_accuracy": balanced_accuracy,
    "cohen_kappa": cohen_kappa,
    "f1_macro": f_score,
    "f1_weighted": lambda matrix: f_score(matrix, "weighted"),
    "matthews_correlation": matthews_correlation,
    "precision_macro": precision,
    "precision_weighted": lambda matrix: precision(matrix, "weighted"),
    "recall_macro": recall,
    "recall_weighted": lambda matrix: recall(matrix, "weighted"),
}


def _averaged(matrix: np.ndarray, above: np.ndarray, below: np.ndarray, average: str | None) -> np.ndarray:
    if average is None:
        return _ratio(above, below)
    if average not in AVERAGES:
        raise unknown_name("average", average, AVERAGES)
    if average == "micro":
        return _ratio(above.sum(-1), below.sum(-1))
    true = matrix.sum(-1)
    weights = true if average == "weighted" else (true + matrix.sum(-2) > 0).astype(float)
    return _ratio((weights * _ratio(above, below)).sum(-1), weights.sum(-1))


def _diagonal(matrix: np.ndarray) -> np.ndarray:
    return np.diagonal(matrix, axis1=-2, axis2=-1)


def _shares(matrix: np.ndarray) -> np.ndarray:
    return _ratio(matrix, matrix.sum((-2, -1))[..., None, None])


def _ratio(above: Any, below: Any) -> np.ndarray:
    top, bottom = np.broadcast_arrays(np.asarray(above, float), np.asarray(below, float))
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom != 0)
