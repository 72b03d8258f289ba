"""The recipe for tables: from a file to a run folder, its splits and what it says."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import mean_squared_error, r2_score
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pullback import data, train
from pullback.cli.main import main
from pullback.core.errors import ConfigurationError
from pullback.nn.losses import ClassWeighted
from pullback.recipes import table

ROWS = 240


def frame() -> pd.DataFrame:
    random = np.random.default_rng(0)
    city = random.integers(0, 20, ROWS)
    x = random.normal(size=ROWS)
    return pd.DataFrame(
        {
            "x": np.where(random.random(ROWS) < 0.1, np.nan, x),
            "city": [f"city {code}" for code in city],
            "patient": np.arange(ROWS) // 4,
            "seen": pd.Timestamp("2024-01-01") + pd.to_timedelta(random.permutation(ROWS), unit="D"),
            "ill": np.where(x + 0.3 * random.normal(size=ROWS) > 0.7, "yes", "no"),
        }
    )


@pytest.fixture
def file(tmp_path):
    frame().to_csv(tmp_path / "rows.csv", index=False)
    return str(tmp_path / "rows.csv")


def test_from_file_to_folder(file, tmp_path):
    recipe = table.Recipe(file, "ill", epochs=3, hidden=(8,), drop=("patient",))
    experiment = table.build(recipe)
    assert "task: classification, 2 classes of 'ill': no, yes" in experiment.notes
    run = train.run(experiment, run_dir=tmp_path / "run", progress=False)
    lines = table.finish(recipe, experiment, run)
    assert "logistic regression" in "\n".join(lines) and lines[-1].startswith("The network")
    assert json.loads((tmp_path / "run/baselines.json").read_text())["metric"] == "accuracy"
    again = data.preprocessing_from_json(json.loads((tmp_path / "run/preprocessing.json").read_text()))[0]
    assert again == experiment.preprocessing[0] and again.cardinalities
    outputs = train.predict(run.model, again.inputs(frame()), run.state)
    test = experiment.test_data
    assert isinstance(test, data.Dataset)
    np.testing.assert_array_equal(again.inputs(frame())[test.indices], test.inputs)
    np.testing.assert_allclose(outputs[test.indices], train.predict(run.model, test.inputs, run.state), atol=1e-6)


@pytest.mark.parametrize(
    ("options", "loss", "metric"),
    [
        ({"target": "ill"}, "categorical_cross_entropy", "accuracy"),
        ({"target": "ill", "task": "binary"}, "binary_cross_entropy", "accuracy"),
        ({"target": "x"}, "squared_error", "r_squared"),
    ],
)
def test_tasks(file, options, loss, metric):
    experiment = table.build(table.Recipe(file, **options))
    assert experiment.loss == loss and experiment.metrics == (metric,)


def test_the_command_says_losses_in_units_of_the_target(tmp_path, capsys):
    rows = frame().assign(x=lambda rows: 1000 + 50 * rows["x"].fillna(0), patient=0)
    rows.to_csv(tmp_path / "rows.csv", index=False)
    folder = tmp_path / "run"
    options = ["--epochs", "2", "--hidden", "--drop", "patient", "--no-report", "--run-dir", str(folder)]
    assert main(["train", "table", "--data", str(tmp_path / "rows.csv"), "--target", "x", *options]) == 0
    printed = capsys.readouterr().out
    step = data.preprocessing_from_json(json.loads((folder / "preprocessing.json").read_text()))[0]
    with np.load(folder / "predictions.npz") as kept:
        values, observed = (step.in_units(kept[name].reshape(-1).astype(float)) for name in ("outputs", "targets"))
    assert f"test loss in squared units of the target: {mean_squared_error(observed, values):.6g}," in printed
    assert f"test r_squared: {r2_score(observed, values):.4f}," in printed
    assert f"losses are those of the standardized target: 1 is its deviation, {step.target_scale:.6g}" in printed
    assert "task: regression" in printed and "column 'patient'" not in printed


def test_a_class_too_small_for_every_part_is_trained_on_and_said(tmp_path, capsys):
    rows = frame()
    rows.loc[[5, 17], "ill"] = "perhaps"
    rows.to_csv(tmp_path / "rows.csv", index=False)
    folder = tmp_path / "run"
    options = ["--epochs", "2", "--hidden", "--drop", "patient", "--run-dir", str(folder)]
    assert main(["train", "table", "--data", str(tmp_path / "rows.csv"), "--target", "ill", *options]) == 0
    assert "class 'perhaps' has 2 rows for 4 parts: 'train' has it whole" in capsys.readouterr().out
    counts = json.loads((folder / "exploration.json").read_text())["balance"]["counts"]
    assert [counts[part][1] for part in ("train", "validation", "calibration", "test")] == [2, 0, 0, 0]


def test_splits(file):
    rows = data.table(file, "ill")
    groups = table.split(table.Recipe(file, "ill", group="patient"), rows)
    held = [set(part.column("patient").values) for part in groups.values()]
    assert sum(map(len, held)) == ROWS / 4 and list(groups) == ["train", "validation", "calibration", "test"]
    parts = table.split(table.Recipe(file, "ill", time="seen", calibration_fraction=0), rows)
    assert list(parts) == ["train", "validation", "test"]
    assert parts["train"].column("seen").values.max() < parts["test"].column("seen").values.min()
    with pytest.raises(ConfigurationError, match="by group or by time"):
        table.split(table.Recipe(file, "ill", time="seen", group="patient"), rows)
    with pytest.raises(ConfigurationError, match="column 'city' has no order in time"):
        table.split(table.Recipe(file, "ill", time="city"), rows)
    with pytest.raises(ConfigurationError, match="no row is left for training"):
        table.split(table.Recipe(file, "ill", test_fraction=0.8), rows)
    with pytest.raises(ConfigurationError, match="test_fraction is no share"):
        table.split(table.Recipe(file, "ill", test_fraction=-0.1), rows)
    with pytest.raises(ConfigurationError, match="did you mean 'patient'"):
        table.split(table.Recipe(file, "ill", group="patients"), rows)


def test_balanced_classes_weigh_alike(file):
    experiment = table.build(table.Recipe(file, "ill", class_weights="balanced"))
    assert isinstance(experiment.loss, ClassWeighted)
    assert isinstance(experiment.train_data, data.Dataset)
    counts = np.bincount(experiment.train_data.targets)
    np.testing.assert_allclose(counts * np.array(experiment.loss.weights), len(experiment.train_data) / 2)
    with pytest.raises(ConfigurationError, match="no classes to weigh"):
        table.build(table.Recipe(file, "x", class_weights="balanced"))


SOURCES = {
    "breast_cancer": load_breast_cancer,
    "diabetes": load_diabetes,
    "wine": load_wine,
    "iris": load_iris,
    "digits": load_digits,
}


def five_folds(name: str) -> float:
    """Mean score of the recipe's defaults over five folds; an eighth of each training part chooses the epoch."""
    source = SOURCES[name]()
    target = source.target.astype(float) if name == "diabetes" else source.target
    rows = data.table(source.data, target)
    folds = (KFold if name == "diabetes" else StratifiedKFold)(5, shuffle=True, random_state=0)
    found = []
    for seed, (seen, held_out) in enumerate(folds.split(source.data, target)):
        recipe = table.Recipe("", "target", seed=seed)
        training, validation = data.split(rows.take(seen), {"train": 0.85, "validation": 0.15}, seed=seed)
        parts = {"train": training, "validation": validation, "test": rows.take(held_out)}
        run = train.run(table.experiment(recipe, parts), progress=False)
        found.append(run.evaluation["r_squared" if name == "diabetes" else "accuracy"]["value"])
    return float(np.mean(found))


def best_baseline(name: str) -> float:
    source = SOURCES[name]()
    if name == "diabetes":
        ridge = make_pipeline(StandardScaler(), Ridge(1.0))
        return cross_val_score(ridge, source.data, source.target, cv=KFold(5, shuffle=True, random_state=0)).mean()
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    models = (linear, HistGradientBoostingClassifier(random_state=0))
    return max(cross_val_score(model, source.data, source.target, cv=folds).mean() for model in models)


@pytest.mark.slow
@pytest.mark.parametrize("name", SOURCES)
def test_small_tables_match_the_baselines(name):
    score, best = five_folds(name), best_baseline(name)
    margin = 0.02 if name == "diabetes" else 0.01
    print(f"{name}: {score:.4f}, best baseline {best:.4f}")
    assert score >= (0.965 if name == "breast_cancer" else best - margin)
