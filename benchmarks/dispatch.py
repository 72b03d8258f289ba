"""Python time between dispatched steps for a model of 50 layers: what the loop adds to each step."""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
from jax import Array

from benchmarks.case import Dense, Relu, TrainingCase
from benchmarks.programs.pullback_train import build_case_loop
from pullback.train import epochs as training_epochs
from pullback.train.epochs import run_epoch
from pullback.train.loop import Loop, Position
from pullback.train.step import Token

DEEP = TrainingCase(
    name="dispatch",
    summary="50 dense layers of 8 features, batch 8",
    input_shape=(8,),
    layers=(*(layer for _ in range(49) for layer in (Dense(8), Relu())), Dense(10)),
    batch_size=8,
    rows=8 * 500,
)


def microseconds_per_step(one_step_a_dispatch: bool, epochs: int = 5) -> float:
    """Median over epochs of the main thread's processor time for a step.

    The compiled program is replaced by one that takes and returns the same arrays and computes nothing, so that only
    the loop and the handing over of arrays are left. Time of the thread, not of the clock: waiting does not count.
    """
    loop = build_case_loop(DEEP)
    if one_step_a_dispatch:
        # As for a convolutional network on a CPU.
        loop.rule = dataclasses.replace(loop.rule, in_loop=False)
    program = _idle_program(loop)
    times = []
    with mock.patch.object(training_epochs, "training_program", lambda *arguments: program):
        for _ in range(epochs + 1):
            loop.position = Position()
            started = time.thread_time()
            run_epoch(loop)
            times.append(1e6 * (time.thread_time() - started) / DEEP.steps)
    return statistics.median(times[1:])


def _idle_program(loop: Loop) -> Callable[..., Any]:
    """A program with the signature of the training step that hands its arrays back."""

    def idle(leaves: list[Array], examples: Any, order: Array, epoch: Array, count: Array) -> Any:
        state = jax.tree.unflatten(loop.structure, leaves)
        loss = state.totals["loss"]
        return leaves, Token(state.step, state.first_bad, loss["total"], loss["count"] + 1)

    zero = jnp.zeros((), jnp.int32)
    order = jnp.zeros(DEEP.steps * DEEP.batch_size, jnp.int32)
    return jax.jit(idle, donate_argnums=0).lower(loop.leaves, loop.examples, order, zero, zero).compile()


def describe() -> str:
    """The measurements, one line each."""
    return (
        f"{DEEP.summary}\n"
        f"Python a step, one step a dispatch: {microseconds_per_step(True):.0f} microseconds\n"
        f"Python a step, as the loop chooses: {microseconds_per_step(False):.0f} microseconds"
    )
