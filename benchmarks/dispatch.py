"""Python time between dispatched steps for a model of 50 layers: what the loop adds to each step."""

from __future__ import annotations

import dataclasses
import os
import statistics

import jax

from benchmarks.case import Dense, Relu, TrainingCase
from benchmarks.programs.pullback_train import build
from pullback.train import Experiment
from pullback.train.experiment import prepare
from pullback.train.interruption import Interruption
from pullback.train.loop import build_loop, close_epoch, run_epoch
from pullback.train.progress import Silent

DEEP = TrainingCase(
    name="dispatch",
    summary="50 dense layers of 8 features, batch 8",
    input_shape=(8,),
    layers=(*(layer for _ in range(49) for layer in (Dense(8), Relu())), Dense(10)),
    batch_size=8,
    rows=8 * 500,
)


def microseconds_per_dispatch(epochs: int = 5) -> float:
    """Median over epochs of the time in Python for one dispatch of one step.

    The layers are so small that computing is a small part of what is measured where the call itself computes; the
    number is an upper bound.
    """
    experiment = Experiment(model=build(DEEP), train_data=DEEP.data(), loss="categorical_cross_entropy",
                            learning_rate=1e-3, epochs=2**30, batch_size=DEEP.batch_size)  # fmt: skip
    loop = build_loop(
        prepare(experiment), progress=Silent(), interruption=Interruption(), folder=None, checkpoint_seconds=1e9
    )
    # One step a dispatch, as for a convolutional network on a CPU.
    loop.rule = dataclasses.replace(loop.rule, in_loop=False)
    times = []
    for _ in range(epochs + 1):
        loop.python_seconds, loop.dispatches = 0.0, 0
        run_epoch(loop)
        close_epoch(loop, 0.0, 0.0)
        jax.block_until_ready(loop.leaves)
        times.append(1e6 * loop.python_seconds / loop.dispatches)
    return statistics.median(times[1:])


def describe() -> str:
    """The measurement in one line."""
    cores = len(os.sched_getaffinity(0))
    return f"{DEEP.summary}: {microseconds_per_dispatch():.0f} microseconds of Python a dispatch ({cores} cores)"
