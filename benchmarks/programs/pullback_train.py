"""Pullback's own training loop, as `pullback.train.fit` drives it: one epoch with its shuffling and its record."""

from __future__ import annotations

from collections.abc import Callable

import jax
from jax import Array

from benchmarks.case import Convolution, Dense, Flat, Layer, MaxPool, Relu, TrainingCase
from pullback import nn
from pullback.core.random import stream
from pullback.train import Experiment
from pullback.train.epochs import close_epoch, run_epoch
from pullback.train.experiment import prepare as check
from pullback.train.interruption import Interruption
from pullback.train.loop import Loop, build_loop
from pullback.train.progress import Silent


def prepare(case: TrainingCase) -> Callable[[], None]:
    """An epoch of the loop, without run folder and validation."""
    loop = build_case_loop(case)

    def epoch() -> None:
        run_epoch(loop)
        close_epoch(loop, 0.0, 0.0)
        jax.block_until_ready(loop.leaves)

    return epoch


def build_case_loop(case: TrainingCase) -> Loop:
    """The training loop of `fit` before its first step, silent and without records."""
    experiment = Experiment(
        model=build(case),
        train_data=case.data(),
        loss="categorical_cross_entropy",
        optimizer="adam",
        learning_rate=case.learning_rate,
        epochs=2**30,
        batch_size=case.batch_size,
    )
    return build_loop(
        check(experiment), progress=Silent(), interruption=Interruption(), folder=None, checkpoint_seconds=1e9
    )


def build(case: TrainingCase) -> nn.Sequential:
    """The layers of `case` with this library's defaults."""
    layers = []
    shape = case.input_shape
    for layer, key in zip(case.layers, jax.random.split(stream(0, "model"), len(case.layers)), strict=True):
        module = _module(layer, shape, key)
        shape = jax.eval_shape(module, jax.ShapeDtypeStruct((1, *shape), jax.numpy.float32)).shape[1:]
        layers.append(module)
    return nn.Sequential(layers)


def _module(layer: Layer, shape: tuple[int, ...], key: Array) -> Callable[..., Array]:
    match layer:
        case Dense(features):
            return nn.Linear(shape[0], features, key=key)
        case Convolution(channels):
            return nn.Conv2d(shape[-1], channels, 3, padding="same", key=key)
        case Relu():
            return nn.relu
        case MaxPool():
            return nn.MaxPool((2, 2))
        case Flat():
            return nn.Flatten()
