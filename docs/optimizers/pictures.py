"""Draws the pictures of docs/optimizers.md: paths in a ravine, and every schedule.

Run from the root of the repository: `python docs/optimizers/pictures.py`.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
from PIL import Image

from pullback import optim
from pullback.optim.schedules import (
    Constant,
    Cosine,
    Cyclic,
    Exponential,
    InverseSquareRoot,
    InverseTime,
    MultiStep,
    OneCycle,
    Plateau,
    Polynomial,
    StepDecay,
    WarmRestarts,
    WarmUp,
    schedule_values,
)

STEPS = 60
# The rates are chosen so that each method arrives.
PATHS: dict[str, optax.GradientTransformation] = {
    "sgd": optim.sgd(0.035),
    "momentum": optim.momentum(0.02, 0.8),
    "nesterov": optim.nesterov(0.02, 0.8),
    "adagrad": optim.adagrad(0.8),
    "rmsprop": optim.rmsprop(0.1, decay=0.9),
    "adadelta": optim.adadelta(3.0, epsilon=1e-3),
    "adam": optim.adam(0.3),
    "amsgrad": optim.amsgrad(0.3),
    "adamax": optim.adamax(0.5),
    "nadam": optim.nadam(0.3),
    "radam": optim.radam(0.05),
    "lion": optim.lion(0.08, weight_decay=0.0),
}
SCHEDULES: dict[str, Any] = {
    "Constant": Constant(1.0),
    "StepDecay": StepDecay(1.0, 0.5, 20),
    "MultiStep": MultiStep(1.0, 0.3, (30, 70)),
    "Exponential": Exponential(1.0, 0.97),
    "InverseTime": InverseTime(1.0, 1.0, 20),
    "Polynomial": Polynomial(1.0, 100, 2.0),
    "Cosine": Cosine(1.0, 100),
    "WarmUp of Cosine": WarmUp(Cosine(1.0, 90), 10),
    "WarmRestarts": WarmRestarts(1.0, 14, 2),
    "Cyclic": Cyclic(0.1, 1.0, 12, mode="triangular2"),
    "OneCycle": OneCycle(1.0, 100),
    "InverseSquareRoot": InverseSquareRoot(1.0, 15),
}


def ravine(x: Any) -> Any:
    """Fifty times as steep across as along."""
    return (x[0] ** 2 + 50 * x[1] ** 2) / 2


def path(optimizer: optax.GradientTransformation) -> np.ndarray:
    """The points of a method from the rim."""

    def step(carry: Any, _: None) -> Any:
        x, state = carry
        update, state = optimizer.update(jax.grad(ravine)(x), state, x)
        return (x + update, state), x + update

    start = jnp.array([-4.0, 1.0])
    return np.vstack([start, jax.lax.scan(step, (start, optimizer.init(start)), length=STEPS)[1]])


def draw_paths() -> None:
    """A small plane for every method."""
    along, across = np.meshgrid(np.linspace(-4.6, 2.2, 121), np.linspace(-1.4, 1.4, 81))
    height = ravine(np.stack([along, across]))
    figure, axes = plt.subplots(3, 4, figsize=(12, 6.6), sharex=True, sharey=True, layout="constrained")
    for axis, (name, optimizer) in zip(axes.flat, PATHS.items(), strict=True):
        points = path(optimizer)
        axis.contour(along, across, np.sqrt(height), levels=12, colors="0.8", linewidths=0.7)
        axis.plot(points[:, 0], points[:, 1], ".-", linewidth=1, markersize=3, color="C0")
        axis.plot(0, 0, "+", color="C3", markersize=10)
        axis.set(title=name, xlim=(-4.6, 2.2), ylim=(-1.4, 1.4))
    save(figure, "ravine")


def plateau_rates() -> np.ndarray:
    """Of a score that falls and then only wavers."""
    plateau = Plateau(1.0, factor=0.4, patience=8)
    state, rates = plateau.init(), []
    for number in range(100):
        rates.append(float(state.learning_rate))
        state = plateau.update(state, np.exp(-min(number, 30) / 10) + 0.01 * np.sin(number))
    return np.array(rates)


def draw_schedules() -> None:
    """A small plot for every schedule, over 100 updates."""
    rates = {name: schedule_values(schedule, 100) for name, schedule in SCHEDULES.items()}
    rates["Plateau"] = plateau_rates()
    figure, axes = plt.subplots(3, 5, figsize=(12, 6), sharex=True, sharey=True, layout="constrained")
    for axis in axes.flat[len(rates) :]:
        axis.set_axis_off()
    for axis, (name, values) in zip(axes.flat, rates.items(), strict=False):
        axis.plot(values, color="C0")
        axis.set(title=name, ylim=(0, 1.05))
    save(figure, "schedules")


def save(figure: Any, name: str) -> None:
    """As a file of few colors."""
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=70)
    plt.close(figure)
    picture = Image.open(buffer).convert("RGB").quantize(96)
    picture.save(Path(__file__).parent / f"{name}.png", optimize=True)


if __name__ == "__main__":
    draw_paths()
    draw_schedules()
