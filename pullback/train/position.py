"""Where training stands beside its arrays, and what follows from a validation score."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from pullback.train.experiment import Prepared


@dataclass(frozen=True)
class Position:
    """Where training stands, beside the arrays.

    `epoch` is the one in progress, from 1; `step` counts updates; `reason` is set once training has ended. A run that
    starts again from a good state has made `restarts` of them; `good_epoch` is the epoch whose end that state is of, 0
    for the start of the run, and `good_score` its score.
    """

    epoch: int = 1
    step: int = 0
    best_epoch: int | None = None
    best_score: float | None = None
    epochs_without_improvement: int = 0
    reason: str | None = None
    restarts: int = 0
    good_epoch: int = 0
    good_score: float | None = None


def judged(position: Position, prepared: Prepared, score: float) -> Position:
    """The position after seeing the validation score; where it is the best, `best_epoch` is this epoch."""
    best = position.best_score
    if not math.isfinite(score) or (best is not None and not is_better(prepared, score, best)):
        return replace(position, epochs_without_improvement=position.epochs_without_improvement + 1)
    return replace(position, best_epoch=position.epoch, best_score=score, epochs_without_improvement=0)


def is_better(prepared: Prepared, score: float, best: float) -> bool:
    """Whether the monitored score is strictly better."""
    monitor = prepared.experiment.monitor
    higher = {metric.name: metric.higher_is_better for metric in prepared.metrics}.get(monitor, False)
    return score > best if higher else score < best


def next_epoch(position: Position, prepared: Prepared) -> Position:
    """The position at the start of the next epoch, or at the end, with the reason."""
    return replace(position, epoch=position.epoch + 1, reason=_reason_to_stop(position, prepared))


def _reason_to_stop(position: Position, prepared: Prepared) -> str | None:
    experiment = prepared.experiment
    waited = position.epochs_without_improvement
    if experiment.patience is not None and waited >= experiment.patience:
        return f"early stopping: validation {experiment.monitor} did not improve for {waited} epochs"
    return "epochs done" if position.epoch >= experiment.epochs else None
