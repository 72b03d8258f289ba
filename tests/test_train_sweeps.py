"""A member of a sweep equals the run of its experiment alone, whatever the sweep varies and however it is computed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
import pytest

from pullback import data, nn, train
from pullback.core.errors import ConfigurationError
from pullback.core.random import stream
from pullback.data import Dataset
from pullback.models import build
from pullback.optim.schedules import Cosine
from pullback.train import Experiment, Run
from pullback.train.sweeps import Sweep, build_members
from pullback.train.sweeps.groups import build_groups
from pullback.train.sweeps.route import member_bytes

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
    "patience": Case(experiment(epochs=9, patience=1), {"learning_rate": [1e-4, 0.03, 0.1, 0.3, 1.0, 3.0]}),
    "batch_size": Case(experiment(), {"batch_size": [16, 32]}, programs=2),
    "optimizer": Case(experiment(), {"optimizer": ["sgd", "adamw"]}, programs=2),
}


@functools.cache
def members_alone(name: str) -> tuple[Run, ...]:
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


# Each compiles for seconds; these show what is most used.
QUICK = ("learning_rate", "seed_and_scale", "dropout", "patience")


@pytest.mark.parametrize("route", ["map", "vmap"])
@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in CASES]
)
def test_a_member_equals_the_run_alone(name: str, route: str) -> None:
    found = swept(name, route)
    assert sum("in one program" in note for note in found.notes) == CASES[name].programs
    same: Callable[[Run, Run], None] = assert_same if route == "map" else assert_close
    for member, alone in zip(found.members, members_alone(name), strict=True):
        same(member.run, alone)


@pytest.mark.parametrize("name", ["learning_rate", "dropout"])
def test_members_dispatched_one_by_one(name: str) -> None:
    for member, alone in zip(swept(name, "one by one").members, members_alone(name), strict=True):
        assert_same(member.run, alone)


def test_early_stopped_members_are_freed() -> None:
    """The program is compiled again for those that go on."""
    found = swept("patience", "map")
    lengths = [len(member.run.history) for member in found.members]
    assert min(lengths) < max(lengths)
    assert any(note.startswith("compiled training step again") for note in found.notes)


def test_a_member_that_diverges_leaves_the_others_alone() -> None:
    rates = {"learning_rate": [0.01, 1e38, 0.05]}
    base = experiment(optimizer="sgd")
    found = train.sweep(base, rates, route="map", **QUIET)
    assert [member.diverged for member in found.members] == [False, True, False]
    assert found.scores()[1] == float("inf")
    without = train.sweep(base, {"learning_rate": [0.01, 0.05]}, route="map", **QUIET)
    for member, other in zip((found.members[0], found.members[2]), without.members, strict=True):
        assert_same(member.run, other.run)


def test_what_does_not_fit_is_split_and_said() -> None:
    axes = {"learning_rate": [0.001, 0.01, 0.02, 0.03, 0.04]}
    whole = train.sweep(experiment(), axes, route="map", **QUIET)
    each = member_bytes(build_groups(build_members(experiment(), axes))[0])
    split = train.sweep(experiment(), axes, route="map", memory=2.5 * each, **QUIET)
    assert any("2 of 5 members at once, as more would not fit into memory" in note for note in split.notes)
    for member, other in zip(split.members, whole.members, strict=True):
        assert_same(member.run, other.run)


def test_a_score_of_which_more_is_better_is_bad_below() -> None:
    found = train.sweep(experiment(optimizer="sgd"), {"learning_rate": [0.01, 1e38]}, route="map", **QUIET)
    assert found.scores("accuracy")[1] == float("-inf") and found.scores("loss")[1] == float("inf")
    with pytest.raises(ConfigurationError, match="the members have no validation f1"):
        found.scores("f1")


def of_convolutions(seed: int) -> Experiment:
    digits = data.load("digits").take(range(60))
    arguments = {"in_shape": [8, 8, 1], "num_classes": 10, "channels": [4], "hidden": [8], "batch_norm": True}
    model = build("convolutional_network", arguments, stream(seed, "weights"))
    return experiment(
        model, train_data=digits, validation_data=digits, test_data=None, augment=data.Shift(1), seed=seed, epochs=2
    )


@pytest.mark.slow
def test_convolutions_go_one_by_one_on_a_cpu() -> None:
    found = train.sweep(of_convolutions, {"seed": [0, 1]}, **QUIET)
    assert any("one by one: convolutions are slow inside a loop" in note for note in found.notes)
    # The augmentation is another object of equal value each time.
    assert sum("in one program" in note for note in found.notes) == 1
    for member in found.members:
        assert_close(member.run, train.run(of_convolutions(member.number), **QUIET))


@pytest.mark.slow
def test_256_members_at_once() -> None:
    axes = {"learning_rate": np.geomspace(1e-4, 1, 64).tolist(), "seed": [0, 1, 2, 3]}
    found = train.sweep(experiment(optimizer="sgd"), axes, route="vmap", **QUIET)
    assert len(found.members) == 256
    for number in (0, 101, 255):
        member = found.members[number]
        alone = experiment(optimizer="sgd", **member.settings)
        assert_close(member.run, train.run(alone, **QUIET))


def test_rows_that_are_equal_are_held_once() -> None:
    def fresh(learning_rate: float) -> Experiment:
        parts = data.split(data.load("iris"), {"train": 0.8, "validation": 0.2}, seed=0)
        return experiment(
            learning_rate=Cosine(learning_rate, 12), train_data=parts[0], validation_data=parts[1], test_data=None
        )

    members = build_members(fresh, {"learning_rate": [0.1, 0.2, 0.3]})
    assert len({id(member.experiment.train_data) for member in members}) == 1
    assert len(build_groups(members)) == 1


BAD = {
    "unknown axis": ({"learning_rat": [0.1]}, {}, "did you mean 'learning_rate'?"),
    "twice": ({"learning_rate": [0.1, 0.1]}, {}, "none of them twice"),
    "empty": ({"learning_rate": []}, {}, "at least one value"),
    "no axis": ({}, {}, "does not span a sweep"),
    "negative": ({"learning_rate": [0.1, -0.1]}, {}, "in the member with learning_rate=-0.1"),
    "not a number": ({"learning_rate": [float("nan")]}, {}, "in the member with learning_rate=nan"),
    "seed": ({"seed": [0, -1]}, {}, "in the member with seed=-1"),
    "route": ({"learning_rate": [0.1]}, {"route": "vmop"}, "did you mean 'vmap'?"),
    "memory": ({"learning_rate": [0.1]}, {"memory": -1.0}, "memory"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_told_before_anything_is_written(name: str, tmp_path: Path) -> None:
    axes, options, message = BAD[name]
    with pytest.raises(ConfigurationError) as caught:
        train.sweep(experiment(), axes, run_dir=tmp_path / "sweep", **(QUIET | options))
    assert message in str(caught.value)
    assert not (tmp_path / "sweep").exists()


def test_a_source_that_fails_names_the_member() -> None:
    with pytest.raises(ConfigurationError, match="in the member with dropout=1.5, seed=0"):
        train.sweep(of_dropout, {"dropout": [0.1, 1.5], "seed": [0]}, **QUIET)
