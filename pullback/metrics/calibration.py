"""How far predicted probabilities agree with observed frequencies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, softmax

from pullback.core.checks import positive_integer
from pullback.core.errors import DataError
from pullback.prob import Interval, wilson_interval


@dataclass(frozen=True)
class ReliabilityBin:
    """Rows whose confidence lies in (lower, upper]: their mean confidence, and how often they were right."""

    lower: float
    upper: float
    confidence: float
    accuracy: Interval


def confidence_and_success(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probability of the predicted class (n,), and whether it is the true one (n,); logits (n, K), (n, 1) or (n,).

    Examples
    --------
    >>> confidence, success = confidence_and_success(np.array([0.0, 2.0]), np.array([1, 1]))
    >>> confidence.round(4).tolist(), success.tolist()
    ([0.5, 0.8808], [False, True])
    """
    logits = np.asarray(logits, np.float64)
    labels = np.asarray(labels)
    if logits.shape == labels.shape or logits.shape[-1] == 1:
        logit = logits.reshape(labels.shape)
        return expit(np.abs(logit)), (logit > 0) == (labels == 1)
    if logits.shape[:-1] != labels.shape:
        raise DataError(
            "logits and labels do not fit together",
            expected=f"logits of shape {(*labels.shape, 'K')}",
            got=f"{logits.shape}",
            fix="pass one row of logits a label",
        )
    return softmax(logits, axis=-1).max(-1), logits.argmax(-1) == labels


def reliability_bins(
    confidence: np.ndarray, success: np.ndarray, bins: int = 15, level: float = 0.95
) -> tuple[ReliabilityBin, ...]:
    """Bins of equal width on [0, 1] that hold at least one row, with Wilson's interval for each frequency.

    Parameters
    ----------
    confidence : (n,), predicted probabilities.
    success : (n,), whether the predicted event happened.
    bins : number of bins, empty ones included.

    Raises
    ------
    DataError
        if there are no rows, the lengths differ, or a confidence is not in [0, 1].

    Examples
    --------
    >>> bins = reliability_bins(np.array([0.55, 0.95, 0.9]), np.array([True, True, False]), bins=2)
    >>> [(one.lower, one.upper, round(one.confidence, 2), one.accuracy.n) for one in bins]
    [(0.5, 1.0, 0.8, 3)]
    """
    positive_integer("bins", bins)
    confidence, success = np.asarray(confidence, np.float64), np.asarray(success, bool)
    if confidence.shape != success.shape or confidence.ndim != 1 or not len(confidence):
        raise DataError(
            "confidences and outcomes do not fit together",
            expected="two vectors of one length, at least 1",
            got=f"shapes {confidence.shape} and {success.shape}",
            fix="pass one confidence and one outcome a row",
        )
    if not ((confidence >= 0) & (confidence <= 1)).all():
        raise DataError(
            "a confidence is not a probability",
            expected="numbers in [0, 1]",
            got=f"{confidence.min()} .. {confidence.max()}",
            fix="pass probabilities, not logits",
        )
    # A confidence on an edge belongs below it; zero itself belongs to the first bin.
    place = np.maximum(np.ceil(confidence * bins).astype(int) - 1, 0)
    found = []
    for index in np.unique(place).tolist():
        inside = place == index
        accuracy = wilson_interval(int(success[inside].sum()), int(inside.sum()), level)
        found.append(ReliabilityBin(index / bins, (index + 1) / bins, float(confidence[inside].mean()), accuracy))
    return tuple(found)


def expected_calibration_error(confidence: np.ndarray, success: np.ndarray, bins: int = 15) -> float:
    r"""Mean distance of confidence and frequency over bins, weighted by rows.

    $$ \text{ECE} = \sum_b \frac{n_b}{n} \, |\text{accuracy}_b - \text{confidence}_b| $$

    It is biased upward when bins hold few rows, and depends on their number: report `bins` with it.

    Examples
    --------
    >>> round(expected_calibration_error(np.array([0.9, 0.9, 0.6, 0.6]), np.array([1, 1, 1, 0])), 4)
    0.1

    References
    ----------
    Guo, Pleiss, Sun, Weinberger, "On calibration of modern neural networks", ICML 2017.
    """
    parts = reliability_bins(confidence, success, bins)
    return sum(part.accuracy.n * abs(part.accuracy.value - part.confidence) for part in parts) / len(confidence)
