"""Draws the picture of docs/sweeps.md: validation accuracy against the learning rate.

Run from the root of the repository: `python docs/sweeps/picture.py`.
"""

from __future__ import annotations

import io
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from pullback import data, nn, train
from pullback.core.random import stream
from pullback.train import Experiment

RATES = np.geomspace(1e-3, 10, 16).tolist()
SEEDS = list(range(8))
DIGITS = data.load("digits")


def source(seed: int) -> Experiment:
    """A small dense network."""
    training, validation = data.split(DIGITS, {"train": 0.8, "validation": 0.2}, seed=0)
    layers = [
        nn.Flatten(), nn.Linear(64, 32, key=stream(seed, "first")), nn.Activation("relu"),
        nn.Linear(32, 10, key=stream(seed, "last")),
    ]  # fmt: skip
    return Experiment(
        nn.Sequential(layers),
        training,
        "categorical_cross_entropy",
        validation_data=validation,
        metrics=("accuracy",),
        optimizer="momentum",
        epochs=10,
        seed=seed,
    )


def draw() -> None:
    """A dot a member, a line through the means."""
    found = train.sweep(source, {"learning_rate": RATES, "seed": SEEDS})
    scores = np.array(found.scores("accuracy")).reshape(len(RATES), len(SEEDS))
    # Of a member that diverged the score is infinite.
    scores[~np.isfinite(scores)] = np.nan
    figure, axis = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
    axis.plot(np.repeat(RATES, len(SEEDS)), scores.ravel(), "o", markersize=3, alpha=0.5, color="C0")
    whole = np.isfinite(scores).all(1)
    axis.plot(np.array(RATES)[whole], scores[whole].mean(1), color="C1")
    axis.set(xscale="log", xlabel="learning rate", ylabel="validation accuracy", ylim=(0, 1))
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=80)
    Image.open(buffer).convert("RGB").quantize(64).save(Path(__file__).parent / "response.png", optimize=True)


if __name__ == "__main__":
    draw()
