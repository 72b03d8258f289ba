"""One measured process: `python -m benchmarks.sweep_child PROGRAM CASE` prints JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Case:
    """A network of these sizes, trained for some epochs at every rate with every seed."""

    sizes: tuple[int, ...]
    rows: int
    rates: int
    seeds: int
    epochs: int
    # Of PyTorch's and of our sequential fits only so many are made, and their time is multiplied.
    measured: int


BATCH = 64
CASES = {
    "small": Case((64, 32, 10), 1437, 64, 4, 40, 16),
    "large": Case((784, 128, 128, 10), 4096, 64, 4, 4, 8),
}


def table(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Inputs of the case's size, and labels that a random network gives them."""
    random = np.random.default_rng(0)
    inputs = random.standard_normal((case.rows, case.sizes[0]), np.float32)
    scores = inputs @ random.standard_normal((case.sizes[0], case.sizes[-1]))
    return inputs, scores.argmax(1).astype(np.int32)


def rates(case: Case) -> list[float]:
    """From far too small to too large for most."""
    return [float(rate) for rate in np.geomspace(1e-5, 1e-1, case.rates)]


def experiment(case: Case) -> Callable[..., Any]:
    """Our experiment as a function of seed and rate; validation on the training rows' first hundred."""
    import jax

    from pullback import nn
    from pullback.data import Dataset
    from pullback.train import Experiment

    inputs, labels = table(case)
    data = Dataset(inputs, labels, "classification", class_names=tuple(map(str, range(case.sizes[-1]))))

    def make(seed: int, learning_rate: float) -> Experiment:
        keys = jax.random.split(jax.random.key(seed), len(case.sizes) - 1)
        layers: list[Any] = []
        for key, first, second in zip(keys, case.sizes[:-1], case.sizes[1:], strict=True):
            layers += [nn.Linear(first, second, key=key), nn.relu]
        return Experiment(
            nn.Sequential(layers[:-1]),
            data,
            "categorical_cross_entropy",
            optimizer="adam",
            learning_rate=learning_rate,
            epochs=case.epochs,
            batch_size=BATCH,
            seed=seed,
        )

    return make


def our_sweep(case: Case) -> dict[str, Any]:
    """All members by `train.sweep`, with everything that it does: building, compiling, choosing, training."""
    from pullback.train import sweep

    make = experiment(case)
    started = time.perf_counter()
    found = sweep(make, {"learning_rate": rates(case), "seed": range(case.seeds)}, progress=False)
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "loss": min(found.scores("loss", "train")), "route": found.notes[0]}


def our_loop(case: Case) -> dict[str, Any]:
    """Some members by `train.run`, one after another."""
    from pullback.train import run

    make, losses = experiment(case), []
    started = time.perf_counter()
    for rate in rates(case)[:: max(1, case.rates // case.measured)][: case.measured]:
        losses.append(run(make(0, rate), progress=False).history[-1]["train"]["loss"])
    seconds = (time.perf_counter() - started) / len(losses) * case.rates * case.seeds
    return {"seconds": seconds, "loss": min(losses), "route": f"{len(losses)} fits, times {case.rates * case.seeds}"}


def torch_loop(case: Case) -> dict[str, Any]:
    """Some members by PyTorch, one after another, the data in memory and shuffled by a permutation."""
    import torch

    inputs, labels = (torch.from_numpy(array) for array in table(case))
    labels, losses = labels.long(), []

    def fit(rate: float, seed: int) -> float:
        torch.manual_seed(seed)
        layers: list[Any] = []
        for first, second in zip(case.sizes[:-1], case.sizes[1:], strict=True):
            layers += [torch.nn.Linear(first, second), torch.nn.ReLU()]
        model = torch.nn.Sequential(*layers[:-1])
        optimizer, loss = torch.optim.Adam(model.parameters(), lr=rate), torch.nn.CrossEntropyLoss()
        total = torch.zeros(())
        for _ in range(case.epochs):
            order, total = torch.randperm(case.rows), torch.zeros(())
            for start in range(0, case.rows, BATCH):
                rows = order[start : start + BATCH]
                optimizer.zero_grad()
                value = loss(model(inputs[rows]), labels[rows])
                value.backward()
                optimizer.step()
                total += value.detach() * len(rows)
        return float(total) / case.rows

    fit(1e-3, 0)
    started = time.perf_counter()
    for rate in rates(case)[:: max(1, case.rates // case.measured)][: case.measured]:
        losses.append(fit(rate, 0))
    seconds = (time.perf_counter() - started) / len(losses) * case.rates * case.seeds
    return {"seconds": seconds, "loss": min(losses), "route": f"{len(losses)} fits, times {case.rates * case.seeds}"}


PROGRAMS: dict[str, Callable[[Case], dict[str, Any]]] = {
    "pullback": our_sweep,
    "pullback_loop": our_loop,
    "torch": torch_loop,
}

if __name__ == "__main__":
    print(json.dumps(PROGRAMS[sys.argv[1]](CASES[sys.argv[2]])))
