"""Runs that go back to a good state at half the rate, against the largest rate that gradient descent allows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pullback import nn, train
from pullback.core.errors import ConfigurationError, NonFiniteError
from pullback.optim import SharpnessAware, sgd
from pullback.optim.schedules import Plateau
from pullback.report.folder_reader import read_run_folder
from pullback.train import Experiment, epochs
from pullback.train.log import read_log

_random = np.random.default_rng(3)
ROWS = _random.standard_normal((40, 3)).astype(np.float32)
TARGETS = (ROWS @ np.array([[1.0], [-2.0], [0.5]]) + 0.1 * _random.standard_normal((40, 1))).astype(np.float32)
_WITH_BIAS = np.hstack([ROWS, np.ones((40, 1))])
# The mean of squares has the Hessian 2/n X'X, and descent on it diverges from 2/L on.
LIMIT = 2 / np.linalg.eigvalsh(2 / 40 * _WITH_BIAS.T @ _WITH_BIAS)[-1]
SMALLEST = np.mean((TARGETS - _WITH_BIAS @ np.linalg.lstsq(_WITH_BIAS, TARGETS)[0]) ** 2)


def experiment(**changes: Any) -> Experiment:
    start = Experiment(
        model=nn.Linear(3, 1, key=jax.random.key(0)),
        train_data=(ROWS, TARGETS),
        loss="squared_error",
        optimizer="sgd",
        epochs=90,
        batch_size=40,
        on_non_finite="restart",
    )
    return replace(start, **changes)


def run(folder: Path | None = None, **changes: Any) -> train.Run:
    return train.run(experiment(**changes), run_dir=folder, progress=False)


@pytest.mark.parametrize(("times", "restarts", "validated"), [(0.9, 0, True), (3.0, 2, False), (7.0, 3, True)])
def test_the_rate_is_halved_until_descent_converges(times: float, restarts: int, validated: bool) -> None:
    rate = float(times * LIMIT)
    changes: dict[str, Any] = {"validation_data": (ROWS, TARGETS)} if validated else {}
    found = run(learning_rate=rate, epochs=220, **changes)
    assert len(found.notes) == restarts
    assert found.history[-1]["learning_rate"] == pytest.approx(rate / 2**restarts, rel=1e-6)
    assert [record["epoch"] for record in found.history] == list(range(1, 221))
    assert found.history[-1]["train"]["loss"] == pytest.approx(SMALLEST, rel=1e-4)


def spike(step: Any) -> jax.Array:
    """A good rate but for a while."""
    return jnp.where((step >= 30) & (step < 150), jnp.float32(3 * LIMIT), jnp.float32(0.2 * LIMIT))


@pytest.mark.parametrize("optimizer", ["sgd", pytest.param("momentum", marks=pytest.mark.slow)])
def test_a_run_recovers_from_a_spike_of_the_rate(optimizer: str, tmp_path: Path) -> None:
    found = run(
        tmp_path / "run", optimizer=optimizer, learning_rate=spike, epochs=500, validation_data=(ROWS, TARGETS),
        optimizer_arguments={"momentum": 0.3} if optimizer == "momentum" else {}, max_restarts=4,
    )  # fmt: skip
    log = list(read_log(tmp_path / "run" / "metrics.jsonl"))
    told = [record for record in log if record["event"] == "restart"]
    assert len(told) == len(found.notes) > 0
    assert all("half the learning rate" in note for note in found.notes)
    # Back to before the spike, not to the start.
    assert all(record["after"] > 10 for record in told)
    assert found.history[-1]["train"]["loss"] == pytest.approx(SMALLEST, rel=1e-4)
    assert found.history[-1]["learning_rate"] == pytest.approx(0.2 * LIMIT / 2 ** len(told), rel=1e-6)
    shown = read_run_folder(tmp_path / "run").epochs
    assert [epoch.epoch for epoch in shown] == [record["epoch"] for record in found.history] == list(range(1, 501))


def test_a_rate_on_a_plateau_is_halved_too() -> None:
    found = run(
        learning_rate=Plateau(float(1.5 * LIMIT), factor=0.5, patience=300), epochs=220, validation_data=(ROWS, TARGETS)
    )
    assert len(found.notes) == 1
    assert found.history[-1]["learning_rate"] == pytest.approx(0.75 * LIMIT, rel=1e-6)


def test_after_the_last_restart_the_error_says_where_it_comes_from() -> None:
    with pytest.raises(NonFiniteError) as caught:
        run(learning_rate=float(100 * LIMIT), max_restarts=2)
    assert caught.value.run is not None
    assert len(caught.value.run.notes) == 2
    # What is handed back is finite: the state just before the last failing update.
    assert np.isfinite(caught.value.run.model.weight).all()


def test_on_a_path_without_failure_nothing_differs() -> None:
    settings: dict[str, Any] = {"optimizer": "adam", "learning_rate": 0.01, "epochs": 5, "batch_size": 16}
    given, plain = run(**settings), run(**settings, on_non_finite="stop")
    np.testing.assert_array_equal(given.model.weight, plain.model.weight)
    assert given.history == plain.history


class Crash(Exception):
    """What ends the process, as far as the run can know."""


@pytest.mark.parametrize(
    "moment", [pytest.param(20, marks=pytest.mark.slow), 45, pytest.param(110, marks=pytest.mark.slow)]
)
def test_a_run_that_ends_between_restarts_goes_on_exactly(
    moment: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    described = experiment(learning_rate=float(3 * LIMIT), validation_data=(ROWS, TARGETS))
    whole = train.run(described, run_dir=tmp_path / "whole", progress=False)
    assert len(whole.notes) == 2
    closed, left = epochs.close_epoch, [moment]

    def close_epoch(*arguments: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Crash
        closed(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(epochs, "close_epoch", close_epoch)
        with pytest.raises(Crash):
            train.run(described, run_dir=tmp_path / "run", checkpoint_seconds=0.0, progress=False)
    going_on = train.resume_run(described, tmp_path / "run", progress=False)
    assert going_on.history == whole.history
    np.testing.assert_array_equal(going_on.model.weight, whole.model.weight)
    assert (tmp_path / "run" / "metrics.jsonl").read_bytes() == (tmp_path / "whole" / "metrics.jsonl").read_bytes()


def test_the_folder_knows_that_the_run_may_restart(tmp_path: Path) -> None:
    found = run(tmp_path / "run", learning_rate=float(1.5 * LIMIT), validation_data=(ROWS, TARGETS))
    again = train.resume(tmp_path / "run", nn.Linear(3, 1, key=jax.random.key(9)), progress=False)
    assert again.history == found.history


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"on_non_finite": "retry"}, "unknown on_non_finite"),
        ({"max_restarts": 0}, "max_restarts"),
        ({"optimizer": sgd(0.1)}, "does not find in this optimizer"),
        ({"optimizer": SharpnessAware(sgd(0.1))}, "does not find in this optimizer"),
        ({"optimizer": "sam"}, "does not find in this optimizer"),
    ],
)
def test_what_cannot_restart_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        run(**changes)
