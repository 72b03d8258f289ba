"""Sections for one's own data: what the files of the folder say, and a sentence where they say nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pandas as pd
import pytest
from report_folders import cancer_folder
from report_page import Page

from pullback import data, models, train
from pullback.report import write
from pullback.train import Experiment

FILES = ("baselines", "calibration", "explanations", "exploration")


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder from before these files were written."""
    return cancer_folder(tmp_path_factory.mktemp("old"), epochs=2).path


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"area": random.uniform(30, 200, 500), "kind": random.choice(["flat", "house"], 500)})
    frame["garden"] = random.choice([True, False], 500)
    frame["price"] = 5 * frame["area"] + 300 * (frame["kind"] == "house") + random.normal(0, 50, 500)
    frame.loc[::10, "area"] = np.nan
    table = data.table(frame, "price")
    parts = [table.take(rows) for rows in np.split(np.arange(500), [250, 300, 399])]
    preprocessing = data.TablePreprocessing.fit(parts[0])
    training, validation, calibration, test = map(preprocessing, parts)
    arguments = {"in_shape": [preprocessing.num_numeric], "out_features": 1, "hidden": [16]}
    experiment = Experiment(
        model=models.build("multilayer_perceptron", arguments, jax.random.key(0)), train_data=training,
        validation_data=validation, calibration_data=calibration, test_data=test, loss="squared_error", epochs=20,
        learning_rate=0.01, preprocessing=(preprocessing,),
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("runs") / "houses"
    train.run(experiment, run_dir=folder, progress=False)
    return folder


@pytest.fixture(scope="module")
def wine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    parts = data.split(data.load("wine"), {"train": 0.4, "validation": 0.1, "calibration": 0.2, "test": 0.3}, seed=0)
    scaled = data.Standardize.fit(parts[0])
    training, validation, calibration, test = map(scaled, parts)
    arguments = {"in_shape": [13], "out_features": 3, "hidden": [8]}
    experiment = Experiment(
        model=models.build("multilayer_perceptron", arguments, jax.random.key(0)), train_data=training,
        validation_data=validation, calibration_data=calibration, test_data=test, loss="categorical_cross_entropy",
        epochs=15, learning_rate=0.01, preprocessing=(scaled,),
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("runs") / "wine"
    train.run(experiment, run_dir=folder, progress=False)
    return folder


def page_of(folder: Path) -> Page:
    page = Page.of(write(folder))
    assert page.faults == []
    return page


def read(folder: Path, name: str) -> Any:
    return json.loads((folder / f"{name}.json").read_text())


def test_an_old_folder_says_what_it_lacks(old: Path) -> None:
    page = page_of(old)
    assert "kept no calibration rows" in page.text
    assert "recorded no importance of its columns" in page.text
    assert "recorded no description of its data" in page.text
    assert "Baselines" not in page.text


def test_coverage_is_that_of_the_file(wine: Path) -> None:
    page, record = page_of(wine), read(wine, "calibration")
    for bound in record["bounds"]:
        row = page.row(f"{100 * bound['level']:g}%")
        assert row[1] == f"{100 * bound['coverage']['found']['value']:.1f}%"
        assert row[4] == f"{bound['coverage']['size']:.2f}"
    assert f"Share of {record['bounds'][0]['coverage']['found']['n']} test rows" in page.text
    assert f"bounds from {record['n']} calibration rows" in page.text


def test_widths_of_a_regression_are_in_the_units_of_the_target(houses: Path) -> None:
    page, record = page_of(houses), read(houses, "calibration")
    scale = read(houses, "preprocessing")[0]["target_scale"]
    half = float(page.row("90%")[5])
    assert half == pytest.approx(record["bounds"][1]["quantile"][0] * scale, rel=0.01)
    assert float(page.row("90%")[4]) == pytest.approx(2 * half, rel=0.01)


def test_residuals_are_in_the_units_of_the_target(houses: Path) -> None:
    page, step = page_of(houses), read(houses, "preprocessing")[0]
    with np.load(houses / "predictions.npz") as arrays:
        worst = int(np.argmax(arrays["loss"]))
        observed = arrays["targets"][worst] * step["target_scale"] + step["target_mean"]
        errors = (arrays["outputs"].reshape(-1) - arrays["targets"].reshape(-1)) * step["target_scale"]
    assert float(page.row("observed")[1]) == pytest.approx(observed, rel=1e-3)
    assert float(page.row("Root mean squared error")[1]) == pytest.approx(np.sqrt(np.mean(errors**2)), rel=1e-2)
    assert "count in its standard deviation" in page.text and "do not belong together" not in page.text


def test_too_few_rows_and_undercoverage_are_said(wine: Path, tmp_path: Path) -> None:
    shutil.copytree(wine, tmp_path / "run")
    record = read(wine, "calibration")
    record["bounds"][0]["quantile"] = [None]
    record["bounds"][1]["coverage"]["found"]["value"] = 0.3
    (tmp_path / "run" / "calibration.json").write_text(json.dumps(record))
    text = page_of(tmp_path / "run").text
    assert "too few for the level whose bound is infinite" in text
    assert "At 90% less is covered than chance allows" in text


def test_the_data_are_described(wine: Path, houses: Path) -> None:
    page = page_of(wine)
    counts = read(wine, "exploration")["balance"]["counts"]
    balance = ["class_1", "39.4%", *(str(counts[split][1]) for split in counts)]
    assert balance in page.rows and list(counts) == ["train", "validation", "test", "calibration"]
    first = read(wine, "exploration")["class_means"][0]
    assert page.row(first["column"])[0] == first["column"]
    assert "No column has missing values" in page.text and "flavanoids" in page.text
    page = page_of(houses)
    assert ["area", "10.0%"] in page.rows
    assert "The strongest is" in page.text and "of area and target" in page.text


def test_mean_images_of_the_classes(tmp_path: Path) -> None:
    training, test = data.split(data.load("digits"), {"train": 0.5, "test": 0.5}, seed=0)
    arguments = {"in_shape": [8, 8, 1], "out_features": 10, "hidden": []}
    experiment = Experiment(
        model=models.build("multilayer_perceptron", arguments, jax.random.key(0)), train_data=training, test_data=test,
        loss="categorical_cross_entropy", epochs=1,
    )  # fmt: skip
    train.run(experiment, run_dir=tmp_path / "run", progress=False)
    page = write(tmp_path / "run").read_text()
    assert "Mean images" in page and page.split("Mean images")[1].count("<image ") == 10
    record = read(tmp_path / "run", "exploration")
    for damaged in (None, {"images": 3}, {"images": [[["x"]]] * 10}, {"images": [[[[float("nan")]]]] * 10}):
        (tmp_path / "run" / "exploration.json").write_text(json.dumps(record | {"class_images": damaged}))
        assert "Mean images" not in write(tmp_path / "run").read_text()


def test_columns_are_explained(wine: Path, houses: Path) -> None:
    page, record = page_of(houses), read(houses, "explanations")
    assert "Permutation importance" in page.text and "Partial dependence" in page.text
    unclear = sum(entry["lower"] <= 0 for entry in record["importance"])
    assert f"For {unclear} of 3 columns the interval reaches zero" in page.text
    assert [entry["column"] for entry in record["partial_dependence"]][:2] == ["area", "kind"]
    kinds = next(entry for entry in record["partial_dependence"] if entry["column"] == "kind")
    assert kinds["labels"] == ["flat", "house"]
    assert kinds["curves"][0]["value"][1] - kinds["curves"][0]["value"][0] == pytest.approx(300, rel=0.25)
    assert "the two whose probability moves most are drawn" in page_of(wine).text


@pytest.mark.parametrize(("lower", "words"), [(-0.02, "do not tell the two apart"), (0.002, "leaves zero out")])
def test_baselines_are_compared(old: Path, tmp_path: Path, lower: float, words: str) -> None:
    shutil.copytree(old, tmp_path / "run")
    record = {
        "metric": "accuracy",
        "rows": [
            {"name": "network", "value": 0.965, "lower": 0.91, "upper": 0.986},
            {"name": "logistic <regression>", "value": 0.956, "lower": 0.9, "upper": 0.98},
            {"name": "constant", "value": 0.627, "lower": None, "upper": None},
        ],
        "difference": {"to": "logistic <regression>", "value": 0.009, "lower": lower, "upper": 0.04},
        "verdict": "The network does what it does.",
    }
    (tmp_path / "run" / "baselines.json").write_text(json.dumps(record))
    page = page_of(tmp_path / "run")
    assert page.row("logistic <regression>")[1:] == ["0.956", "0.900 – 0.980"]
    assert page.row("constant")[2] == "none"
    assert words in page.text and "The network does what it does." in page.text


DAMAGED = ["", "[]", "null", "{", '"text"', "{}", '{"bounds": [{}], "importance": [{}], "rows": [{}]}']


@pytest.mark.parametrize("content", DAMAGED)
def test_damaged_files_cost_their_section_alone(houses: Path, tmp_path: Path, content: str) -> None:
    shutil.copytree(houses, tmp_path / "run", ignore=shutil.ignore_patterns("checkpoints", "data"))
    for name in FILES:
        (tmp_path / "run" / f"{name}.json").write_text(content)
    assert "Residuals" in page_of(tmp_path / "run").text


@pytest.mark.parametrize("wrong", ["text", None, -1, [None], [{}], {}], ids=json.dumps)
def test_values_may_be_of_another_kind(wine: Path, tmp_path: Path, wrong: Any) -> None:
    """The values of each entry become something else; the page stays whole."""
    shutil.copytree(wine, tmp_path / "run", ignore=shutil.ignore_patterns("checkpoints", "data", "*.npz"))
    for name in FILES[1:]:
        whole = read(wine, name)
        spoiled = {key: _spoiled(value, wrong) for key, value in whole.items()}
        (tmp_path / "run" / f"{name}.json").write_text(json.dumps(spoiled))
    page_of(tmp_path / "run")


def _spoiled(value: Any, wrong: Any) -> Any:
    """The entries of a list keep their names and lose their values; anything else becomes `wrong`."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [dict.fromkeys(entry, wrong) for entry in value]
    return dict.fromkeys(value, wrong) if isinstance(value, dict) else wrong


def test_the_same_folder_gives_the_same_bytes(houses: Path) -> None:
    assert write(houses).read_bytes() == write(houses).read_bytes()
