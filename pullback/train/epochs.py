"""The epochs of a run: dispatch steps, validate, remember the best, save, stop when asked."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from pullback.metrics.metric import two_float
from pullback.optim import after_score, settings_in_force
from pullback.optim.schedules import Plateau
from pullback.train.experiment import Prepared
from pullback.train.held_out import scores, validate, validation_program
from pullback.train.loop import (
    BadStep,
    Loop,
    UserStop,
    evaluated_params,
    fresh_totals,
    training_program,
)
from pullback.train.position import Position, judged, next_epoch
from pullback.train.restart import remember_good, remember_start
from pullback.train.saving import save, save_is_due
from pullback.train.state import to_device, to_host
from pullback.train.step import Token

DISPATCH_SECONDS = 0.1
IN_FLIGHT = 2

Number = Array | np.ndarray | np.generic


def train(loop: Loop) -> None:
    """Run epochs until the last, or until validation no longer improves.

    Raises
    ------
    UserStop
        after a signal, with the state saved.
    BadStep
        if a number was not finite; `loop.saved` holds the last good state.
    """
    remember_start(loop)
    if loop.saved is None:
        save(loop)
    if loop.watch is not None and loop.position.reason is None:
        loop.watch.compile(loop.state)
    while loop.position.reason is None:
        started = time.perf_counter()
        before = loop.programs.seconds
        run_epoch(loop)
        close_epoch(loop, time.perf_counter() - started, loop.programs.seconds - before)
        if loop.position.reason is not None or save_is_due(loop):
            save(loop)


def run_epoch(loop: Loop) -> None:
    """All steps of the current epoch that are not done yet."""
    prepared, epoch = loop.prepared, loop.position.epoch
    total = prepared.steps_per_epoch
    order, number = loop.order(epoch), jnp.asarray(epoch, jnp.int32)
    end = epoch * total
    pace = Pace(loop.rule.in_loop)
    tokens: deque[Token] = deque()
    program = training_program(loop, order, number)
    if prepared.validation_data is not None:
        validation_program(loop, prepared.validation_data)
    clock = time.perf_counter
    while loop.position.step < end:
        started = clock()
        count = pace.count(end - loop.position.step)
        loop.leaves, token = program(loop.leaves, loop.examples, order, number, pace.on_device(count))
        loop.position = replace(loop.position, step=loop.position.step + count)
        tokens.append(token)
        if pace.learning or len(tokens) > IN_FLIGHT:
            told = tokens.popleft()
            wait(loop, told, total)
            pace.finished(count, clock() - started)
        if loop.interruption.requested is not None:
            save(loop)
            raise UserStop
        if save_is_due(loop):
            save(loop)
    if epoch < prepared.experiment.epochs:
        # The device is still at work on what was dispatched.
        loop.order(epoch + 1)
    for token in tokens:
        wait(loop, token, total)


class Pace:
    """How many steps one dispatch holds: enough to be worth it, few enough to stop within a moment."""

    def __init__(self, in_loop: bool, seconds: float = DISPATCH_SECONDS) -> None:
        self.learning, self._seconds = in_loop, seconds
        self._steps = 1
        self._numbers: dict[int, Array] = {}

    def count(self, left: int) -> int:
        return min(self._steps, left)

    def on_device(self, count: int) -> Array:
        if count not in self._numbers:
            self._numbers[count] = jnp.asarray(count, jnp.int32)
        return self._numbers[count]

    def finished(self, count: int, seconds: float) -> None:
        """Double the steps until a dispatch takes long enough, then run ahead without waiting."""
        if not self.learning:
            return
        if seconds < self._seconds / 2 and count == self._steps:
            self._steps *= 2
        else:
            self.learning = False


def wait(loop: Loop, token: Token, total: int) -> None:
    """Wait until the dispatch of this token is done, and look at what it says."""
    if int(token.first_bad) >= 0:
        raise BadStep
    count = int(token.rows)
    done = int(token.step) - (loop.position.epoch - 1) * total
    loss = two_float(token.loss) / count if count else float("nan")
    loop.progress.step(loop.position.epoch, loop.prepared.experiment.epochs, done, total, loss)


def close_epoch(loop: Loop, seconds: float, compile_seconds: float) -> None:
    """Validate, record the epoch, remember the best, decide whether to go on."""
    state, position = loop.state, loop.position
    if int(state.first_bad) >= 0:
        raise BadStep
    experiment = loop.prepared.experiment
    record = epoch_record(loop.prepared, position, settings_in_force(state.optimizer), state.totals)
    if loop.prepared.validation_data is not None:
        record["validation"] = scores(loop.prepared.metrics, validate(loop, loop.prepared.validation_data).totals)
        score = record["validation"][experiment.monitor]
        position = judge(loop, score)
        state = state._replace(optimizer=optimizer_after(loop, state.optimizer, score))
        record["best"] = position.best_epoch == position.epoch
    if loop.watch is not None and loop.watch.is_due(position.epoch):
        record["curvature"] = loop.watch.look(loop.state)
    loop.history.append(record)
    if loop.log is not None:
        loop.log.write(record)
    if loop.timing is not None:
        steps = loop.prepared.steps_per_epoch
        loop.timing.write(
            {"epoch": position.epoch, "seconds": seconds, "steps": steps, "compile_seconds": compile_seconds}
        )
    loop.progress.epoch(record, experiment.epochs)
    loop.position = next_epoch(position, loop.prepared)
    loop.leaves = jax.tree.leaves(state._replace(totals=fresh_totals(loop)))
    judged = (
        record["train"]["loss"] if loop.prepared.validation_data is None else record["validation"][experiment.monitor]
    )
    remember_good(loop, position.epoch, judged)


def epoch_record(
    prepared: Prepared, position: Position, in_force: Mapping[str, Number], totals: dict[str, Any]
) -> dict[str, Any]:
    """What is logged of an epoch: where it stands, the settings that the last update used, the training scores."""
    settings = {name: shortest(value) for name, value in in_force.items()}
    record: dict[str, Any] = {
        "event": "epoch",
        "epoch": position.epoch,
        "step": position.step,
        "learning_rate": settings.pop("learning_rate", None),
        "train": scores(prepared.metrics, totals),
    }
    return record | {"settings": settings} if settings else record


def optimizer_after(loop: Loop, state: Any, score: float) -> Any:
    """The optimizer's state after a validation, which lowers the rate where it waits for a plateau."""
    plateau = loop.prepared.experiment.learning_rate
    if not isinstance(plateau, Plateau):
        return state
    after = after_score(state, plateau, score)
    return to_device(after, to_host(after))


def judge(loop: Loop, score: float) -> Position:
    """The position after seeing the validation score; a better one keeps the parameters as the best."""
    position = judged(loop.position, loop.prepared, score)
    if position.best_epoch == position.epoch:
        loop.best = to_host({"params": evaluated_params(loop), "memory": loop.state.memory})
    return position


def shortest(number: Number) -> float:
    """The float with the fewest digits that is this number in its own precision: 0.001, not 0.0010000000475."""
    return float(str(np.asarray(number)))
