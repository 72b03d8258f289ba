"""Going back to a good state at a lower learning rate where a number is not finite."""

from __future__ import annotations

from dataclasses import replace

import jax

from pullback.optim import lower_rate
from pullback.train.forensics import investigate
from pullback.train.loop import Loop
from pullback.train.position import Position, is_better
from pullback.train.saving import save
from pullback.train.state import to_device, to_host

FACTOR = 0.5


def remember_start(loop: Loop) -> None:
    """Keep the state before the first update as the one to go back to, if the run may go back."""
    if loop.prepared.experiment.on_non_finite == "restart" and loop.good is None:
        loop.good = to_host(loop.state)


def remember_good(loop: Loop, epoch: int, score: float) -> None:
    """Keep the state at the end of an epoch that has the best score so far, if the run may go back."""
    if loop.prepared.experiment.on_non_finite != "restart":
        return
    best = loop.position.good_score
    if best is None or is_better(loop.prepared, score, best):
        loop.good = to_host(loop.state)
        loop.position = replace(loop.position, good_epoch=epoch, good_score=score)


def may_restart(loop: Loop) -> bool:
    """Whether the run is to start again, and has not done so too often."""
    experiment = loop.prepared.experiment
    return experiment.on_non_finite == "restart" and loop.position.restarts < experiment.max_restarts


def restart(loop: Loop) -> str:
    """Go back to the end of the best epoch, or the start, with half the learning rate; say so."""
    finding = investigate(loop)
    before = loop.position
    back = before.good_epoch
    validated = loop.prepared.validation_data is not None and back > 0
    loop.good = loop.good._replace(optimizer=to_host(lower_rate(loop.good.optimizer, FACTOR)))
    loop.leaves = jax.tree.leaves(to_device(loop.state, loop.good))
    loop.position = Position(
        epoch=back + 1,
        step=back * loop.prepared.steps_per_epoch,
        best_epoch=back if validated else None,
        best_score=before.good_score if validated else None,
        restarts=before.restarts + 1,
        good_epoch=back,
        good_score=before.good_score,
    )
    loop.best = loop.best if validated else None
    loop.history = [record for record in loop.history if record["epoch"] <= back]
    if loop.log is not None:
        loop.log.write({"event": "restart", "after": back, "factor": FACTOR, "number": loop.position.restarts})
    save(loop)
    place = f"the end of epoch {back}" if back else "the start"
    line = (
        f"update {finding.step} in epoch {finding.epoch} is not finite ({finding.direction}): "
        f"going on from {place} with half the learning rate, restart {loop.position.restarts} of "
        f"{loop.prepared.experiment.max_restarts}"
    )
    loop.progress.note(line)
    return line
