"""A run that is killed and resumed equals one that was not, to the last bit."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pullback.testing.killed_processes import assert_same_run, stop_and_resume, undisturbed

SCRIPT = Path(__file__).with_name("training_process.py")


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, float]]:
    return undisturbed(SCRIPT, tmp_path_factory.mktemp)


@pytest.mark.parametrize(
    ("kind", "share"),
    [
        pytest.param("perceptron", 0.3, marks=pytest.mark.slow),
        ("convolutional", 0.7),
        pytest.param("lbfgs", 0.4, marks=pytest.mark.slow),
        pytest.param("convolutional", 0.15, marks=pytest.mark.slow),
        pytest.param("sharpness-aware", 0.5, marks=pytest.mark.slow),
        pytest.param("watched", 0.5, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_killed_run_resumes_bit_identical(
    kind: str, share: float, uninterrupted: Callable[[str], tuple[Path, float]], tmp_path: Path
) -> None:
    expected, seconds = uninterrupted(kind)
    stop_and_resume(SCRIPT, kind, tmp_path / "run", share * seconds)
    assert_same_run(tmp_path / "run", expected)


@pytest.mark.slow
@pytest.mark.parametrize("trial", range(20))
def test_killed_at_random_moments(
    trial: int, uninterrupted: Callable[[str], tuple[Path, float]], tmp_path: Path
) -> None:
    kind = "convolutional" if trial % 2 else "perceptron"
    expected, seconds = uninterrupted(kind)
    stop_and_resume(SCRIPT, kind, tmp_path / "run", float(np.random.default_rng(trial).uniform(0, seconds)))
    assert_same_run(tmp_path / "run", expected)


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)], ids=lambda number: number.name
)
def test_signal_finishes_the_step_saves_and_exits_with_75(
    number: signal.Signals, uninterrupted: Callable[[str], tuple[Path, float]], tmp_path: Path
) -> None:
    expected, seconds = uninterrupted("convolutional")
    code, errors = stop_and_resume(SCRIPT, "convolutional", tmp_path / "run", 0.2 * seconds, number)
    assert code == 75, errors.decode()
    assert b"the state is saved" in errors
    assert_same_run(tmp_path / "run", expected)
