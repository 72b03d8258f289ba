"""Whether predicted probabilities can be taken at their word."""

from __future__ import annotations

from pullback.report.blocks import Block, Figures, Section
from pullback.report.figures.reliability import reliability_panel
from pullback.report.figures.roc_curve import roc_panel
from pullback.report.outcome import Classification
from pullback.report.reliability import event_words, outcome_bins
from pullback.report.scores import LEVEL


def probabilities_section(outcome: Classification) -> Section:
    """Reliability diagram; for two classes of class 1, and the ROC curve."""
    panels = [reliability_panel(outcome_bins(outcome, LEVEL), event_words(outcome))]
    if outcome.binary:
        curve = roc_panel(outcome.probabilities[:, 1], outcome.observed == 1)
        panels += [curve] if curve is not None else []
    blocks: list[Block] = [Figures(panels)]
    return Section("probabilities", "Probabilities", blocks)
