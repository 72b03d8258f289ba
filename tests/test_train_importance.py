"""Importance, partial dependence and the exploration of the data, against scikit-learn, pandas and closed forms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.inspection import partial_dependence as sklearn_dependence
from sklearn.inspection import permutation_importance as sklearn_importance
from sklearn.linear_model import LinearRegression

from pullback import data, models, train
from pullback.data import Dataset, Standardize, TablePreprocessing
from pullback.train import Experiment
from pullback.train.exploration import class_images, exploration
from pullback.train.importance import Evaluate, explanations, partial_dependence
from pullback.train.table_features import table_features

WEIGHTS = np.array([3.0, -2.0, 0.0])


def regression_rows(rows: int, seed: int) -> Dataset:
    random = np.random.default_rng(seed)
    inputs = random.normal(size=(rows, 3))
    return Dataset(inputs, inputs @ WEIGHTS + random.normal(0, 0.5, rows), "regression")


def evaluate_by(model: Any) -> Evaluate:
    return lambda inputs, targets: (model.predict(inputs)[:, None], (model.predict(inputs) - targets) ** 2)


def test_importance_of_a_linear_model_is_twice_its_variance() -> None:
    """For independent columns and squared error the loss rises by 2 w^2 Var(x)."""
    rows = regression_rows(500, 0)
    model = LinearRegression().fit(rows.inputs, rows.targets)
    found = explanations(evaluate_by(model), rows, table_features(rows, ()), seed=0)
    assert found is not None
    by_name = {entry["column"]: entry for entry in found["importance"]}
    theirs: Any = sklearn_importance(
        model, rows.inputs, rows.targets, scoring="neg_mean_squared_error", n_repeats=20, random_state=0
    )
    for place, expected in enumerate(2 * model.coef_**2 * rows.inputs.var(axis=0)):
        entry = by_name[f"feature {place}"]
        assert entry["lower"] - 0.02 <= expected <= entry["upper"] + 0.02
        assert entry["value"] == pytest.approx(theirs.importances_mean[place], rel=0.1, abs=0.02)
    assert [entry["column"] for entry in found["importance"]] == ["feature 0", "feature 1", "feature 2"]


def test_partial_dependence_equals_scikit_learn() -> None:
    rows = regression_rows(60, 1)
    inputs = rows.inputs + 0.3 * rows.inputs[:, [1, 2, 0]] ** 2
    model = LinearRegression().fit(inputs, rows.targets)
    given = Dataset(inputs, rows.targets, "regression")
    for place, feature in enumerate(table_features(given, ())):
        ours = partial_dependence(evaluate_by(model), given, feature)
        grid = np.array(ours["values"])
        theirs: Any = sklearn_dependence(model, inputs, [place], custom_values={place: grid}, method="brute")
        np.testing.assert_allclose(ours["curves"][0]["value"], theirs["average"][0], rtol=1e-10)
        # Without interactions every row moves alike, so the interval has no width.
        np.testing.assert_allclose(ours["curves"][0]["lower"], theirs["average"][0], rtol=1e-6)


@pytest.fixture(scope="module")
def mixed() -> tuple[TablePreprocessing, Dataset, pd.DataFrame]:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "size": random.normal(10, 3, 300),
            "color": random.choice(["red", "green", "blue"], 300),
            "town": random.choice([f"town {k:02}" for k in range(20)], 300),
            "owned": random.choice([True, False], 300),
        }
    )
    frame.loc[random.choice(300, 30, replace=False), "size"] = np.nan
    frame["y"] = np.where(frame["color"] == "red", 5.0, 0.0) + frame["size"].fillna(10) + random.normal(0, 0.1, 300)
    table = data.table(frame, "y")
    preprocessing = TablePreprocessing.fit(table)
    return preprocessing, preprocessing(table), frame


def test_columns_of_a_table_hang_together(mixed: tuple[TablePreprocessing, Dataset, pd.DataFrame]) -> None:
    """Every input belongs to one column, and setting a value gives what the preprocessing gives for it."""
    preprocessing, rows, frame = mixed
    features = {feature.name: feature for feature in table_features(rows, (preprocessing,))}
    places = sorted(place for feature in features.values() for place in feature.positions)
    assert places == list(range(rows.inputs.shape[1]))
    changed = frame.drop(columns="y")
    for name, label in (("color", "green"), ("town", "town 07")):
        place = features[name].labels.index(label)
        expected = preprocessing.inputs(changed.assign(**{name: label}))
        np.testing.assert_array_equal(features[name].with_value(rows.inputs, place), expected)
    size = features["size"]
    expected = preprocessing.inputs(changed.assign(size=13.0))
    np.testing.assert_allclose(size.with_value(rows.inputs, (13 - size.mean) / size.scale), expected, rtol=1e-6)


def test_shuffling_finds_the_columns_that_matter(mixed: tuple[TablePreprocessing, Dataset, pd.DataFrame]) -> None:
    preprocessing, rows, _ = mixed
    model = LinearRegression().fit(rows.inputs, rows.targets)
    found = explanations(evaluate_by(model), rows, table_features(rows, (preprocessing,)), seed=0)
    assert found is not None
    ranked = [entry["column"] for entry in found["importance"]]
    assert set(ranked[:2]) == {"size", "color"} and set(ranked[2:]) == {"town", "owned"}
    colors = next(entry for entry in found["partial_dependence"] if entry["column"] == "color")
    effect = dict(zip(colors["labels"], colors["curves"][0]["value"], strict=True))
    assert (effect["red"] - effect["blue"]) * preprocessing.target_scale == pytest.approx(5, abs=0.2)


def test_the_budget_bounds_the_work() -> None:
    asked = 0

    def evaluate(inputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        nonlocal asked
        asked += len(inputs)
        return np.zeros((len(inputs), 1)), np.zeros(len(inputs))

    random = np.random.default_rng(0)
    wide = Dataset(random.normal(size=(600, 400)), random.normal(size=600), "regression")
    found = explanations(evaluate, wide, table_features(wide, ()), seed=0, multiply_adds=10**6)
    assert found is not None and asked <= 40_000
    wider = Dataset(random.normal(size=(20, 50_000)), random.normal(size=20), "regression")
    assert explanations(evaluate, wider, table_features(wider, ()), seed=0) is None
    assert explanations(evaluate, wide.take(range(5)), table_features(wide, ()), seed=0) is None


def test_exploration_equals_pandas() -> None:
    iris = data.load("iris")
    scaled = Standardize.fit(iris)
    found = exploration({"train": scaled(iris)}, table_features(iris, (scaled,)), seed=0)
    frame = pd.DataFrame(iris.inputs, columns=list(iris.feature_names or ()))
    np.testing.assert_allclose(found["correlation"]["matrix"], frame.corr().to_numpy(), atol=1e-6)
    groups = frame.groupby(iris.targets)
    for entry in found["class_means"]:
        np.testing.assert_allclose(entry["means"], groups[entry["column"]].mean(), rtol=1e-5)
        np.testing.assert_allclose(entry["deviations"], groups[entry["column"]].std(ddof=0), rtol=1e-4)
    assert found["class_means"][0]["column"].startswith("petal")
    assert found["balance"] == {"classes": ["setosa", "versicolor", "virginica"], "counts": {"train": [50, 50, 50]}}


def test_mean_images_equal_those_of_pandas() -> None:
    digits = data.load("digits")
    found = exploration({"train": digits}, (), seed=0)["class_images"]
    images = found["low"] + (found["high"] - found["low"]) * np.array(found["images"]) / 255
    means = pd.DataFrame(digits.inputs.reshape(len(digits), -1)).groupby(digits.targets).mean().to_numpy()
    step = (found["high"] - found["low"]) / 255
    np.testing.assert_allclose(images.reshape(10, -1), means, atol=step / 2 + 1e-6)
    assert found["low"] == pytest.approx(means.min()) and found["high"] == pytest.approx(means.max())


def test_large_mean_images_are_reduced_as_pillow_does() -> None:
    """100 by 97 pixels in squares of 3: 34 by 33 means, the last of fewer pixels; a class without rows has none."""
    inputs = np.random.default_rng(0).random((5, 100, 97, 1), np.float32)
    rows = Dataset(inputs, np.array([0, 0, 0, 2, 2]), "classification", class_names=("a", "b", "c"))
    found = class_images(rows)["class_images"]
    assert found["images"][1] is None
    images = np.array([found["images"][0], found["images"][2]]) / 255 * (found["high"] - found["low"]) + found["low"]
    means = [inputs[:3].mean(0)[..., 0], inputs[3:].mean(0)[..., 0]]
    reduced = [np.asarray(Image.fromarray(mean).reduce(3)) for mean in means]
    np.testing.assert_allclose(images[..., 0], reduced, atol=(found["high"] - found["low"]) / 510 + 1e-5)


def test_gaps_and_columns_that_do_not_vary(mixed: tuple[TablePreprocessing, Dataset, pd.DataFrame]) -> None:
    preprocessing, rows, _ = mixed
    found = exploration({"train": rows}, table_features(rows, (preprocessing,)), seed=0)
    assert found["missing"] == [{"column": "size", "share": pytest.approx(0.1)}]
    assert found["correlation"]["columns"] == ["size", "owned", "target"]
    constant = Dataset(np.array([[1.0, 2.0], [1.0, 3.0]]), np.array([0, 1]), "classification")
    matrix = exploration({"train": constant}, table_features(constant, ()), seed=0)["correlation"]["matrix"]
    assert matrix == [[None, None], [None, pytest.approx(1)]]


def test_a_run_writes_both_and_resuming_repeats_them(tmp_path: Path) -> None:
    parts = data.split(data.load("wine"), seed=0)
    scaled = Standardize.fit(parts[0])
    training, validation, test = map(scaled, parts)
    arguments = {"in_shape": [13], "out_features": 3, "hidden": [8]}
    experiment = Experiment(
        model=models.build("multilayer_perceptron", arguments, jax.random.key(0)), train_data=training,
        validation_data=validation, test_data=test, loss="categorical_cross_entropy", epochs=15, learning_rate=0.01,
        preprocessing=(scaled,),
    )  # fmt: skip
    train.run(experiment, run_dir=tmp_path / "run", progress=False)
    explained, explored = ((tmp_path / "run" / f"{name}.json").read_bytes() for name in ("explanations", "exploration"))
    record = json.loads(explained)
    assert len(record["importance"]) == 13 and len(record["partial_dependence"][0]["curves"]) == 3
    assert json.loads(explored)["columns"] == 13
    (tmp_path / "run" / "explanations.json").unlink()
    train.resume(tmp_path / "run", progress=False)
    assert (tmp_path / "run" / "explanations.json").read_bytes() == explained
