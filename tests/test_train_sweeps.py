"""A member of a sweep equals the run of its experiment alone, whatever the sweep varies and however it is computed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
import pytest

from pullback import data, nn, train
from pullback.core.random import stream
from pullback.data import Dataset
from pullback.optim.schedules import Cosine
from pullback.train import Experiment, Run
from pullback.train.sweeps import Sweep, build_members

QUIET: dict[str, Any] = {"progress": False}


@functools.cache
def flowers() -> tuple[Dataset, ...]:
    return tuple(data.split(data.load("iris"), {"train": 0.6, "validation": 0.2, "test": 0.2}, seed=0))


def network(seed: int = 0, scale: float = 1.0, dropout: float | None = None, batch_norm: bool = False) -> Any:
    first, last = (nn.Linear(*sizes, key=stream(seed, f"{sizes}")) for sizes in ((4, 8), (8, 3)))
    first = eqx.tree_at(lambda layer: layer.weight, first, scale * first.weight)
    middle = [nn.BatchNorm(8)] if batch_norm else []
    noise = [] if dropout is None else [nn.Dropout(dropout)]
    return nn.Sequential([first, *middle, nn.Activation("tanh"), *noise, last])


def experiment(model: Any = None, **fields: Any) -> Experiment:
    training, validation, test = flowers()
    known: dict[str, Any] = {
        "train_data": training, "validation_data": validation, "test_data": test,
        "loss": "categorical_cross_entropy", "learning_rate": 0.01, "epochs": 3, "batch_size": 32,
        "metrics": ("accuracy",),
    }  # fmt: skip
    return Experiment(network() if model is None else model, **(known | fields))


def of_seed_and_scale(seed: int, scale: float) -> Experiment:
    return experiment(network(seed, scale), seed=seed)


def of_dropout(dropout: float, seed: int) -> Experiment:
    return experiment(network(dropout=dropout), seed=seed)


def of_fold(fold: int) -> Experiment:
    """Four folds of unequal sizes."""
    edges = [0, 38, 76, 113, 150]
    whole = data.load("iris").take(np.random.default_rng(0).permutation(150).tolist())
    held_out = range(edges[fold], edges[fold + 1])
    rest = [row for row in range(150) if row not in held_out]
    return experiment(train_data=whole.take(rest), validation_data=whole.take(held_out), test_data=None)


def of_rows(rows: int) -> Experiment:
    return experiment(train_data=flowers()[0].take(range(rows)))


class Case(NamedTuple):
    source: Any
    axes: dict[str, list[Any]]
    programs: int = 1


CASES = {
    "learning_rate": Case(experiment(), {"learning_rate": [1e-3, 0.1]}),
    "optimizer_arguments": Case(
        experiment(optimizer="momentum"), {"momentum": [0.5, 0.95], "weight_decay": [0.0, 0.1]}
    ),
    "order_of_rows": Case(experiment(), {"seed": [0, 7]}),
    "seed_and_scale": Case(of_seed_and_scale, {"seed": [1, 2], "scale": [0.1, 3.0]}),
    "dropout": Case(of_dropout, {"dropout": [0.0, 0.2, 0.5], "seed": [3]}),
    "folds": Case(of_fold, {"fold": [0, 1, 2]}, programs=2),
    "rows": Case(of_rows, {"rows": [65, 80, 90]}),
    "schedules": Case(experiment(), {"learning_rate": [Cosine(0.1, 9), Cosine(0.01, 9)]}),
    "scheduled_argument": Case(
        experiment(optimizer="momentum", optimizer_arguments={"momentum": Cosine(0.9, 9)}),
        {"learning_rate": [0.01, 0.05]},
    ),
    "batch_norm": Case(experiment(network(batch_norm=True)), {"learning_rate": [1e-3, 0.1]}),
    "moving_average": Case(experiment(ema_decay=0.9), {"learning_rate": [1e-3, 0.1]}),
    "accumulation": Case(experiment(accumulate_steps=2), {"learning_rate": [1e-3, 0.1]}),
    "patience": Case(experiment(epochs=9, patience=1), {"learning_rate": [1e-4, 0.03, 0.3, 3.0]}),
    "batch_size": Case(experiment(), {"batch_size": [16, 32]}, programs=2),
    "optimizer": Case(experiment(), {"optimizer": ["sgd", "adamw"]}, programs=2),
}


def members_alone(name: str) -> tuple[Run, ...]:
    return _alone(name)


@functools.cache
def _alone(name: str) -> tuple[Run, ...]:
    case = CASES[name]
    return tuple(train.run(member.experiment, **QUIET) for member in build_members(case.source, case.axes))


def arrays(run: Run) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jax.tree.leaves((run.model, run.state)) if eqx.is_array(leaf)]


def assert_same(member: Run, alone: Run) -> None:
    """To the last bit."""
    assert member.reason == alone.reason
    assert member.history == alone.history
    for got, expected in zip(arrays(member), arrays(alone), strict=True):
        assert got.tobytes() == expected.tobytes()
    assert member.evaluation == alone.evaluation


def assert_close(member: Run, alone: Run) -> None:
    """To rounding, which a few updates amplify."""
    assert member.reason == alone.reason
    got, expected = (jax.tree.leaves((run.history, run.evaluation)) for run in (member, alone))
    for a, b in zip(got, expected, strict=True):
        assert a == b if isinstance(b, str) else np.isclose(a, b, rtol=1e-4, atol=1e-6), (a, b)
    for a, b in zip(arrays(member), arrays(alone), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=2e-6)


def swept(name: str, route: str, **options: Any) -> Sweep:
    case = CASES[name]
    return train.sweep(case.source, case.axes, route=route, **(QUIET | options))


@pytest.mark.parametrize("route", ["map", "vmap"])
@pytest.mark.parametrize("name", CASES)
def test_a_member_equals_the_run_alone(name: str, route: str) -> None:
    found = swept(name, route)
    assert sum("in one program" in note for note in found.notes) == CASES[name].programs
    same: Callable[[Run, Run], None] = assert_same if route == "map" else assert_close
    for member, alone in zip(found.members, members_alone(name), strict=True):
        same(member.run, alone)
