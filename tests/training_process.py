"""A run in a process of its own, to be killed and resumed: `python training_process.py KIND FOLDER [resume]`."""

from __future__ import annotations

import sys
from pathlib import Path

import jax

from pullback import data, train
from pullback.data import Dataset, RandomCrop
from pullback.models import build
from pullback.train import Experiment


def experiment(kind: str) -> Experiment:
    digits = data.load("digits").take(range(600))
    parts = data.split(digits, {"train": 0.7, "validation": 0.1, "test": 0.2}, seed=0)
    return perceptron(*parts) if kind == "perceptron" else convolutional(*parts)


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


if __name__ == "__main__":
    described = experiment(sys.argv[1])
    if sys.argv[3:] == ["resume"]:
        train.resume_run(described, Path(sys.argv[2]), checkpoint_seconds=0.05, progress=False)
    else:
        train.run(described, run_dir=Path(sys.argv[2]), checkpoint_seconds=0.05, progress=False)
