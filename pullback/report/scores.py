"""Every score of a run with its interval: those the run recorded, and those its predictions give."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace

import jax
import numpy as np

from pullback.metrics import Metric
from pullback.report.number_text import label_of, number_text
from pullback.report.original_units import target_location_and_scale
from pullback.report.run_folder import Estimate, RunFolder

LEVEL = 0.95
# Recorded in float32, recomputed in float64.
AGREEMENT = 1e-3
POWERS_OF_THE_UNIT = {"squared_error": 2, "root_mean_squared_error": 1, "absolute_error": 1}


@dataclass(frozen=True)
class Score:
    """A named number with its interval; `meaning` says in a phrase what it measures.

    `unit_range` marks a share of success: at most 1, and 1 is best.
    """

    name: str
    estimate: Estimate
    meaning: str
    unit_range: bool = False


def estimates(metrics: tuple[Metric, ...], prediction: np.ndarray, target: np.ndarray) -> dict[str, Estimate]:
    """What these metrics say of all rows, by their names, from one compiled program."""
    found = zip(metrics, _statistics(metrics, prediction, target), strict=True)
    return {metric.name: Estimate.of(metric.interval(stats, LEVEL)) for metric, stats in found}


@functools.partial(jax.jit, static_argnums=0)
def _statistics(metrics: tuple[Metric, ...], prediction: jax.Array, target: jax.Array) -> list[dict[str, jax.Array]]:
    return [metric.update(metric.init(), prediction, target) for metric in metrics]


def collect_scores(run: RunFolder, computed: list[Score]) -> list[Score]:
    """Scores of the held-out rows: computed ones, with the interval that the run recorded, then what only it knows."""
    recorded = recorded_estimates(run)
    merged = [_with_recorded(score, recorded.get(score.name)) for score in computed]
    loss = str(run.settings.get("loss") or "").replace("_", " ")
    for name, estimate in recorded.items():
        repeats_a_score = name == "loss" and any(_same(estimate.value, score.estimate.value) for score in merged)
        if name not in {score.name for score in computed} and not repeats_a_score:
            merged.append(Score(name, estimate, loss if name == "loss" else "as recorded by the run"))
    return merged


def recorded_estimates(run: RunFolder) -> dict[str, Estimate]:
    """What the run evaluated on the rows of its predictions; without those, on the last split it evaluated."""
    if run.predictions is not None:
        found = run.evaluations.get(run.predictions.split, {})
    else:
        found = run.evaluations.get("test") or (list(run.evaluations.values())[-1] if run.evaluations else {})
    _, scale = target_location_and_scale(run.preprocessing)
    return {name: _scaled(estimate, scale ** power_of_the_unit(run, name)) for name, estimate in found.items()}


def power_of_the_unit(run: RunFolder, name: str) -> int:
    """With which power of the target's unit a score of a regression grows."""
    return POWERS_OF_THE_UNIT.get(str(run.settings.get("loss")) if name == "loss" else name, 0)


def _scaled(estimate: Estimate, factor: float) -> Estimate:
    lower, upper = (None if limit is None else factor * limit for limit in (estimate.lower, estimate.upper))
    return replace(estimate, value=factor * estimate.value, lower=lower, upper=upper)


def disagreements(run: RunFolder, computed: list[Score]) -> list[str]:
    """Sentences about scores that differ between the recorded metrics and the stored predictions."""
    recorded = recorded_estimates(run)
    return [
        f"{label_of(score.name)} is {number_text(recorded[score.name].value, 6)} in metrics.jsonl but "
        f"{number_text(score.estimate.value, 6)} from predictions.npz: these files do not belong together."
        for score in computed
        if score.name in recorded and not _same(recorded[score.name].value, score.estimate.value)
    ]


def _same(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=AGREEMENT, abs_tol=1e-6)


def _with_recorded(score: Score, recorded: Estimate | None) -> Score:
    if recorded is None or recorded.lower is None or recorded.upper is None:
        return score
    return replace(score, estimate=recorded)
