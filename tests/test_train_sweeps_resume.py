"""A sweep that is killed and resumed equals one that was not, to the last bit; its members are runs like others."""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
import time
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
from pullback.train import Experiment
from pullback.train.checkpoint import load_checkpoint

SCRIPT = Path(__file__).with_name("sweep_process.py")


def start(route: str, folder: Path, *more: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(SCRIPT), route, str(folder), *more]
    environment = os.environ | {"JAX_PLATFORMS": "cpu", "PYTHONPATH": str(SCRIPT.parent.parent)}
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)


def finish(process: subprocess.Popen[bytes]) -> None:
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors.decode()


def wait_for_training(folder: Path, process: subprocess.Popen[bytes]) -> None:
    """Until the first epochs are logged."""
    log = folder / "metrics.jsonl"
    deadline = time.monotonic() + 200
    while not (log.is_file() and b'"epoch"' in log.read_bytes()):
        if process.poll() is not None:
            pytest.fail(process.communicate()[1].decode())
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, float]]:
    """Folder of a sweep that nobody disturbed, and how long it trained."""

    @functools.cache
    def run(route: str) -> tuple[Path, float]:
        folder = tmp_path_factory.mktemp("whole") / route
        process = start(route, folder)
        wait_for_training(folder, process)
        began = time.monotonic()
        finish(process)
        return folder, time.monotonic() - began

    return run


def assert_same_result(folder: Path, expected: Path) -> None:
    assert (folder / "metrics.jsonl").read_bytes() == (expected / "metrics.jsonl").read_bytes()
    members = sorted(path.name for path in (expected / "members").iterdir())
    assert members == sorted(path.name for path in (folder / "members").iterdir()) and len(members) == 8
    for name in members:
        assert_same_member(folder / "members" / name, expected / "members" / name)


def assert_same_member(folder: Path, expected: Path) -> None:
    assert (folder / "metrics.jsonl").read_bytes() == (expected / "metrics.jsonl").read_bytes()
    got, want = (load_checkpoint(path / "checkpoints")[0] for path in (folder, expected))
    assert got.position == want.position and got.arrays.keys() == want.arrays.keys()
    for name, array in want.arrays.items():
        assert got.arrays[name].tobytes() == array.tobytes(), name
    with np.load(folder / "predictions.npz") as a, np.load(expected / "predictions.npz") as b:
        for name in b.files:
            assert a[name].tobytes() == b[name].tobytes(), name


def stop_and_resume(route: str, folder: Path, seconds: float, number: signal.Signals) -> int:
    process = start(route, folder)
    wait_for_training(folder, process)
    time.sleep(seconds)
    process.send_signal(number)
    process.communicate(timeout=60)
    finish(start(route, folder, "resume"))
    return process.returncode


@pytest.mark.parametrize("route", ["map", pytest.param("vmap", marks=pytest.mark.slow)])
def test_a_killed_sweep_resumes_bit_identical(
    route: str, uninterrupted: Callable[[str], tuple[Path, float]], tmp_path: Path
) -> None:
    expected, seconds = uninterrupted(route)
    stop_and_resume(route, tmp_path / "sweep", 0.4 * seconds, signal.SIGKILL)
    assert_same_result(tmp_path / "sweep", expected)


@pytest.mark.slow
@pytest.mark.parametrize("trial", range(10))
def test_killed_at_random_moments(
    trial: int, uninterrupted: Callable[[str], tuple[Path, float]], tmp_path: Path
) -> None:
    route = ("map", "vmap")[trial % 2]
    expected, seconds = uninterrupted(route)
    moment = float(np.random.default_rng(trial).uniform(0, seconds))
    stop_and_resume(route, tmp_path / "sweep", moment, signal.SIGKILL)
    assert_same_result(tmp_path / "sweep", expected)


@pytest.mark.slow
def test_a_signal_saves_and_exits_with_75(uninterrupted: Callable[[str], tuple[Path, float]], tmp_path: Path) -> None:
    expected, seconds = uninterrupted("map")
    assert stop_and_resume("map", tmp_path / "sweep", 0.3 * seconds, signal.SIGINT) == 75
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
