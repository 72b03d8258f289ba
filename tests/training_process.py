"""A run in a process of its own, to be killed and resumed: `python training_process.py KIND FOLDER [resume]`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import jax

from pullback import data, train
from pullback.data import Dataset, RandomCrop
from pullback.models import build
from pullback.optim import StochasticLBFGS
from pullback.optim.schedules import Cosine, PerFraction, Plateau
from pullback.train import Experiment


def experiment(kind: str) -> Experiment:
    digits = data.load("digits").take(range(600))
    parts = data.split(digits, {"train": 0.7, "validation": 0.1, "test": 0.2}, seed=0)
    return KINDS[kind](*parts)


def perceptron(training: Dataset, validation: Dataset, test: Dataset) -> Experiment:
    arguments = {"in_shape": [8, 8, 1], "out_features": 10, "hidden": [256, 256], "dropout": 0.1}
    return Experiment(
        model=build("multilayer_perceptron", arguments, jax.random.key(0)),
        train_data=training,
        validation_data=validation,
        test_data=test,
        loss="categorical_cross_entropy",
        optimizer="adamw",
        epochs=120,
        batch_size=32,
        metrics=("accuracy",),
    )


def convolutional(training: Dataset, validation: Dataset, test: Dataset) -> Experiment:
    arguments = {"in_shape": [8, 8, 1], "num_classes": 10, "channels": [8, 8], "dropout": 0.2, "batch_norm": True}
    return Experiment(
        model=build("convolutional_network", arguments, jax.random.key(1)),
        train_data=training,
        validation_data=validation,
        test_data=test,
        loss="categorical_cross_entropy",
        optimizer="momentum",
        learning_rate=0.02,
        epochs=40,
        batch_size=64,
        accumulate_steps=2,
        metrics=("accuracy", "cross_entropy"),
        monitor="accuracy",
        patience=30,
        ema_decay=0.98,
        augment=RandomCrop(1),
    )


def sharpness_aware(training: Dataset, validation: Dataset, test: Dataset) -> Experiment:
    """With a memory, a schedule of the radius, and a rate that falls on a plateau."""
    arguments = {"in_shape": [8, 8, 1], "out_features": 10, "hidden": [256], "dropout": 0.1, "batch_norm": True}
    return replace(
        perceptron(training, validation, test),
        model=build("multilayer_perceptron", arguments, jax.random.key(0)),
        optimizer="sam",
        learning_rate=Plateau(0.05, factor=0.5, patience=2),
        optimizer_arguments={"base_optimizer": "adam", "radius": PerFraction(Cosine(0.2, steps=1, final=0.01))},
        epochs=25,
        ema_decay=0.9,
    )


def lbfgs(training: Dataset, validation: Dataset, test: Dataset) -> Experiment:
    return replace(
        perceptron(training, validation, test),
        optimizer=StochasticLBFGS(memory=4),
        epochs=20,
        batch_size=210,
    )


def watched(training: Dataset, validation: Dataset, test: Dataset) -> Experiment:
    return replace(perceptron(training, validation, test), epochs=30, watch_learning_rate=True)


KINDS = {
    "perceptron": perceptron,
    "convolutional": convolutional,
    "sharpness-aware": sharpness_aware,
    "lbfgs": lbfgs,
    "watched": watched,
}


if __name__ == "__main__":
    described = experiment(sys.argv[1])
    if sys.argv[3:] == ["resume"]:
        train.resume_run(described, Path(sys.argv[2]), checkpoint_seconds=0.05, progress=False)
    else:
        train.run(described, run_dir=Path(sys.argv[2]), checkpoint_seconds=0.05, progress=False)
