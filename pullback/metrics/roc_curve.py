"""True against false positive rate of a score over all thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from pullback.metrics.rows import Vector, binary_truth, finite_numbers, row_weights, same_length


@dataclass(frozen=True, eq=False)
class RocCurve:
    """Rates at every threshold, the highest first; a row is called positive where its score is at least the threshold.

    Parameters
    ----------
    thresholds : (m,) infinity, where no row is called positive, and every distinct score.
    false_positive_rate, true_positive_rate : (m,) from 0 to 1.
    positives, negatives : rows of each class, or sums of their weights.
    """

    thresholds: np.ndarray
    false_positive_rate: np.ndarray
    true_positive_rate: np.ndarray
    positives: float
    negatives: float


def roc_curve(truth: Vector, score: Vector, *, sample_weight: Vector | None = None, positive: Any = None) -> RocCurve:
    r"""$\Big( \frac{\sum_{i \in N} w_i \mathbf{1}[s_i \ge t]}{\sum_{i \in N} w_i}, \;
    \frac{\sum_{i \in P} w_i \mathbf{1}[s_i \ge t]}{\sum_{i \in P} w_i} \Big)$ for every threshold $t$.

    One sort; rows of equal score pass a threshold together. Points on a straight line are kept.

    Parameters
    ----------
    truth : (n,) labels of two classes.
    score : (n,) numbers that are larger where the positive class is likelier: probabilities, log odds, any scale.
    sample_weight : (n,) how many rows each row stands for.
    positive : the label of the positive class; not needed for 0 and 1, False and True, -1 and 1.

    Raises
    ------
    DataError
        with row and value, for a missing label or a score that is no finite number; for one class only.

    Examples
    --------
    >>> curve = roc_curve([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.8])
    >>> curve.thresholds, curve.false_positive_rate, curve.true_positive_rate
    (array([inf, 0.8, 0.4, 0.1]), array([0. , 0. , 0.5, 1. ]), array([0. , 0.5, 1. , 1. ]))

    References
    ----------
    Fawcett, "An introduction to ROC analysis", Pattern Recognition Letters 27 (2006).
    """
    is_positive, values, weights = scored_rows(truth, score, sample_weight, positive)
    thresholds, true, false = passed(is_positive, values, weights)
    return RocCurve(thresholds, false / false[-1], true / true[-1], true[-1].item(), false[-1].item())


def scored_rows(
    truth: Vector, score: Vector, sample_weight: Vector | None, positive: Any
) -> tuple[Bool[np.ndarray, " rows"], Float[np.ndarray, " rows"], Float[np.ndarray, " rows"]]:
    """Which rows are positive, their scores and weights, checked; rows of weight zero are left out."""
    values = finite_numbers("scores", score)
    weights = row_weights(sample_weight, len(values))
    labels = np.asarray(truth).reshape(-1)
    same_length("labels", labels, "scores", values)
    kept = weights > 0
    is_positive = binary_truth(truth, positive)
    if not kept.all():
        is_positive = binary_truth(is_positive[kept])
    return is_positive, values[kept], weights[kept]


def passed(
    positive: Bool[np.ndarray, " rows"], score: Float[np.ndarray, " rows"], weights: Float[np.ndarray, " rows"]
) -> tuple[Float[np.ndarray, " points"], Float[np.ndarray, " points"], Float[np.ndarray, " points"]]:
    """Thresholds from infinity down, and the weight of positive and of negative rows with at least that score."""
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    true = np.cumsum((weights * positive)[order])[ends]
    false = np.cumsum((weights * ~positive)[order])[ends]
    return np.append(np.inf, score[order][ends]), np.append(0.0, true), np.append(0.0, false)
