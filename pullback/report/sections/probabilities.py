"""Whether predicted probabilities can be taken at their word."""

from __future__ import annotations

import numpy as np

from pullback.prob import wilson_interval
from pullback.report.blocks import Block, Figures, Section
from pullback.report.figures.reliability import ReliabilityBin, reliability_panel
from pullback.report.figures.roc_curve import roc_panel
from pullback.report.outcome import Classification

BINS = 10
LEVEL = 0.95


def probabilities_section(outcome: Classification) -> Section:
    """Reliability diagram; for two classes of class 1, and the ROC curve."""
    panels = [reliability_panel(reliability_bins(outcome), event_words(outcome))]
    if outcome.binary:
        curve = roc_panel(outcome.probabilities[:, 1], outcome.observed == 1)
        panels += [curve] if curve is not None else []
    blocks: list[Block] = [Figures(panels)]
    return Section("probabilities", "Probabilities", blocks)


def event_words(outcome: Classification) -> str:
    """What the probability of the reliability diagram is the probability of."""
    return "of the second class" if outcome.binary else "of the predicted class"


def predicted_event(outcome: Classification) -> tuple[np.ndarray, np.ndarray]:
    """Probability of an event a row, and whether it happened: class 1 of two, else that the answer is right."""
    if outcome.binary:
        return outcome.probabilities[:, 1], outcome.observed == 1
    return outcome.probabilities.max(axis=1), outcome.predicted == outcome.observed


def reliability_bins(outcome: Classification) -> list[ReliabilityBin]:
    """Bins of equal width that hold at least one row."""
    probability, happened = predicted_event(outcome)
    place = np.minimum((probability * BINS).astype(int), BINS - 1)
    return [
        ReliabilityBin(
            k / BINS,
            (k + 1) / BINS,
            float(probability[place == k].mean()),
            wilson_interval(int(happened[place == k].sum()), int(np.sum(place == k)), LEVEL),
        )
        for k in range(BINS)
        if np.any(place == k)
    ]
