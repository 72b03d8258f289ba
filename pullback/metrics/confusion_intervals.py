"""Scores of one confusion matrix with their intervals.

Rates of one class, the accuracy and the "micro" averages are proportions: their intervals are Wilson's, with the rows
below the line as n. F1 of class k is $2 J / (1 + J)$ with the proportion $J = C_{kk} / (t_k + p_k - C_{kk})$, so its
limits are those of $J$. All other scores take the limits of `pullback.metrics.cell_posterior`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from pullback.core.errors import unknown_name
from pullback.metrics import scores
from pullback.metrics.cell_posterior import posterior_limits
from pullback.prob import Interval, wilson_interval

# Rates of one class, as what is counted above and below the line.
RATES: dict[str, Callable[[np.ndarray], scores.Parts]] = {
    "precision": scores.precision_parts,
    "recall": scores.recall_parts,
    "sensitivity": scores.recall_parts,
    "specificity": scores.specificity_parts,
    "negative_predictive_value": scores.negative_predictive_value_parts,
}
# Scores of all classes at once, called with the matrix and what 0 / 0 counts as.
WHOLE: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "balanced_accuracy": lambda matrix, zero_division: scores.balanced_accuracy(matrix),
    "matthews_correlation": scores.matthews_correlation,
    "cohen_kappa": scores.cohen_kappa,
}
F_SCORES = ("f1", "f_beta")
# What is missing when the rate of a class is 0 / 0.
MISSING = {
    "precision": "no row is called {}",
    "recall": "no row is {}",
    "sensitivity": "no row is {}",
    "specificity": "every row is {}",
    "negative_predictive_value": "every row is called {}",
    "f1": "no row is {} or called so",
    "f_beta": "no row is {} or called so",
}
Score = Callable[[np.ndarray, float], Any]


def accuracy_interval(counts: np.ndarray, level: float) -> Interval:
    """Wilson's interval of the share of rows that are right."""
    return wilson_interval(float(np.trace(counts)), float(counts.sum()), level)


def whole_interval(counts: np.ndarray, name: str, zero_division: float, level: float) -> Interval:
    """A score of all classes at once; the two that are correlations are 0 / 0 where a margin has one class."""
    least = 0.0 if name == "balanced_accuracy" else -1.0
    return _by_posterior(counts, WHOLE[name], zero_division, (least, 1.0), level, "all rows are of or called one class")


def class_interval(
    counts: np.ndarray, k: int, label: Any, name: str, beta: float, zero_division: float, level: float
) -> Interval:
    """A rate or an F score of class k."""
    missing = MISSING[name].format(label)
    if name in F_SCORES:
        if beta == 1:
            hits, either = float(counts[k, k]), float(counts[k].sum() + counts[:, k].sum() - counts[k, k])
            return _f1_of_jaccard(_proportion(hits, either, zero_division, level, missing))
        return _by_posterior(counts, _f_score_of(counts, k, beta), zero_division, (0.0, 1.0), level, missing)
    above, below = RATES[name](counts)
    return _proportion(float(above[k]), float(below[k]), zero_division, level, missing)


def average_interval(
    counts: np.ndarray, name: str, average: str, beta: float, zero_division: float, level: float
) -> Interval:
    """A rate or an F score averaged over the classes."""
    if average not in scores.AVERAGES:
        raise unknown_name("average", average, scores.AVERAGES)
    if average == "micro":
        return _micro(counts, name, level)
    counts = _occurring(counts)
    parts = RATES.get(name, functools.partial(scores.f_score_parts, beta=beta))
    undefined = np.isnan(scores.ratio(*parts(counts)))

    def score(cells: np.ndarray, zero: float) -> np.ndarray:
        # A class without a rate in the table has none in its posterior either.
        rates = np.where(undefined, zero, scores.ratio(*parts(cells), zero))
        return scores.mean_of_defined(rates, scores.class_weights(cells, average), zero)

    return _by_posterior(counts, score, zero_division, (0.0, 1.0), level, f"{name} is defined for no class")


def _proportion(above: float, below: float, zero_division: float, level: float, missing: str) -> Interval:
    if below == 0:
        return Interval(zero_division, 0.0, 1.0, level, 0, missing)
    return wilson_interval(above, below, level)


def _f1_of_jaccard(share: Interval) -> Interval:
    if share.n == 0:
        return share
    value, lower, upper = (2 * limit / (1 + limit) for limit in (share.value, share.lower, share.upper))
    return replace(share, value=value, lower=lower, upper=upper)


def _f_score_of(counts: np.ndarray, k: int, beta: float) -> Score:
    place = int((counts.sum(0) + counts.sum(1) > 0)[:k].sum())

    def score(cells: np.ndarray, zero: float) -> np.ndarray:
        # The posterior is one of the classes that occur.
        index = k if cells.shape == counts.shape else place
        above, below = scores.f_score_parts(cells, beta)
        return scores.ratio(above[..., index], below[..., index], zero)

    return score


def _micro(counts: np.ndarray, name: str, level: float) -> Interval:
    accuracy = accuracy_interval(counts, level)
    if name not in ("specificity", "negative_predictive_value"):
        return accuracy
    # Each wrong row is counted once among the K - 1 other classes' rows.
    others = len(counts) - 1
    value, lower, upper = (1 - (1 - limit) / others for limit in (accuracy.value, accuracy.lower, accuracy.upper))
    return replace(accuracy, value=value, lower=lower, upper=upper)


def _by_posterior(
    counts: np.ndarray, score: Score, zero_division: float, possible: tuple[float, float], level: float, missing: str
) -> Interval:
    n = round(float(counts.sum()))
    if math.isnan(float(score(counts, math.nan))):
        return Interval(zero_division, *possible, level, n, missing)
    value = float(score(counts, zero_division))
    lower, upper = posterior_limits(counts, lambda cells: score(cells, zero_division), value, level)
    return Interval(value, lower, upper, level, n, "dirichlet")


def _occurring(counts: np.ndarray) -> np.ndarray:
    occurs = np.flatnonzero(counts.sum(0) + counts.sum(1))
    return counts[np.ix_(occurs, occurs)]
