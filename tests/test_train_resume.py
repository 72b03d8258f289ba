"""A run that is killed and resumed equals one that was not, to the last bit."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pullback.train.checkpoint import load_checkpoint

SCRIPT = Path(__file__).with_name("training_process.py")


def start(kind: str, folder: Path, *more: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {"JAX_PLATFORMS": "cpu"}
    command = [sys.executable, str(SCRIPT), kind, str(folder), *more]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)


def finish(process: subprocess.Popen[bytes]) -> None:
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors.decode()


def wait_for_training(folder: Path, process: subprocess.Popen[bytes]) -> None:
    """Until the first epoch is logged."""
    log = folder / "metrics.jsonl"
    deadline = time.monotonic() + 120
    while not (log.is_file() and log.stat().st_size):
        if process.poll() is not None:
            pytest.fail(process.communicate()[1].decode())
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, float]]:
    """Folder of a run of this kind that nobody disturbed, and how long it trained."""

    @functools.cache
    def run(kind: str) -> tuple[Path, float]:
        folder = tmp_path_factory.mktemp("whole") / kind
        process = start(kind, folder)
        wait_for_training(folder, process)
        began = time.monotonic()
        finish(process)
        return folder, time.monotonic() - began

    return run


def assert_same_result(folder: Path, expected: Path) -> None:
    assert (folder / "metrics.jsonl").read_bytes() == (expected / "metrics.jsonl").read_bytes()
    got, _ = load_checkpoint(folder / "checkpoints")
    want, _ = load_checkpoint(expected / "checkpoints")
    assert got.position == want.position
    assert got.arrays.keys() == want.arrays.keys()
    for name, array in want.arrays.items():
        assert got.arrays[name].tobytes() == array.tobytes(), name
    with np.load(folder / "predictions.npz") as a, np.load(expected / "predictions.npz") as b:
        for name in b.files:
            assert a[name].tobytes() == b[name].tobytes(), name


def kill_and_resume(kind: str, folder: Path, seconds: float) -> None:
    process = start(kind, folder)
    wait_for_training(folder, process)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    finish(start(kind, folder, "resume"))


@pytest.mark.parametrize(
    ("kind", "share"),
    [
        ("perceptron", 0.3),
        ("convolutional", 0.7),
        ("lbfgs", 0.4),
        pytest.param("convolutional", 0.15, marks=pytest.mark.slow),
        pytest.param("sharpness-aware", 0.5, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_killed_run_resumes_bit_identical(
    kind: str, share: float, uninterrupted: Callable[[str], tuple[Path, float]], tmp_path: Path
) -> None:
    expected, seconds = uninterrupted(kind)
    kill_and_resume(kind, tmp_path / "run", share * seconds)
    assert_same_result(tmp_path / "run", expected)


@pytest.mark.slow
@pytest.mark.parametrize("trial", range(20))
def test_killed_at_random_moments(
    trial: int, uninterrupted: Callable[[str], tuple[Path, float]], tmp_path: Path
) -> None:
    kind = "convolutional" if trial % 2 else "perceptron"
    expected, seconds = uninterrupted(kind)
    kill_and_resume(kind, tmp_path / "run", float(np.random.default_rng(trial).uniform(0, seconds)))
    assert_same_result(tmp_path / "run", expected)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_signal_finishes_the_step_saves_and_exits_with_75(
    number: signal.Signals, uninterrupted: Callable[[str], tuple[Path, float]], tmp_path: Path
) -> None:
    expected, seconds = uninterrupted("convolutional")
    process = start("convolutional", tmp_path / "run")
    wait_for_training(tmp_path / "run", process)
    time.sleep(0.2 * seconds)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 75, errors.decode()
    assert b"the state is saved" in errors
    finish(start("convolutional", tmp_path / "run", "resume"))
    assert_same_result(tmp_path / "run", expected)
