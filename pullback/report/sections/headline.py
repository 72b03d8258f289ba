"""The top of the report: what was trained on what, and how well it does."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from pullback.report.findings.interval import in_sentence
from pullback.report.number_text import count_text, decimals_for, fixed, label_of, level_text, number_text, seconds_text
from pullback.report.outcome import Classification, Outcome
from pullback.report.run_folder import Estimate, RunFolder
from pullback.report.scores import Score

HEADLINE_SCORES = ("accuracy", "root_mean_squared_error", "loss")


@dataclass(frozen=True)
class Headline:
    """Texts of the top of the page; `value` may be empty."""

    title: str
    kicker: tuple[str, ...]
    value: str
    words: str
    lead: str
    run: str
    report_command: str


def headline(run: RunFolder, outcome: Outcome | None, scores: Sequence[Score]) -> Headline:
    """The headline of a run, whatever it has to show so far."""
    score = headline_score(scores)
    return Headline(
        title=_title(run),
        kicker=tuple(item for item in (f"Training run {run.id}", moment_text(run.created)) if item),
        value="" if score is None else _value(score.estimate),
        words=_without_result(run) if score is None else _result(run, outcome, score),
        lead=_lead(run, score is not None),
        run=run.id,
        report_command=shlex.join(["pullback", "report", run.id]),
    )


def headline_score(scores: Sequence[Score]) -> Score | None:
    """The score that stands for the run."""
    named = {score.name: score for score in scores}
    return next((named[name] for name in HEADLINE_SCORES if name in named), scores[0] if scores else None)


def _title(run: RunFolder) -> str:
    architecture = run.model.architecture if run.model is not None else ""
    who = architecture.replace("_", " ") or str(run.recipe.get("name") or "")
    return f"{who} on {run.data.name}" if who and who != run.data.name else f"A model of {run.data.name}"


def moment_text(created: str) -> str:
    """A time of the records as a reader writes it, or as it stands where it is none."""
    try:
        moment = datetime.fromisoformat(created)
    except ValueError:
        return created
    zone = " UTC" if moment.utcoffset() is not None and not moment.utcoffset() else ""
    return f"{moment.day} {moment:%B %Y, %H:%M}{zone}"


def _value(estimate: Estimate) -> str:
    return fixed(estimate.value, decimals_for(estimate.value, estimate.half_width))


def interval_words(estimate: Estimate) -> str:
    """The interval as part of a sentence, or nothing."""
    if estimate.lower is None or estimate.upper is None or estimate.level is None:
        return ""
    decimals = decimals_for(estimate.value, estimate.half_width)
    limits = f"{fixed(estimate.lower, decimals)} to {fixed(estimate.upper, decimals)}"
    return f", {level_text(estimate.level)}\N{NO-BREAK SPACE}interval {limits}"


def _result(run: RunFolder, outcome: Outcome | None, score: Score) -> str:
    estimate, split = score.estimate, run.predictions.split if run.predictions is not None else "held-out"
    number = f"{in_sentence(score.name)} {_value(estimate)}{interval_words(estimate)}"
    if isinstance(outcome, Classification) and score.name == "accuracy":
        correct = int(np.sum(outcome.predicted == outcome.observed))
        total = count_text(len(outcome.observed))
        return f"{count_text(correct)} of {total} {split} examples classified correctly: {number}."
    rows = f" on {count_text(estimate.n)} {split} examples" if estimate.n is not None else f" on {split} data"
    return f"{label_of(score.name)} {_value(estimate)}{rows}{interval_words(estimate)}."


def _without_result(run: RunFolder) -> str:
    if not run.epochs:
        return "No epoch has been completed yet, so there is no result."
    best = run.best_epoch or run.epochs[-1]
    values = best.validation or best.train
    split = "validation" if best.validation else "training"
    numbers = ", ".join(f"{in_sentence(name)} {number_text(value)}" for name, value in values.items())
    return (
        f"No held-out result is recorded. In epoch {best.epoch}, on {split} data: {numbers}."
        if numbers
        else ("No held-out result is recorded.")
    )


def _lead(run: RunFolder, has_result: bool) -> str:
    sizes = run.data.sizes
    parts = []
    if "train" in sizes:
        epochs = f" for {run.epochs[-1].epoch} epochs" if run.epochs else ""
        seconds = sum(time.seconds for time in run.timing)
        duration = f" in {seconds_text(seconds)}" if seconds else ""
        parts.append(f"Trained on {count_text(sizes['train'])} examples{epochs}{duration}")
    if sizes.get("validation") and run.best_epoch is not None:
        parts.append(f"{count_text(sizes['validation'])} validation examples chose epoch {run.best_epoch.epoch}")
    if has_result and run.predictions is not None and run.predictions.split == "test":
        parts.append("the test examples took no part in either")
    return "; ".join(parts) + "." if parts else ""
