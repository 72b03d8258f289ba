"""Training in progress: its state on the device, and the means to advance and to record it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PyTree

from pullback.data import epoch_order
from pullback.train.evaluate import Static
from pullback.train.experiment import Prepared
from pullback.train.folder import RunFolder
from pullback.train.interruption import Interruption
from pullback.train.learning_rate_watch import LearningRateWatch
from pullback.train.log import Log
from pullback.train.position import Position
from pullback.train.program import Programs
from pullback.train.progress import Progress
from pullback.train.state import TrainingState, to_device, to_host
from pullback.train.step import Examples, StepRule, dispatch, first_state, init_totals


class Stop(Exception):
    """Leaves the loop early: the user asked, or a number is not finite."""


class UserStop(Stop):
    """A signal asked to stop; the state is saved."""


class BadStep(Stop):
    """Some update since the last save was not finite."""


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
    watch: LearningRateWatch | None = None
    position: Position = field(default_factory=Position)
    best: PyTree = None
    # The state at the end of `position.good_epoch`, on the host, where a run may start again from it.
    good: PyTree = None
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


def step_rule(prepared: Prepared, static: Any) -> StepRule:
    """What a step of this experiment is made of; `static` is what of the model is not trained."""
    experiment = prepared.experiment
    return StepRule(
        static=static,
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
        # On a CPU a convolution inside a compiled loop runs many times slower than outside.
        in_loop=not (prepared.convolutional and jax.default_backend() == "cpu"),
    )


def build_loop(
    prepared: Prepared,
    *,
    progress: Progress,
    interruption: Interruption,
    folder: RunFolder | None,
    checkpoint_seconds: float,
    state: TrainingState | None = None,
) -> Loop:
    """The loop before its first step, with fresh state on the device; or in the `state` that is given."""
    params, rest = eqx.partition(prepared.experiment.model, eqx.is_inexact_array)
    rule = step_rule(prepared, rest)
    if state is None:
        state = first_state(rule, params, prepared.memory)
        # Fresh buffers: the caller's model must survive the donation.
        state = to_device(state, to_host(state))
    leaves, structure = jax.tree.flatten(state)
    programs = Programs(prepared.convolutional, progress.note)
    watched = prepared.experiment.watch_learning_rate
    return Loop(
        prepared=prepared,
        programs=programs,
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
        watch=LearningRateWatch(prepared, rule, programs) if watched else None,
    )


def training_program(loop: Loop, order: Array, epoch: Array) -> Callable[..., Any]:
    """The compiled training step; of the training data only the shapes are needed."""
    data = loop.prepared.train_data
    examples = Examples._make((*map(shape_of, (data.inputs, data.targets, data.indices)), None))
    arguments = (loop.leaves, examples, order, epoch, jnp.zeros((), jnp.int32))
    run = dispatch(loop.rule, loop.structure)
    return loop.programs.get("training step", run, arguments, donate=(0,))


def shape_of(array: np.ndarray) -> jax.ShapeDtypeStruct:
    """Shape and dtype of an array, without its memory."""
    return jax.ShapeDtypeStruct(array.shape, array.dtype)


def fresh_totals(loop: Loop) -> dict[str, Any]:
    """Empty statistics in fresh buffers, which the next dispatch may consume."""
    empty = init_totals(loop.prepared.metrics)
    return to_device(empty, to_host(empty))


def evaluated_params(loop: Loop) -> PyTree:
    """The parameters that are judged and kept: the moving average where there is one."""
    return loop.state.params if loop.state.average is None else loop.state.average
