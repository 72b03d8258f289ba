"""An estimator fitted to a prepared table, as a run folder like that of a network."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from sklearn.calibration import CalibratedClassifierCV

from pullback.core.errors import RunFolderError
from pullback.data import Dataset, TablePreprocessing, preprocessing_from_json
from pullback.learn.fitted_table import FittedTable
from pullback.learn.linear_regression import LinearRegression
from pullback.learn.saving import load, save
from pullback.learn.table_design import TableDesign
from pullback.learn.table_diagnostics import linear_diagnostics
from pullback.metrics import get_metrics
from pullback.nn.losses import get_loss
from pullback.prob import Interval, mean_interval
from pullback.train.calibration import Calibration
from pullback.train.describe import RecipeRecord, config
from pullback.train.folder import RunFolder, create, read_config, read_json
from pullback.train.load import prepared_inputs
from pullback.train.log import Log
from pullback.train.prediction import Prediction, interpret, resolved_level
from pullback.train.results import prediction_arrays, save_calibration, save_explanations

ESTIMATOR_FILE = "estimator.safetensors"
LOSSES = {
    "classification": "categorical_cross_entropy",
    "binary": "binary_cross_entropy",
    "regression": "squared_error",
}


@dataclass(frozen=True)
class TableExperiment:
    """What a run of an estimator needs, as a recipe returns it.

    Parameters
    ----------
    name : of the estimator in the table of models.
    estimator : not fitted; it is fitted to `train_data`.
    original_units : whether numbers are given back their units first.
    train_data, test_data, calibration_data : prepared by `preprocessing`.
    notes : shown before the fit.
    """

    name: str
    estimator: Any
    original_units: bool
    train_data: Dataset
    test_data: Dataset | None
    calibration_data: Dataset | None
    preprocessing: tuple[Any, ...]
    seed: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class TableRun:
    """A finished run of an estimator."""

    fitted: FittedTable
    outputs: np.ndarray | None
    evaluation: dict[str, dict[str, Any]]
    folder: Path
    notes: tuple[str, ...]


def run_table(
    experiment: TableExperiment,
    *,
    run_dir: Path,
    recipe: RecipeRecord | None = None,
    command: list[str] | None = None,
) -> TableRun:
    """Fit, evaluate on the test rows, calibrate and explain, and write it all into a run folder."""
    fitted, notes = fit_table(experiment)
    sets = {"train": experiment.train_data, "test": experiment.test_data, "calibration": experiment.calibration_data}
    given = {name: data for name, data in sets.items() if data is not None}
    files = {
        "config.json": config(_settings(experiment), given, run_dir.name, recipe, command),
        "model.json": _model_record(experiment, fitted),
        "preprocessing.json": [step.to_json() for step in experiment.preprocessing],
    }
    with create(run_dir, files, given) as folder:
        save(fitted, folder.path / ESTIMATOR_FILE)
        found = coefficients(fitted, _target(experiment)) | {"diagnostics": _diagnostics(experiment, fitted)}
        folder.save_json("coefficients.json", found)
        log = Log(folder.path / "metrics.jsonl")
        log.write({"event": "finished", "reason": "fitted", "best_epoch": None})
        outputs, evaluation = None, {}
        if experiment.test_data is not None:
            outputs = fitted.outputs(experiment.test_data.inputs, experiment.test_data.task)
            losses, found = scores(outputs, experiment.test_data)
            evaluation = {name: asdict(value) for name, value in found.items()}
            log.write({"event": "evaluation", "split": "test", "metrics": evaluation})
            folder.save_predictions(prediction_arrays("test", experiment.test_data, outputs, losses))
        _save_findings(folder, experiment, fitted, outputs)
    return TableRun(fitted, outputs, evaluation, run_dir, (*experiment.notes, *notes))


def fit_table(experiment: TableExperiment) -> tuple[FittedTable, tuple[str, ...]]:
    """The estimator fitted to the training rows, and what was done to give it probabilities."""
    data, estimator = experiment.train_data, experiment.estimator
    design = TableDesign.of(data, experiment.preprocessing, original_units=experiment.original_units)
    columns, targets, notes = design(data.inputs), data.targets.reshape(-1), ()
    mean, scale = 0.0, 1.0
    if data.task == "regression":
        for step in experiment.preprocessing:
            if isinstance(step, TablePreprocessing):
                mean, scale = step.target_mean, step.target_scale
        targets = targets.astype(np.float64) * scale + mean
    elif not hasattr(estimator, "predict_proba"):
        estimator = CalibratedClassifierCV(estimator)
        notes = (f"{experiment.name} has no probabilities of its own: Platt's calibration in 5 folds gives them",)
    return FittedTable(design, estimator.fit(columns, targets), mean, scale), notes


def scores(outputs: np.ndarray, data: Dataset) -> tuple[np.ndarray, dict[str, Interval]]:
    """The loss of each row; mean loss and metric with their intervals."""
    losses = _losses(outputs, data.targets, data.task)
    name = "r_squared" if data.task == "regression" else "accuracy"
    (metric,) = get_metrics((name,), data.num_classes)
    statistics = metric.update(metric.init(), jnp.asarray(outputs), jnp.asarray(data.targets))
    exact = losses.astype(np.float64)
    loss = mean_interval(len(exact), float(exact.sum()), float(np.square(exact).sum()))
    return losses, {"loss": loss, name: metric.interval(statistics)}


def _losses(outputs: np.ndarray, targets: np.ndarray, task: str) -> np.ndarray:
    return np.asarray(get_loss(LOSSES[task])(jnp.asarray(outputs), jnp.asarray(targets)))


def coefficients(fitted: FittedTable, target: str) -> dict[str, Any]:
    """The table of a fit as JSON: what its summary says, or the coefficients alone where there is no inference."""
    estimator = fitted.estimator
    if hasattr(estimator, "inference_"):
        summary = estimator.summary()
        return {
            "format": 1,
            "title": summary.title,
            "head": [[label, target if label == "dependent variable" else value] for label, value in summary.head],
            "columns": list(summary.columns),
            "rows": [list(row) for row in summary.rows],
            "notes": list(summary.notes),
        }
    values = np.atleast_2d(getattr(estimator, "coef_", np.empty((0, 0))))
    if values.shape[1] != len(fitted.design.names):
        return {"format": 1, "title": type(estimator).__name__, "head": [], "columns": [], "rows": [], "notes": []}
    classes = [str(name) for name in getattr(estimator, "classes_", ("estimate",))][-len(values) :]
    constant = np.broadcast_to(np.atleast_1d(estimator.intercept_), len(values))
    rows = [["intercept", *(f"{value:.6g}" for value in constant)]]
    rows += [[name, *(f"{v:.6g}" for v in values[:, place])] for place, name in enumerate(fitted.design.names)]
    return {
        "format": 1,
        "title": type(estimator).__name__,
        "head": [[name, str(value)] for name, value in estimator.get_params(deep=False).items()],
        "columns": ["", *classes],
        "rows": rows,
        "notes": ["Numbers are standardized: a coefficient is per standard deviation of its column."],
    }


@dataclass(frozen=True, eq=False)
class LoadedTable:
    """A fitted estimator from its run folder, used as `train.load`'s network is."""

    fitted: FittedTable
    preprocessing: tuple[Any, ...]
    config: dict[str, Any]
    calibration: Calibration | None
    notes: tuple[str, ...] = ()

    def inputs(self, source: Any) -> tuple[Any, tuple[str, ...]]:
        """Prepared inputs for the rows of a source, and remarks on how."""
        return prepared_inputs(source, self.preprocessing)

    def predict(self, source: Any, level: float | None = None) -> Prediction:
        """Predictions with their uncertainty for the rows of a source."""
        return self.interpret(self.inputs(source)[0], level)

    def interpret(self, inputs: Any, level: float | None = None) -> Prediction:
        """`predict` for inputs that are prepared already."""
        level = resolved_level(self.calibration, level)
        about = self.config["data"]
        return interpret(self.fitted.outputs(inputs, about["task"]), about, self.preprocessing, self.calibration, level)


def load_table(folder: str | Path) -> LoadedTable:
    """The fitted estimator of a run folder; opening it runs no code of the folder."""
    path = Path(folder)
    calibration = path / "calibration.json"
    fitted = load(path / ESTIMATOR_FILE)
    if not isinstance(fitted, FittedTable):
        raise RunFolderError(
            f"{ESTIMATOR_FILE} of {path.name} is no fitted table",
            expected="what a run wrote",
            got=type(fitted).__name__,
            fix="restore the file",
        )
    return LoadedTable(
        fitted,
        preprocessing_from_json(read_json(path / "preprocessing.json")),
        read_config(path),
        Calibration.from_json(read_json(calibration)) if calibration.is_file() else None,
    )


def _settings(experiment: TableExperiment) -> dict[str, Any]:
    about = {"estimator": experiment.name, "seed": experiment.seed, "loss": LOSSES[experiment.train_data.task]}
    return about | _arguments(experiment)


def _arguments(experiment: TableExperiment) -> dict[str, Any]:
    return {name: _plain(value) for name, value in experiment.estimator.get_params(deep=False).items()}


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else repr(value)


def _model_record(experiment: TableExperiment, fitted: FittedTable) -> dict[str, Any]:
    return {
        "source": "estimator",
        "architecture": experiment.name,
        "arguments": _arguments(experiment),
        "parameters": int(np.size(getattr(fitted.estimator, "coef_", 0)))
        + int(np.size(getattr(fitted.estimator, "intercept_", 0))),
        "multiply_adds": int(np.size(getattr(fitted.estimator, "coef_", 0))),
        "summary": [],
    }


def _target(experiment: TableExperiment) -> str:
    names = [step.target for step in experiment.preprocessing if isinstance(step, TablePreprocessing)]
    return names[0] if names else "y"


def _diagnostics(experiment: TableExperiment, fitted: FittedTable) -> list[dict[str, str]]:
    if not isinstance(fitted.estimator, LinearRegression):
        return []
    data = experiment.train_data
    targets = data.targets.reshape(-1).astype(np.float64) * fitted.target_scale + fitted.target_mean
    return linear_diagnostics(fitted.design(data.inputs), targets)


def _save_findings(
    folder: RunFolder, experiment: TableExperiment, fitted: FittedTable, outputs: np.ndarray | None
) -> None:
    def evaluate(rows: Dataset) -> tuple[np.ndarray, np.ndarray]:
        found = fitted.outputs(rows.inputs, rows.task)
        return found, _losses(found, rows.targets, rows.task)

    train, test = experiment.train_data, experiment.test_data
    if experiment.calibration_data is not None:
        save_calibration(folder, evaluate, experiment.calibration_data, test, outputs)
    if test is not None:
        cost = lambda: max(train.inputs.shape[1], 1)  # noqa: E731
        save_explanations(folder, evaluate, test, train, experiment.preprocessing, seed=experiment.seed, cost=cost)
