"""A sweep in a process of its own, to be killed and resumed: `python sweep_process.py ROUTE[-many] FOLDER [resume]`."""

from __future__ import annotations

import sys
from pathlib import Path

from pullback import data, train
from pullback.core.random import stream
from pullback.models import build
from pullback.train import Experiment

AXES = {"learning_rate": [1e-4, 3e-3, 0.1, 3.0], "seed": [0, 1]}
MANY = {"learning_rate": [1e-4 * 1.18**power for power in range(64)], "seed": [0, 1, 2, 3]}


def source(learning_rate: float, seed: int, rows: int = 300) -> Experiment:
    digits = data.load("digits").take(range(rows))
    training, validation, test = data.split(digits, {"train": 0.7, "validation": 0.1, "test": 0.2}, seed=seed)
    arguments = {"in_shape": [8, 8, 1], "out_features": 10, "hidden": [64], "dropout": 0.1}
    return Experiment(
        model=build("multilayer_perceptron", arguments, stream(seed, "weights")),
        train_data=training,
        validation_data=validation,
        test_data=test,
        loss="categorical_cross_entropy",
        optimizer="adam",
        learning_rate=learning_rate,
        epochs=30,
        batch_size=32,
        metrics=("accuracy",),
        patience=8,
        ema_decay=0.9,
        seed=seed,
    )


if __name__ == "__main__":
    if sys.argv[3:] == ["resume"]:
        train.resume_sweep(source, Path(sys.argv[2]), checkpoint_seconds=0.05, progress=False)
    else:
        route, _, many = sys.argv[1].partition("-")
        axes, folder = MANY if many else AXES, Path(sys.argv[2])
        train.sweep(source, axes, run_dir=folder, route=route, checkpoint_seconds=0.05, progress=False)
