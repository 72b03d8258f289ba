"""The event whose predicted probability a report compares with its frequency."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from pullback.metrics import ReliabilityBin, reliability_bins
from pullback.report.outcome import Classification

BINS = 10


def predicted_event(outcome: Classification) -> tuple[Float[np.ndarray, " rows"], Bool[np.ndarray, " rows"]]:
    """Probability of an event a row, and whether it happened: class 1 of two, else that the answer is right."""
    if outcome.binary:
        return outcome.probabilities[:, 1], outcome.observed == 1
    return outcome.probabilities.max(axis=1), outcome.predicted == outcome.observed


def event_words(outcome: Classification) -> str:
    """What the probability is the probability of."""
    return "of the second class" if outcome.binary else "of the predicted class"


def outcome_bins(outcome: Classification, level: float) -> tuple[ReliabilityBin, ...]:
    """Bins of equal width that hold at least one row."""
    probability, happened = predicted_event(outcome)
    return reliability_bins(np.clip(probability, 0, 1), happened, BINS, level)
