"""Scores of class probabilities with their intervals."""

from __future__ import annotations

import math

import numpy as np

from pullback.prob import mean_interval, wilson_interval
from pullback.report.number_text import number_text
from pullback.report.outcome import Classification
from pullback.report.run_folder import Estimate
from pullback.report.scores import LEVEL, Score


def classification_scores(outcome: Classification) -> list[Score]:
    """Accuracy, cross entropy, Brier score, calibration error, balanced accuracy, macro F1; of two classes ROC AUC."""
    return [_accuracy(outcome), _cross_entropy(outcome)]


def _accuracy(outcome: Classification) -> Score:
    correct = outcome.predicted == outcome.observed
    interval = wilson_interval(int(correct.sum()), len(correct), LEVEL)
    return Score("accuracy", Estimate.of(interval), "share of examples whose most probable class is the observed one", True)


def _cross_entropy(outcome: Classification) -> Score:
    surprise = -outcome.log_probabilities[np.arange(len(outcome.observed)), outcome.observed]
    uniform = number_text(math.log(len(outcome.class_names)))
    return Score("cross_entropy", _mean(surprise), f"mean surprise at the observed class, in nats; equal probabilities give {uniform}")


def _mean(values: np.ndarray) -> Estimate:
    return Estimate.of(mean_interval(len(values), float(values.sum()), float(np.sum(values**2)), LEVEL))
