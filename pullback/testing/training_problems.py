"""Small training problems of several kinds, on bundled and made data, for whatever looks for learning rates."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import numpy as np
from sklearn import datasets

from pullback import nn
from pullback.data import Dataset, split
from pullback.train import Experiment

Parts = tuple[Dataset, Dataset]


# The part of the labels drawn anew: without it some sets are learned to a loss of nothing, by which nothing is judged.
NOISE = 0.1


@cache
def bundled(name: str) -> Parts:
    """A set of scikit-learn, columns standardized, labels with noise, in a part to train on and one to judge by."""
    loaded: Any = getattr(datasets, f"load_{name}")()
    X, targets = np.asarray(loaded.data), np.asarray(loaded.target)
    if name == "diabetes":
        y = targets.astype(np.float32)[:, None]
        return _parts(X, (y - y.mean()) / y.std(), True)
    random = np.random.default_rng(0)
    drawn = random.integers(0, targets.max() + 1, len(targets))
    return _parts(X, np.where(random.random(len(targets)) < NOISE, drawn, targets).astype(np.int32), False)


@cache
def moons() -> Parts:
    """Two half circles with noise."""
    made: Any = datasets.make_moons(400, noise=0.2, random_state=0)
    X, y = made
    return _parts(X, y.astype(np.int32), False)


@cache
def sine() -> Parts:
    """A sine with noise."""
    random = np.random.default_rng(0)
    x = random.uniform(-3, 3, (300, 1))
    return _parts(x, (np.sin(2 * x) + 0.1 * random.standard_normal(x.shape)).astype(np.float32), True)


def _parts(X: np.ndarray, y: np.ndarray, regression: bool) -> Parts:
    spread = X.std(0)
    inputs = ((X - X.mean(0)) / np.where(spread > 0, spread, 1)).astype(np.float32)
    names = None if regression else tuple(map(str, range(int(y.max()) + 1)))
    whole = Dataset(inputs, y, "regression" if regression else "classification", class_names=names)
    train, validation = split(whole, {"train": 0.8, "validation": 0.2}, seed=0)
    return train, validation


def problem(
    parts: Callable[[], Parts], hidden: tuple[int, ...], optimizer: str, epochs: int, batch_size: int = 32
) -> Callable[..., Experiment]:
    """A network on a set, as a function of seed and learning rate."""

    def make(seed: int = 0, learning_rate: float = 1e-3) -> Experiment:
        train, validation = parts()
        regression = train.task == "regression"
        sizes = (train.inputs.shape[1], *hidden, 1 if regression else train.num_classes or 0)
        keys = jax.random.split(jax.random.key(seed), len(sizes))
        layers: list[Any] = []
        for key, first, second in zip(keys, sizes[:-1], sizes[1:], strict=False):
            layers += [nn.Linear(first, second, key=key), nn.tanh]
        return Experiment(
            model=nn.Sequential(layers[:-1]),
            train_data=train,
            validation_data=validation,
            loss="squared_error" if regression else "categorical_cross_entropy",
            optimizer=optimizer,
            learning_rate=learning_rate,
            epochs=epochs,
            batch_size=batch_size,
            seed=seed,
        )

    return make


PROBLEMS: dict[str, Callable[..., Experiment]] = {
    "iris, softmax, sgd": problem(lambda: bundled("iris"), (), "sgd", 20),
    "iris, 16 hidden, adam": problem(lambda: bundled("iris"), (16,), "adam", 20),
    "wine, 16 hidden, rmsprop": problem(lambda: bundled("wine"), (16,), "rmsprop", 15),
    "breast cancer, softmax, momentum": problem(lambda: bundled("breast_cancer"), (), "momentum", 10),
    "digits, 32 hidden, adam": problem(lambda: bundled("digits"), (32,), "adam", 8, 64),
    "digits, 32 hidden, sgd": problem(lambda: bundled("digits"), (32,), "sgd", 8, 64),
    "diabetes, linear, adam": problem(lambda: bundled("diabetes"), (), "adam", 20),
    "diabetes, 8 hidden, nesterov": problem(lambda: bundled("diabetes"), (8,), "nesterov", 10),
    "moons, 16-16 hidden, adamw": problem(moons, (16, 16), "adamw", 20),
    "sine, 32 hidden, adam": problem(sine, (32,), "adam", 30),
}
