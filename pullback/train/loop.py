"""The loop over epochs: dispatch steps, validate, remember the best, save, stop when asked."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PyTree

from pullback.data import Dataset, epoch_order
from pullback.metrics.metric import two_float
from pullback.optim import learning_rate_in_force
from pullback.prob import Interval, mean_interval
from pullback.train.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from pullback.train.evaluate import Evaluation, Static, evaluate_arrays, evaluation_program
from pullback.train.experiment import Prepared
from pullback.train.folder import RunFolder
from pullback.train.interruption import Interruption
from pullback.train.log import Log
from pullback.train.program import Programs
from pullback.train.progress import Progress
from pullback.train.state import TrainingState, from_named_arrays, named_arrays, to_device, to_host
from pullback.train.step import Examples, StepRule, Token, dispatch, init_totals

DISPATCH_SECONDS = 0.1
IN_FLIGHT = 2


class Stop(Exception):
    """Leaves the loop early: the user asked, or a number is not finite."""


class UserStop(Stop):
    """A signal asked to stop; the state is saved."""


class BadStep(Stop):
    """Some update since the last save was not finite."""


@dataclass(frozen=True)
class Position:
    """Where training stands, beside the arrays.

    `epoch` is the one in progress, from 1; `step` counts updates; `reason` is set once training has ended.
    """

    epoch: int = 1
    step: int = 0
    best_epoch: int | None = None
    best_score: float | None = None
    epochs_without_improvement: int = 0
    reason: str | None = None


@dataclass
class Loop:
    """Training in progress: the prepared experiment, the state on the device, and the means to record it."""

    prepared: Prepared
    programs: Programs
    static: Static
    rule: StepRule
    leaves: list[Array]
    structure: Any
    progress: Progress
    interruption: Interruption
    folder: RunFolder | None
    log: Log | None
    timing: Log | None
    checkpoint_seconds: float
    position: Position = field(default_factory=Position)
    best: PyTree = None
    history: list[dict[str, Any]] = field(default_factory=list)
    # Number and order of the epoch whose order was drawn last.
    drawn: tuple[int, Array] | None = None
    # The last state that is known to be good, on the host; what a failure falls back to.
    saved: tuple[PyTree, Position] | None = None
    saved_at: float = field(default_factory=time.monotonic)

    @property
    def state(self) -> TrainingState:
        return jax.tree.unflatten(self.structure, self.leaves)

    @cached_property
    def examples(self) -> Examples:
        """The training data on the device, put there at the first dispatch, after the compiler had the memory.

        `device_put` copies once, or not at all where the memory is aligned; `jnp.asarray` would copy twice.
        """
        data = self.prepared.train_data
        return Examples(*jax.device_put((data.inputs, data.targets, data.indices)))

    def order(self, epoch: int) -> Array:
        """Rows in the order of an epoch, on the device; the order drawn last is kept."""
        if self.drawn is None or self.drawn[0] != epoch:
            self.drawn = (epoch, jax.device_put(self.draw_order(epoch)))
        return self.drawn[1]

    def draw_order(self, epoch: int) -> np.ndarray:
        """Rows in the order of an epoch, filled up to whole batches."""
        rows = len(self.prepared.train_data)
        order = np.zeros(self.prepared.steps_per_epoch * self.prepared.batch_size, np.int32)
        order[:rows] = epoch_order(self.prepared.experiment.seed, epoch, rows)
        return order

    def advance(self, leaves: list[Array], epoch: int, count: int) -> list[Array]:
        """The state `count` updates later, within one epoch; the statistics start anew with an epoch."""
        order, number = self.order(epoch), jnp.asarray(epoch, jnp.int32)
        state = jax.tree.unflatten(self.structure, leaves)
        if int(state.step) == (epoch - 1) * self.prepared.steps_per_epoch:
            leaves = jax.tree.leaves(state._replace(totals=fresh_totals(self)))
        program = training_program(self, order, number)
        for size in [count] if self.rule.in_loop else [1] * count:
            leaves, _ = program(leaves, self.examples, order, number, jnp.asarray(size, jnp.int32))
        return leaves


def build_loop(
    prepared: Prepared,
    *,
    progress: Progress,
    interruption: Interruption,
    folder: RunFolder | None,
    checkpoint_seconds: float,
) -> Loop:
    """The loop before its first step, with fresh state on the device."""
    experiment = prepared.experiment
    params, rest = eqx.partition(experiment.model, eqx.is_inexact_array)
    # On a CPU a convolution inside a compiled loop runs many times slower than outside.
    in_loop = not (prepared.convolutional and jax.default_backend() == "cpu")
    rule = StepRule(
        static=rest,
        loss=prepared.loss,
        optimizer=prepared.optimizer,
        metrics=prepared.metrics,
        value_and_grad=experiment.value_and_grad,
        augment=experiment.augment,
        seed=experiment.seed,
        key_per_row=prepared.key_per_row,
        ema_decay=experiment.ema_decay,
        batch_size=prepared.batch_size,
        accumulate_steps=experiment.accumulate_steps,
        steps_per_epoch=prepared.steps_per_epoch,
        in_loop=in_loop,
    )
    state = TrainingState(
        params=params,
        memory=prepared.memory,
        optimizer=prepared.optimizer.init(params),
        average=None if experiment.ema_decay is None else params,
        step=jnp.zeros((), jnp.int32),
        totals=init_totals(prepared.metrics),
        first_bad=jnp.full((), -1, jnp.int32),
    )
    # Fresh buffers: the caller's model must survive the donation.
    leaves, structure = jax.tree.flatten(to_device(state, to_host(state)))
    return Loop(
        prepared=prepared,
        programs=Programs(prepared.convolutional, progress.note),
        static=Static(rest, jax.tree.structure(params)),
        rule=rule,
        leaves=leaves,
        structure=structure,
        progress=progress,
        interruption=interruption,
        folder=folder,
        log=None,
        timing=None,
        checkpoint_seconds=checkpoint_seconds,
    )


def train(loop: Loop) -> None:
    """Run epochs until the last, or until validation no longer improves.

    Raises
    ------
    UserStop
        after a signal, with the state saved.
    BadStep
        if a number was not finite; `loop.saved` holds the last good state.
    """
    if loop.saved is None:
        save(loop)
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


def training_program(loop: Loop, order: Array, epoch: Array) -> Callable[..., Any]:
    """The compiled training step; of the training data only the shapes are needed."""
    data = loop.prepared.train_data
    examples = Examples._make(map(shape_of, (data.inputs, data.targets, data.indices)))
    arguments = (loop.leaves, examples, order, epoch, jnp.zeros((), jnp.int32))
    run = dispatch(loop.rule, loop.structure)
    return loop.programs.get("training step", run, arguments, donate=(0,))


def validation_program(loop: Loop, data: Dataset) -> None:
    """Compile the evaluation before the training data take memory beside the compiler."""
    prepared, size = loop.prepared, loop.prepared.evaluation_batch_size
    batch = tuple(jax.ShapeDtypeStruct((size, *array.shape[1:]), array.dtype) for array in (data.inputs, data.targets))
    params, totals = jax.tree.leaves(evaluated_params(loop)), init_totals(prepared.metrics)
    arguments = (params, loop.state.memory, totals, (*batch, jax.ShapeDtypeStruct((size,), jnp.float32)))
    evaluation_program(loop.programs, loop.static, prepared.loss, prepared.metrics, arguments)


def shape_of(array: np.ndarray) -> jax.ShapeDtypeStruct:
    """Shape and dtype of an array, without its memory."""
    return jax.ShapeDtypeStruct(array.shape, array.dtype)


class Pace:
    """How many steps one dispatch holds: enough to be worth it, few enough to stop within a moment."""

    def __init__(self, in_loop: bool) -> None:
        self.learning = in_loop
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
        if seconds < DISPATCH_SECONDS / 2 and count == self._steps:
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
    rate = learning_rate_in_force(state.optimizer)
    record: dict[str, Any] = {
        "event": "epoch",
        "epoch": position.epoch,
        "step": position.step,
        "learning_rate": None if rate is None else shortest(rate),
        "train": scores(loop.prepared.metrics, state.totals),
    }
    if loop.prepared.validation_data is not None:
        record["validation"] = scores(loop.prepared.metrics, validate(loop, loop.prepared.validation_data).totals)
        position = judge(loop, record["validation"][experiment.monitor])
        record["best"] = position.best_epoch == position.epoch
    loop.history.append(record)
    if loop.log is not None:
        loop.log.write(record)
    if loop.timing is not None:
        steps = loop.prepared.steps_per_epoch
        loop.timing.write(
            {"epoch": position.epoch, "seconds": seconds, "steps": steps, "compile_seconds": compile_seconds}
        )
    loop.progress.epoch(record, experiment.epochs)
    loop.position = replace(position, epoch=position.epoch + 1, reason=reason_to_stop(loop, position))
    loop.leaves = jax.tree.leaves(state._replace(totals=fresh_totals(loop)))


def shortest(number: Array) -> float:
    """The float with the fewest digits that is this number in its own precision: 0.001, not 0.0010000000475."""
    return float(str(np.asarray(number)))


def fresh_totals(loop: Loop) -> dict[str, Any]:
    """Empty statistics in fresh buffers, which the next dispatch may consume."""
    empty = init_totals(loop.prepared.metrics)
    return to_device(empty, to_host(empty))


def reason_to_stop(loop: Loop, position: Position) -> str | None:
    """Why training ends after this epoch, or None."""
    experiment = loop.prepared.experiment
    waited = position.epochs_without_improvement
    if experiment.patience is not None and waited >= experiment.patience:
        return f"early stopping: validation {experiment.monitor} did not improve for {waited} epochs"
    return "epochs done" if position.epoch >= experiment.epochs else None


def judge(loop: Loop, score: float) -> Position:
    """The position after seeing the validation score; a better one keeps the parameters as the best."""
    position = loop.position
    if not math.isfinite(score) or (
        position.best_score is not None and not is_better(loop, score, position.best_score)
    ):
        return replace(position, epochs_without_improvement=position.epochs_without_improvement + 1)
    loop.best = to_host({"params": evaluated_params(loop), "memory": loop.state.memory})
    return replace(position, best_epoch=position.epoch, best_score=score, epochs_without_improvement=0)


def is_better(loop: Loop, score: float, best: float) -> bool:
    """Whether the monitored score is strictly better."""
    monitor = loop.prepared.experiment.monitor
    higher = {metric.name: metric.higher_is_better for metric in loop.prepared.metrics}.get(monitor, False)
    return score > best if higher else score < best


def evaluated_params(loop: Loop) -> PyTree:
    """The parameters that are judged and kept: the moving average where there is one."""
    return loop.state.params if loop.state.average is None else loop.state.average


def validate(loop: Loop, data: Dataset) -> Evaluation:
    """Evaluate the current parameters."""
    params = jax.tree.leaves(evaluated_params(loop))
    return evaluate_dataset(loop, params, loop.state.memory, data)


def evaluate_dataset(loop: Loop, params: list[Array], memory: dict[str, Any], data: Dataset) -> Evaluation:
    """Evaluate these parameters with this memory."""
    prepared = loop.prepared
    size = prepared.evaluation_batch_size
    loss, metrics = prepared.loss, prepared.metrics
    return evaluate_arrays(loop.programs, loop.static, loss, metrics, params, memory, data.inputs, data.targets, size)


def scores(metrics: tuple[Any, ...], totals: dict[str, Any]) -> dict[str, float]:
    """The loss and every metric as numbers."""
    count = int(totals["loss"]["count"])
    loss = two_float(totals["loss"]["total"]) / count
    return {"loss": loss} | {metric.name: metric.compute(totals[metric.name]) for metric in metrics}


def intervals(metrics: tuple[Any, ...], totals: dict[str, Any], level: float = 0.95) -> dict[str, Interval]:
    """The loss and every metric with their intervals."""
    loss = totals["loss"]
    of_loss = mean_interval(int(loss["count"]), two_float(loss["total"]), two_float(loss["squares"]), level)
    return {"loss": of_loss} | {metric.name: metric.interval(totals[metric.name], level) for metric in metrics}


def save_is_due(loop: Loop) -> bool:
    """Whether the last checkpoint is old enough for another."""
    return time.monotonic() - loop.saved_at >= loop.checkpoint_seconds


def save(loop: Loop) -> None:
    """Remember the state on the host and, with a run folder, on the disk; a bad state is never saved.

    Raises
    ------
    BadStep
        if the state is not finite.
    """
    host = to_host(loop.state)
    if int(host.first_bad) >= 0:
        raise BadStep
    loop.saved = (host, loop.position)
    if loop.folder is not None and loop.log is not None:
        loop.log.sync()
        arrays = named_arrays(host, "state")
        if loop.best is not None:
            arrays |= named_arrays(loop.best, "best")
        checkpoint = Checkpoint(arrays, vars(loop.position), loop.log.size)
        save_checkpoint(loop.folder.checkpoints, checkpoint)
    loop.saved_at = time.monotonic()


def restore(loop: Loop) -> tuple[int, list[str]]:
    """Take the state from the newest whole checkpoint; length of the log then, and what was found damaged."""
    assert loop.folder is not None
    checkpoint, notes = load_checkpoint(loop.folder.checkpoints)
    state = loop.state
    host = from_named_arrays(state, checkpoint.arrays, "state", "the checkpoint")
    loop.position = Position(**checkpoint.position)
    if loop.position.best_epoch is not None:
        template = {"params": state.params, "memory": state.memory}
        loop.best = from_named_arrays(template, checkpoint.arrays, "best", "the checkpoint")
    loop.leaves = jax.tree.leaves(to_device(state, host))
    loop.saved = (host, loop.position)
    return checkpoint.log_bytes, notes


def chosen(loop: Loop) -> tuple[list[Array], dict[str, Any]]:
    """Parameters and memory of the model that is handed back: the best where validation chose one."""
    if loop.best is None:
        return jax.tree.leaves(evaluated_params(loop)), loop.state.memory
    template = {"params": loop.state.params, "memory": loop.state.memory}
    best = to_device(template, loop.best)
    return jax.tree.leaves(best["params"]), best["memory"]
