"""Loading a trained model: the weights training handed back, on any machine, without running code."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from pullback import data, models, nn, train
from pullback.core.errors import CheckpointError, ConfigurationError, DataError, RunFolderError
from pullback.train import Experiment, Run

IRIS = data.split(data.load("iris"), {"train": 0.6, "validation": 0.2, "test": 0.2}, seed=0)
STANDARDIZE = data.Standardize.fit(IRIS[0])


def iris_run(folder: Path, **settings: Any) -> Run:
    training, validation, test = (STANDARDIZE(part) for part in IRIS)
    given = {"validation_data": validation, "test_data": test, "epochs": 6, "learning_rate": 0.05} | settings
    arguments = {"in_shape": [4], "out_features": 3, "hidden": [8]}
    model = models.build("multilayer_perceptron", arguments, jax.random.key(0))
    experiment = Experiment(
        model=model, train_data=training, loss="categorical_cross_entropy", preprocessing=(STANDARDIZE,), **given
    )
    return train.run(experiment, run_dir=folder, progress=False)


@pytest.mark.parametrize(
    "settings",
    [{}, {"validation_data": None}, {"validation_data": None, "ema_decay": 0.9}, {"ema_decay": 0.9}],
    ids=["best", "last", "average", "best average"],
)
def test_weights_are_those_that_training_handed_back(settings: dict[str, Any], tmp_path: Path) -> None:
    run = iris_run(tmp_path / "run", **settings)
    loaded = train.load(tmp_path / "run")
    for ours, theirs in zip(jax.tree.leaves(loaded.model), jax.tree.leaves(run.model), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert loaded.preprocessing == (STANDARDIZE,)
    assert loaded.config["settings"]["epochs"] == 6 and loaded.calibration is None and loaded.notes == ()


def test_memory_of_batch_normalization_is_loaded(tmp_path: Path) -> None:
    digits = data.load("digits").take(range(200))
    arguments = {"in_shape": [8, 8, 1], "num_classes": 10, "channels": [4], "batch_norm": True}
    model = models.build("convolutional_network", arguments, jax.random.key(0))
    loss = "categorical_cross_entropy"
    run = train.fit(model, digits, loss=loss, epochs=2, run_dir=tmp_path / "run", progress=False)
    loaded = train.load(tmp_path / "run")
    expected = train.predict(run.model, digits.inputs, run.state)
    np.testing.assert_array_equal(train.predict(loaded.model, digits.inputs, loaded.state), expected)


def test_a_copy_without_data_is_enough_and_stays_as_it_is(tmp_path: Path) -> None:
    run = iris_run(tmp_path / "run")
    for name in ("data", "predictions.npz", "metrics.jsonl", "timing.jsonl", "lock"):
        target = tmp_path / "run" / name
        shutil.rmtree(target) if target.is_dir() else target.unlink()
    shutil.move(tmp_path / "run", tmp_path / "elsewhere")
    before = {file: file.read_bytes() for file in (tmp_path / "elsewhere").rglob("*") if file.is_file()}
    loaded = train.load(tmp_path / "elsewhere")
    inputs = STANDARDIZE(IRIS[2]).inputs
    np.testing.assert_array_equal(train.predict(loaded.model, inputs), train.predict(run.model, inputs))
    assert {file: file.read_bytes() for file in (tmp_path / "elsewhere").rglob("*") if file.is_file()} == before


def test_a_model_of_the_caller_must_be_passed_and_fit(tmp_path: Path) -> None:
    model = nn.Linear(4, 3, key=jax.random.key(1))
    run = train.fit(
        model, IRIS[0], loss="categorical_cross_entropy", epochs=1, run_dir=tmp_path / "run", progress=False
    )
    with pytest.raises(ConfigurationError, match="passed in by the caller"):
        train.load(tmp_path / "run")
    loaded = train.load(tmp_path / "run", nn.Linear(4, 3, key=jax.random.key(9)))
    np.testing.assert_array_equal(loaded.model.weight, run.model.weight)
    with pytest.raises(CheckpointError, match="does not fit"):
        train.load(tmp_path / "run", nn.Linear(4, 2, key=jax.random.key(9)))


def test_a_damaged_checkpoint_is_passed_over_and_none_left_is_said(tmp_path: Path) -> None:
    iris_run(tmp_path / "run")
    newest, *older = sorted((tmp_path / "run" / "checkpoints").iterdir(), reverse=True)
    state = newest / "state.safetensors"
    state.write_bytes(state.read_bytes()[:-8] + b"\0" * 8)
    if older:
        assert "damaged" in train.load(tmp_path / "run").notes[0]
        shutil.rmtree(older[0])
    with pytest.raises(CheckpointError, match="no checkpoint"):
        train.load(tmp_path / "run")


class Exploding:
    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("code of the folder was run",))


def test_nothing_in_the_folder_runs(tmp_path: Path) -> None:
    """Pickles in the place of every file, and an architecture that names a function elsewhere."""
    iris_run(tmp_path / "run")
    for file in [f for f in (tmp_path / "run").rglob("*") if f.is_file()]:
        copy = tmp_path / "copy"
        shutil.copytree(tmp_path / "run", copy)
        (copy / file.relative_to(tmp_path / "run")).write_bytes(pickle.dumps(Exploding()))
        try:
            train.load(copy)
        except (RunFolderError, CheckpointError, DataError):
            pass
        shutil.rmtree(copy)
    record = json.loads((tmp_path / "run" / "model.json").read_text()) | {"architecture": "os.system"}
    (tmp_path / "run" / "model.json").write_text(json.dumps(record))
    with pytest.raises(ConfigurationError, match="unknown architecture"):
        train.load(tmp_path / "run")


def test_no_run_folder(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="not a run folder"):
        train.load(tmp_path / "nothing")
