"""Calibration in a run: which rows, what is written, and the coverage that is measured."""

from __future__ import annotations

import json
import math
from pathlib import Path

import jax
import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import make_classification

from pullback import models, train
from pullback.core.errors import ConfigurationError, DataError, RunFolderError
from pullback.data import Dataset
from pullback.prob import fewest_rows
from pullback.train.calibration import Calibration, calibrate, class_probabilities, with_coverage


def parts(inputs: np.ndarray, targets: np.ndarray, task: str, sizes: tuple[int, ...]) -> list[Dataset]:
    whole = Dataset(inputs.astype(np.float32), targets, task)
    limits = np.cumsum((0, *sizes))
    return [whole.take(np.arange(a, b)) for a, b in zip(limits[:-1], limits[1:], strict=True)]


@pytest.fixture(scope="module")
def classified(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Dataset]]:
    inputs, labels = make_classification(1499, 6, n_informative=4, n_classes=3, flip_y=0.1, random_state=0)
    sets = parts(inputs, labels, "classification", (300, 199, 1000))
    folder = tmp_path_factory.mktemp("runs") / "classes"
    arguments = {"in_shape": [6], "out_features": 3, "hidden": [8]}
    train.fit(
        models.build("multilayer_perceptron", arguments, jax.random.key(0)), sets[0], calibration_data=sets[1],
        test_data=sets[2], loss="categorical_cross_entropy", epochs=5, learning_rate=0.02, metrics=["accuracy"],
        run_dir=folder, progress=False,
    )  # fmt: skip
    return folder, sets


def test_bounds_follow_from_the_definition(classified: tuple[Path, list[Dataset]]) -> None:
    """The bound is the k-th smallest of 1 - p_y over the calibration rows, by a sort in float64."""
    folder, sets = classified
    loaded = train.load(folder)
    assert loaded.calibration is not None
    outputs = train.predict(loaded.model, sets[1].inputs)
    weights = np.exp(outputs.astype(np.float64))
    chance = weights / weights.sum(axis=1, keepdims=True)
    scores = np.sort(1 - chance[np.arange(199), sets[1].targets])
    for level, rank in {0.8: 160, 0.9: 180, 0.95: 190}.items():
        bound = loaded.calibration.bound(level)
        assert bound.rank == rank
        assert bound.quantile[0] == pytest.approx(scores[rank - 1], rel=1e-5)


def test_coverage_on_held_out_rows_keeps_its_band(classified: tuple[Path, list[Dataset]]) -> None:
    folder, _ = classified
    record = json.loads((folder / "calibration.json").read_text())
    assert (record["n"], record["split"], record["method"]) == (199, "test", "split conformal")
    for bound in record["bounds"]:
        found = bound["coverage"]["found"]
        low, high = scipy.stats.betabinom(1000, bound["rank"], 200 - bound["rank"]).ppf([0.005, 0.995]) / 1000
        assert bound["coverage"]["expected"] == [low, high]
        assert low <= found["value"] <= high
        assert found["n"] == 1000 and found["lower"] < found["value"] < found["upper"]
        assert 1 <= bound["coverage"]["size"] <= 3


def test_calibration_rows_are_kept_and_hashed_like_the_others(classified: tuple[Path, list[Dataset]]) -> None:
    folder, sets = classified
    about = json.loads((folder / "config.json").read_text())["data"]
    assert about["sizes"] == {"train": 300, "test": 1000, "calibration": 199}
    assert set(about["sha256"]) == {"train", "test", "calibration"}
    with np.load(folder / "data" / "calibration.npz") as kept:
        assert (kept["inputs"] == sets[1].inputs).all() and (kept["indices"] == sets[1].indices).all()


def test_calibration_changes_nothing_else(classified: tuple[Path, list[Dataset]], tmp_path: Path) -> None:
    folder, sets = classified
    arguments = {"in_shape": [6], "out_features": 3, "hidden": [8]}
    train.fit(
        models.build("multilayer_perceptron", arguments, jax.random.key(0)), sets[0], test_data=sets[2],
        loss="categorical_cross_entropy", epochs=5, learning_rate=0.02, metrics=["accuracy"],
        run_dir=tmp_path / "without", progress=False,
    )  # fmt: skip
    assert (tmp_path / "without" / "metrics.jsonl").read_bytes() == (folder / "metrics.jsonl").read_bytes()
    assert not (tmp_path / "without" / "calibration.json").exists()


def test_a_resumed_run_writes_the_same_bytes(classified: tuple[Path, list[Dataset]]) -> None:
    folder, _ = classified
    before = (folder / "calibration.json").read_bytes()
    (folder / "calibration.json").unlink()
    train.resume(folder, progress=False)
    assert (folder / "calibration.json").read_bytes() == before


@pytest.mark.parametrize("outputs", [1, 2])
def test_regression_intervals_have_the_quantile_as_half_width(outputs: int) -> None:
    random = np.random.default_rng(0)
    predicted, residual = random.normal(size=(2, 99, outputs))
    calibration = calibrate(predicted, predicted + residual, "regression")
    lower, upper = calibration.intervals(predicted, 0.9)
    np.testing.assert_allclose((upper - lower) / 2, np.tile(np.sort(abs(residual), axis=0)[89], (99, 1)), rtol=1e-12)
    fresh = random.normal(size=(2, 2000, outputs))
    measured = with_coverage(calibration, fresh[0], fresh[0] + fresh[1], "test").bound(0.9).coverage
    assert measured is not None
    assert measured.expected[0] <= measured.found.value <= measured.expected[1]
    assert measured.found.n == 2000


def test_too_few_rows_give_no_bound() -> None:
    calibration = calibrate(np.zeros(5), np.ones(5), "regression")
    assert [bound.quantile[0] for bound in calibration.bounds] == [1.0, math.inf, math.inf]
    assert Calibration.from_json(json.loads(json.dumps(calibration.to_json(), allow_nan=False))) == calibration


def test_probabilities_of_one_and_of_many_logits() -> None:
    logit = np.array([-800.0, 0.0, 3.0, 800.0])
    two = class_probabilities(np.stack([np.zeros(4), logit], axis=1))
    np.testing.assert_allclose(class_probabilities(logit[:, None]), two, rtol=1e-15)
    np.testing.assert_allclose(class_probabilities(logit), two, rtol=1e-15)


@given(st.integers(1, 60), st.integers(1, 99))
def test_any_level_has_the_score_of_its_rank(rows: int, percent: int) -> None:
    """The k-th smallest score, k = ceil((n + 1) level) in whole numbers; none is needed beyond `fewest_rows`."""
    residuals = np.random.default_rng(rows).normal(size=(rows, 2))
    calibration = calibrate(np.zeros((rows, 2)), residuals, "regression")
    again = Calibration.from_json(json.loads(json.dumps(calibration.to_json(), allow_nan=False)))
    rank = -(-(rows + 1) * percent // 100)
    expected = np.sort(abs(residuals), axis=0)[rank - 1] if rank <= rows else [math.inf, math.inf]
    assert again.bound(percent / 100).quantile == tuple(expected)
    assert (rows >= fewest_rows(percent / 100)) == (rank <= rows)


def test_of_many_rows_a_score_just_above_the_rank_is_kept() -> None:
    residuals = np.arange(1, 100_001) / 100_000
    calibration = calibrate(np.zeros(100_000), np.random.default_rng(0).permutation(residuals), "regression")
    assert len(calibration.ranks) == len(calibration.scores[0]) == 10_000 and calibration.ranks[-1] == 100_000
    for level in (0.123, 0.55, 0.99, 0.9999):
        bound = calibration.bound(level).quantile[0]
        assert level <= bound <= level + 2e-4


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0, -0.5, math.nan])
def test_a_level_is_between_zero_and_one(level: float) -> None:
    with pytest.raises(ConfigurationError, match="level"):
        calibrate(np.zeros(9), np.ones(9), "regression").bound(level)


@pytest.mark.parametrize("record", [{}, [], {"format": 2}, {"format": 1, "score": "other"}, None])
def test_a_damaged_calibration_is_refused(record: object) -> None:
    with pytest.raises(RunFolderError, match=r"calibration\.json"):
        Calibration.from_json(record)


def test_calibration_data_are_checked_before_training(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    inputs, targets = random.normal(size=(20, 3)).astype(np.float32), random.integers(0, 2, 20)
    model = models.build("multilayer_perceptron", {"in_shape": [3], "out_features": 2}, jax.random.key(0))
    rows = (inputs, targets)
    common = {"loss": "categorical_cross_entropy", "run_dir": tmp_path / "run", "progress": False}
    with pytest.raises(ConfigurationError, match="calibration data are the train data"):
        train.fit(model, rows, calibration_data=rows, **common)
    with pytest.raises(DataError, match="class"):
        train.fit(model, rows, calibration_data=(inputs, targets + 5), **common)
    assert not (tmp_path / "run").exists()
