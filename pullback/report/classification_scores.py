"""Scores of class probabilities with their intervals."""

from __future__ import annotations

import math
from dataclasses import replace

import jax.numpy as jnp
import numpy as np

from pullback.metrics import Accuracy, BrierScore, ConfusionMatrix, CrossEntropy, roc_auc
from pullback.report.calibration_error import calibration_error
from pullback.report.number_text import number_text
from pullback.report.outcome import Classification
from pullback.report.run_folder import Estimate
from pullback.report.scores import LEVEL, Score, estimates

# The posterior of a larger confusion matrix takes more memory than a report should.
MOST_CLASSES_WITH_INTERVAL = 64
CONFUSION_SCORES = ("balanced_accuracy", "f1_macro")
UNIT_RANGE = ("accuracy", *CONFUSION_SCORES)


def classification_scores(outcome: Classification) -> list[Score]:
    """Accuracy, balanced accuracy, macro F1, cross entropy, Brier score, calibration error; of two classes ROC AUC."""
    classes = len(outcome.class_names)
    found = _estimates(outcome)
    uniform = number_text(math.log(classes))
    meanings = {
        "accuracy": "share of examples given their observed class",
        "balanced_accuracy": "mean recall of the classes",
        "f1_macro": "mean F1 of the classes",
        "cross_entropy": f"mean surprise at the observed class, in nats; equal probabilities give {uniform}",
        "brier_score": _brier_meaning(classes),
    }
    scores = [Score(name, found[name], meaning, name in UNIT_RANGE) for name, meaning in meanings.items()]
    return [*scores, calibration_error(outcome), *_roc_auc(outcome)]


def _estimates(outcome: Classification) -> dict[str, Estimate]:
    # Log probabilities are logits whose exponentials happen to sum to one.
    logits, labels = outcome.log_probabilities.astype(np.float32), outcome.observed.astype(np.int32)
    found = estimates((Accuracy(), CrossEntropy(), BrierScore()), logits, labels)
    for score in CONFUSION_SCORES:
        found[score] = _of_confusion(ConfusionMatrix(len(outcome.class_names), score), outcome.confusion)
    return found


def _of_confusion(metric: ConfusionMatrix, confusion: np.ndarray) -> Estimate:
    stats = {"counts": jnp.asarray(confusion.astype(np.int32))}
    if len(confusion) <= MOST_CLASSES_WITH_INTERVAL:
        return Estimate.of(metric.interval(stats, LEVEL))
    return Estimate(metric.compute(stats), n=int(confusion.sum()))


def _brier_meaning(classes: int) -> str:
    if classes == 2:
        return "mean squared error of the probability; always answering 0.5 gives 0.25"
    return f"mean squared error of the probabilities, 0 to 2; equal probabilities give {number_text(1 - 1 / classes)}"


def _roc_auc(outcome: Classification) -> list[Score]:
    positive = outcome.observed == 1
    if not outcome.binary or positive.all() or not positive.any():
        return []
    # Differences of log probabilities order the rows as probabilities do, without their ties at 0 and 1.
    order = outcome.log_probabilities[:, 1] - outcome.log_probabilities[:, 0]
    estimate = Estimate.of(roc_auc(positive, order, level=LEVEL))
    if np.isclose(estimate.value, (0.0, 1.0)).any():
        estimate = replace(estimate, lower=None, upper=None)
    meaning = f"probability that a row of “{outcome.class_names[1]}” is ranked above one of “{outcome.class_names[0]}”"
    return [Score("roc_auc", estimate, meaning, True)]
