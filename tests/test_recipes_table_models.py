"""A table fitted by an estimator: the run folder, its report, its predictions."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from pullback.cli.main import main
from pullback.core.errors import ConfigurationError
from pullback.learn.table_models import TABLE_MODELS, make_table_model
from pullback.learn.table_run import load_table, run_table
from pullback.recipes import table
from pullback.report import write

ROWS = 240


def frame() -> pd.DataFrame:
    random = np.random.default_rng(0)
    x, z = 20 + 5 * random.normal(size=ROWS), random.normal(size=ROWS)
    city = random.choice(["Bern", "Rome", "Ulm"], size=ROWS)
    y = 3 + 0.5 * x - z + 2 * (city == "Rome") + 0.5 * random.normal(size=ROWS)
    return pd.DataFrame({"x": x, "z": z, "city": city, "y": y, "kind": np.where(y > np.median(y), "high", "low")})


@pytest.fixture
def file(tmp_path: Path) -> str:
    frame().to_csv(tmp_path / "rows.csv", index=False)
    return str(tmp_path / "rows.csv")


def test_coefficients_are_per_unit_of_the_columns(file: str, tmp_path: Path) -> None:
    """What is written is the least squares fit of the training rows, whatever was standardized on the way."""
    experiment = table.build(table.Recipe(file, "y", model="linear_regression", drop=("kind",)))
    run = run_table(experiment, run_dir=tmp_path / "run")
    rows = frame().iloc[experiment.train_data.indices]
    design = pd.DataFrame({"x": rows.x, "z": rows.z, "Rome": rows.city == "Rome", "Ulm": rows.city == "Ulm"}).astype(
        float
    )
    expected = LinearRegression().fit(design, rows.y)
    assert run.fitted.design.names == ("x", "z", "city=Rome", "city=Ulm")
    # The prepared inputs are float32.
    np.testing.assert_allclose(run.fitted.estimator.coef_, expected.coef_, rtol=1e-5)
    np.testing.assert_allclose(run.fitted.estimator.intercept_, expected.intercept_, rtol=1e-5)
    record = json.loads((tmp_path / "run/coefficients.json").read_text())
    assert [row[0] for row in record["rows"]] == ["intercept", "x", "z", "city=Rome", "city=Ulm"]


def test_a_loaded_run_predicts_what_was_held_out(file: str, tmp_path: Path) -> None:
    experiment = table.build(table.Recipe(file, "y", model="linear_regression", drop=("kind",)))
    run = run_table(experiment, run_dir=tmp_path / "run")
    found = load_table(tmp_path / "run").predict(frame(), level=0.8)
    with np.load(tmp_path / "run/predictions.npz") as kept:
        outputs, index = kept["outputs"], kept["index"]
    assert found.values is not None and found.lower is not None and run.outputs is not None
    in_units = outputs * run.fitted.target_scale + run.fitted.target_mean
    np.testing.assert_allclose(found.values[index, 0], in_units.reshape(-1), rtol=1e-5)
    inside = (found.lower[:, 0] <= frame().y) & (frame().y <= found.upper[:, 0])
    assert 0.6 < inside.mean() < 0.95


@pytest.mark.parametrize(
    ("model", "target", "drop", "options"),
    [
        ("logistic_regression", "kind", "y", ()),
        ("penalized_logistic_regression", "kind", "y", ("--model-options", "l1_ratio", "1", "C", "0.5")),
        ("lasso", "y", "kind", ("--model-options", "alpha", "0.05")),
        ("perceptron", "kind", "y", ()),
    ],
)
def test_the_commands(
    model: str,
    target: str,
    drop: str,
    options: tuple[str, ...],
    file: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "run"
    told = ["--data", file, "--target", target, "--model", model, "--drop", drop, *options, "--run-dir", str(folder)]
    assert main(["train", "table", *told]) == 0
    said = capsys.readouterr().out
    assert model.replace("_", " ") in said and "report:" in said
    page = write(folder).read_text()
    assert "Coefficients" in page or model == "perceptron"
    assert main(["predict", str(folder), file]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == ROWS
    assert main(["train", "table", *told]) == 2  # the folder is not empty
    assert main(["resume", str(folder)]) == 2
    assert "fitted at once" in capsys.readouterr().err


def test_models_that_do_not_fit_the_target(file: str) -> None:
    with pytest.raises(ConfigurationError, match="not for this target"):
        table.build(table.Recipe(file, "kind", model="linear_regression"))
    with pytest.raises(ConfigurationError, match="did you mean 'lasso'"):
        table.build(table.Recipe(file, "y", model="laso"))
    with pytest.raises(ConfigurationError, match="unknown option of ridge 'alfa'"):
        table.build(table.Recipe(file, "y", model="ridge", model_options={"alfa": "1"}))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", TABLE_MODELS)
def test_every_model_of_the_table(name: str, file: str, tmp_path: Path) -> None:
    """Each is fitted, beats the constant on these easy rows, and is loaded again."""
    regression = "regression" in TABLE_MODELS[name].tasks
    recipe = table.Recipe(file, "y" if regression else "kind", model=name, drop=("kind" if regression else "y",))
    experiment = table.build(recipe)
    run = run_table(experiment, run_dir=tmp_path / "run")
    comparison = table.compare(recipe, experiment, run)
    constant = next(score for score in comparison.baselines if score.name == "constant")
    assert comparison.network.score.value > constant.score.value
    assert np.isfinite(
        load_table(tmp_path / "run").fitted.outputs(experiment.train_data.inputs, experiment.train_data.task)
    ).all()
    assert write(tmp_path / "run").is_file()


def test_options_are_read_as_they_are_typed() -> None:
    estimator, _ = make_table_model("lasso", "regression", {"alpha": "1e-2", "fit_intercept": "false", "max_iter": "7"})
    assert (estimator.alpha, estimator.fit_intercept, estimator.max_iter) == (0.01, False, 7)
