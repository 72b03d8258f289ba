"""What the learning curves say: how training ended, which epoch was kept, whether it fits too much or too little."""

from __future__ import annotations

import math

import numpy as np

from pullback.report.findings.finding import Finding
from pullback.report.findings.interval import in_sentence
from pullback.report.number_text import fixed, label_of, number_text, percent_text
from pullback.report.run_folder import Epoch, Failure, RunFolder
from pullback.train.learning_rate_finding import rate_finding

# The last fifth of the epochs decides whether a curve still falls, and by how much it must have fallen.
TAIL = 5
STILL_FALLING = 0.02
RISEN = 0.05


def training_findings(run: RunFolder) -> list[Finding]:
    """Findings about the course of training, most important first."""
    if run.was_solved:
        return []
    if not run.epochs:
        unfinished = Finding("No epoch is recorded", "Training has not completed its first epoch.", caution=True)
        return [unfinished if run.failure is None else _failure_finding(run.failure)]
    found = [_ending(run), _kept_epoch(run), _gap(run), _course(run), _rate(run), _not_finite(run)]
    return [finding for finding in found if finding is not None]


def _ending(run: RunFolder) -> Finding | None:
    done, planned = run.epochs[-1].epoch, run.settings.get("epochs")
    of_planned = f" of {planned}" if isinstance(planned, int) else ""
    if run.failure is not None:
        return _failure_finding(run.failure)
    if run.finished is None:
        return Finding(
            "Not finished",
            f"{done}{of_planned} epochs are recorded and no end of training: the run still goes or was interrupted. "
            "`pullback resume` continues it.",
            caution=True,
        )
    if "stop" in run.finished.reason:
        return Finding(
            "Stopped early", f"Training ended after {done}{of_planned} epochs. Reason: {run.finished.reason}."
        )
    return None


def _failure_finding(failure: Failure) -> Finding:
    where = f", first in {failure.place}" if failure.place else ""
    direction = f", {failure.direction}" if failure.direction else ""
    return Finding(
        "Training met a number that is not finite",
        f"Update {failure.step} in epoch {failure.epoch}{where}{direction}. {failure.cause}".strip(),
        caution=True,
    )


def _kept_epoch(run: RunFolder) -> Finding | None:
    best, last = run.best_epoch, run.epochs[-1]
    if best is None:
        return None
    monitor = str(run.settings.get("monitor") or "loss")
    name = monitor if monitor in best.validation else "loss"
    there, end = best.validation.get(name), last.validation.get(name)
    measure = f"validation {in_sentence(name)}"
    if best.epoch == last.epoch:
        numbers = f": {measure} {number_text(there)}" if there is not None else ""
        return Finding(f"The last epoch, {best.epoch}, was kept", f"It was the best of all{numbers}.")
    title = f"Epoch {best.epoch} of {last.epoch} was kept"
    if there is None or end is None:
        return Finding(title, "It was the best by the monitored metric.")
    return Finding(title, f"Its {measure} was {number_text(there)}; at the end it was {number_text(end)}.")


def _gap(run: RunFolder) -> Finding | None:
    at = run.best_epoch or run.epochs[-1]
    train, validation = at.train.get("loss"), at.validation.get("loss")
    if train is None or validation is None or not (math.isfinite(train) and math.isfinite(validation)) or train <= 0:
        return None
    ratio = validation / train
    other = _other_gap(at)
    on_training, on_validation = number_text(train), number_text(validation)
    numbers = (
        f"In epoch {at.epoch} the loss was {on_training} on training and {on_validation} on validation data{other}."
    )
    if ratio >= 1.5:
        return Finding(
            f"Validation loss is {number_text(ratio, 2)} times the training loss",
            f"{numbers} The model fits its training data better than new data; more data, augmentation or "
            "regularization may help.",
            caution=ratio >= 3,
        )
    comparison = "close together" if ratio > 2 / 3 else "in the unusual order"
    remark = "" if ratio > 2 / 3 else " Dropout, augmentation or a small validation set can cause this."
    return Finding(f"Training and validation loss are {comparison}", numbers + remark)


def _other_gap(at: Epoch) -> str:
    train, validation = at.train.get("accuracy"), at.validation.get("accuracy")
    if train is None or validation is None:
        return ""
    return f" (accuracy {fixed(train, 3)} and {fixed(validation, 3)})"


def _course(run: RunFolder) -> Finding | None:
    losses = np.array([epoch.validation.get("loss", math.nan) for epoch in run.epochs])
    if len(losses) < 2 * TAIL or not np.isfinite(losses).all() or losses.min() <= 0:
        return None
    tail = len(losses) // TAIL
    end, before = float(losses[-tail:].mean()), float(losses[-2 * tail : -tail].mean())
    lowest = int(losses.argmin())
    if end < (1 - STILL_FALLING) * before and lowest >= len(losses) - tail:
        return Finding(
            "Validation loss still falls at the end",
            f"Its mean over the last {tail} epochs is {number_text(end)}, {percent_text(1 - end / before, 0)} "
            "below the "
            f"{tail} epochs before. More epochs or a larger learning rate may improve the result.",
            caution=True,
        )
    if end > (1 + RISEN) * losses[lowest] and lowest < len(losses) - tail:
        return Finding(
            "Validation loss rose again",
            f"After its lowest value in epoch {run.epochs[lowest].epoch} it rose by "
            f"{percent_text(end / float(losses[lowest]) - 1, 0)} on average over the last {tail} epochs, as it "
            "does when "
            "a model begins to fit noise.",
        )
    return Finding(
        "Validation loss has leveled off",
        f"Over the last {tail} epochs its mean is {number_text(end)}, before that {number_text(before)}.",
    )


def _rate(run: RunFolder) -> Finding | None:
    looks = [epoch.curvature for epoch in run.epochs if epoch.curvature is not None]
    rows, batch = run.data.sizes.get("train"), run.settings.get("batch_size")
    whole = isinstance(batch, int) and rows is not None and batch >= rows
    found = rate_finding([look.share for look in looks if look.label is not None], whole)
    if found is None:
        return None
    sentence = f"{found.text[0].upper()}{found.text[1:]}."
    return Finding(f"The learning rate stayed {found.label}", sentence, caution=found.label == "diverging")


def _not_finite(run: RunFolder) -> Finding | None:
    for epoch in run.epochs:
        for name, value in {**epoch.validation, **epoch.train}.items():
            if not math.isfinite(value):
                text = f"In epoch {epoch.epoch} the {label_of(name).lower()} is {fixed(value, 0)}."
                return Finding("A recorded value is not finite", text, caution=True)
    return None
