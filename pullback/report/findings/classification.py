"""What the confusion matrix and the probabilities say beyond the share of correct answers."""

from __future__ import annotations

import numpy as np
from scipy.stats import hypergeom

from pullback.prob import wilson_interval
from pullback.report.findings.finding import Finding
from pullback.report.number_text import count_text, fixed, percent_text, range_text
from pullback.report.outcome import Classification

IMBALANCE_RATIO = 3.0
LEVEL = 0.95


def classification_findings(outcome: Classification) -> list[Finding]:
    """Findings about held-out classes: the constant answer, the weakest class, the commonest confusion, confidence."""
    found = [_constant_answer(outcome), _weakest_class(outcome), _commonest_confusion(outcome), _confidence(outcome)]
    return [finding for finding in found if finding is not None]


def _constant_answer(outcome: Classification) -> Finding:
    sizes = np.bincount(outcome.observed, minlength=len(outcome.class_names))
    n, largest = int(sizes.sum()), int(sizes.argmax())
    accuracy = float(np.mean(outcome.predicted == outcome.observed))
    share = float(sizes[largest] / n)
    always = (
        f"Always answering “{outcome.class_names[largest]}” would be correct for {count_text(int(sizes[largest]))} of "
        f"{count_text(n)} rows (accuracy {fixed(share, 3)}); the model reaches {fixed(accuracy, 3)}."
    )
    present = sizes[sizes > 0]
    if present.max() < IMBALANCE_RATIO * present.min():
        spread = f"Classes hold {count_text(int(present.min()))} to {count_text(int(present.max()))} rows each."
        return Finding("Against the best constant answer", f"{always} {spread}", caution=accuracy <= share)
    smallest = int(np.where(sizes > 0, sizes, n + 1).argmin())
    return Finding(
        "Classes are unequal in size",
        f"“{outcome.class_names[largest]}” holds {count_text(int(sizes[largest]))} rows, "
        f"“{outcome.class_names[smallest]}” "
        f"{count_text(int(sizes[smallest]))}. {always} Balanced accuracy and the recall of each class say more "
        "than accuracy.",
        caution=True,
    )


def _weakest_class(outcome: Classification) -> Finding | None:
    confusion = outcome.confusion
    sizes = confusion.sum(axis=1)
    if np.count_nonzero(sizes) < 2:
        return None
    recall = np.where(sizes > 0, np.diag(confusion) / np.maximum(sizes, 1), np.inf)
    weakest = int(recall.argmin())
    hits, size = int(confusion[weakest, weakest]), int(sizes[weakest])
    if hits == size:
        return Finding(
            "Every row of every class is recognized",
            f"The smallest class has {count_text(int(sizes[sizes > 0].min()))} rows.",
        )
    classes, errors = int(np.count_nonzero(sizes)), int(sizes.sum() - np.diag(confusion).sum())
    interval = wilson_interval(hits, size, LEVEL)
    # Fisher's exact test that errors fall on rows regardless of class; Bonferroni allows for picking the worst class.
    chance = min(1.0, classes * float(hypergeom.sf(size - hits - 1, int(sizes.sum()), errors, size)))
    below = chance < 1 - LEVEL
    odds = f"(p {'< 0.001' if chance < 0.001 else f'= {fixed(chance, 3)}'})"
    reading = (
        f"These are more errors than chance puts into one of {classes} classes {odds}."
        if below
        else f"Chance alone may put so many of the errors into one of {classes} classes {odds}."
    )
    return Finding(
        f"“{outcome.class_names[weakest]}” has the lowest recall",
        f"{count_text(hits)} of {count_text(size)} are recognized: {fixed(float(recall[weakest]), 3)}, "
        f"{percent_text(LEVEL, 0)} "
        f"interval {range_text(interval.lower, interval.upper, 3)}. {reading}",
        caution=below,
    )


def _commonest_confusion(outcome: Classification) -> Finding | None:
    errors = outcome.confusion - np.diag(np.diag(outcome.confusion))
    total, most = int(errors.sum()), int(errors.max())
    # One pair is a pattern only if it happens repeatedly.
    if most < 2 or len(outcome.class_names) == 2:
        return None
    observed, predicted = (int(place) for place in np.unravel_index(errors.argmax(), errors.shape))
    return Finding(
        "Most frequent confusion",
        f"“{outcome.class_names[observed]}” taken for “{outcome.class_names[predicted]}”: {count_text(most)} of "
        f"{count_text(total)} errors.",
    )


def _confidence(outcome: Classification) -> Finding:
    correct = outcome.predicted == outcome.observed
    confidence = float(outcome.probabilities.max(axis=1).mean())
    interval = wilson_interval(int(correct.sum()), len(correct), LEVEL)
    accuracy = fixed(interval.value, 3)
    numbers = f"The mean probability of the predicted class is {fixed(confidence, 3)}, the accuracy {accuracy}."
    if confidence in interval:
        return Finding("Confidence fits accuracy on average", numbers)
    direction = "Overconfident" if confidence > interval.upper else "Underconfident"
    points = fixed(100 * abs(confidence - interval.value), 1)
    return Finding(
        direction,
        f"{numbers} The difference of {points} percentage points is more than chance explains.",
        caution=direction == "Overconfident",
    )
