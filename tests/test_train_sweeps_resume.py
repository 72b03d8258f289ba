"""A sweep that is killed and resumed equals one that was not, to the last bit; its members are runs like others."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest
from sweep_process import AXES, source

from pullback import train
from pullback.core.errors import ConfigurationError, RunFolderError
from pullback.data import Dataset
from pullback.models import build
from pullback.testing.killed_processes import assert_same_run, stop_and_resume, undisturbed
from pullback.train import Experiment

SCRIPT = Path(__file__).with_name("sweep_process.py")


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, float]]:
    return undisturbed(SCRIPT, tmp_path_factory.mktemp)


def assert_same_result(folder: Path, expected: Path) -> None:
    assert (folder / "metrics.jsonl").read_bytes() == (expected / "metrics.jsonl").read_bytes()
    members = sorted(path.name for path in (expected / "members").iterdir())
    assert members == sorted(path.name for path in (folder / "members").iterdir()) and len(members) in (8, 256)
    for name in members:
        assert_same_run(folder / "members" / name, expected / "members" / name)


SLOW = [pytest.param(route, marks=pytest.mark.slow) for route in ("vmap", "auto-many")]


@pytest.mark.parametrize("route", ["map", *SLOW])
def test_a_killed_sweep_resumes_bit_identical(
    route: str, uninterrupted: Callable[[str], tuple[Path, float]], tmp_path: Path
) -> None:
    expected, seconds = uninterrupted(route)
    stop_and_resume(SCRIPT, route, tmp_path / "sweep", 0.4 * seconds)
    assert_same_result(tmp_path / "sweep", expected)


@pytest.mark.slow
@pytest.mark.parametrize("trial", range(10))
def test_killed_at_random_moments(
    trial: int, uninterrupted: Callable[[str], tuple[Path, float]], tmp_path: Path
) -> None:
    route = ("map", "vmap")[trial % 2]
    expected, seconds = uninterrupted(route)
    moment = float(np.random.default_rng(trial).uniform(0, seconds))
    stop_and_resume(SCRIPT, route, tmp_path / "sweep", moment)
    assert_same_result(tmp_path / "sweep", expected)


@pytest.mark.slow
def test_a_signal_saves_and_exits_with_75(uninterrupted: Callable[[str], tuple[Path, float]], tmp_path: Path) -> None:
    expected, seconds = uninterrupted("map")
    code, errors = stop_and_resume(SCRIPT, "map", tmp_path / "sweep", 0.3 * seconds, signal.SIGINT)
    assert code == 75, errors.decode()
    assert_same_result(tmp_path / "sweep", expected)


def test_a_member_is_the_run_of_its_experiment(
    uninterrupted: Callable[[str], tuple[Path, float]], tmp_path: Path
) -> None:
    folder, _ = uninterrupted("map")
    number = list(AXES["learning_rate"]).index(3e-3) * len(AXES["seed"]) + 1
    alone = train.run(source(3e-3, 1), run_dir=tmp_path / "alone", progress=False)
    member = folder / "members" / str(number)
    with np.load(member / "predictions.npz") as a, np.load(tmp_path / "alone" / "predictions.npz") as b:
        assert a["outputs"].tobytes() == b["outputs"].tobytes()
    logged = [json.loads(line) for line in (member / "metrics.jsonl").read_text().splitlines()]
    assert [line for line in logged if line["event"] == "epoch"] == list(alone.history)
    rows = source(3e-3, 1).test_data
    assert isinstance(rows, Dataset)
    got, expected = (train.load(path) for path in (member, tmp_path / "alone"))
    outputs = [train.predict(each.model, rows.inputs, each.state) for each in (got, expected)]
    np.testing.assert_array_equal(*outputs)


def test_only_the_source_of_a_sweep_resumes_it(
    uninterrupted: Callable[[str], tuple[Path, float]], tmp_path: Path
) -> None:
    folder, _ = uninterrupted("map")

    def other_rows(learning_rate: float, seed: int) -> Experiment:
        return source(learning_rate, seed, rows=301)

    def other_model(learning_rate: float, seed: int) -> Experiment:
        made = source(learning_rate, seed)
        arguments = {"in_shape": [8, 8, 1], "out_features": 10, "hidden": [64]}
        return replace(made, model=build("multilayer_perceptron", arguments, jax.random.key(9)))

    for other in (other_rows, other_model):
        with pytest.raises(ConfigurationError, match="does not make the members of this sweep"):
            train.resume_sweep(other, folder, progress=False)
    with pytest.raises(RunFolderError, match="is not empty"):
        train.sweep(source, AXES, run_dir=folder, progress=False)
    with pytest.raises(RunFolderError, match="is the folder of one run"):
        train.resume_sweep(source, folder / "members" / "0", progress=False)


def test_a_finished_sweep_is_read_again(uninterrupted: Callable[[str], tuple[Path, float]]) -> None:
    folder, _ = uninterrupted("map")
    before = (folder / "metrics.jsonl").read_bytes()
    found = train.resume_sweep(source, folder, progress=False)
    assert (folder / "metrics.jsonl").read_bytes() == before
    logged = [json.loads(line) for line in before.splitlines()]
    epochs = [line for line in logged if line["event"] == "epoch"]
    assert sum(len(member.run.history) for member in found.members) == len(epochs)
    assert [member.run.evaluation["accuracy"]["n"] for member in found.members] == [60] * 8
