"""Your own table: a network for its columns, beside honest baselines on the same rows.

A CSV, Parquet or NPZ file with one row an example. Kinds of column and the task are inferred and said. One row in five
is held out for the test, a tenth calibrates intervals, an eighth of the rest chooses the best epoch; or whole groups
are held out (--group), or the latest rows (--time). Ridge or logistic regression, gradient boosting and the constant
are fitted to the same rows, and it is said when the network does not win.

    command:   pullback train table --data FILE.csv --target COLUMN
    or:        pullback train table --data FILE.csv --target COLUMN --model logistic_regression
    minutes:   half a minute on two CPU cores for a thousand rows
    expected:  test accuracy 0.97 on scikit-learn's breast cancer data, where logistic regression has 0.98
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from pullback import data, models
from pullback.core.errors import ConfigurationError
from pullback.core.random import stream
from pullback.data import Dataset, Table, TablePreprocessing
from pullback.learn.table_models import make_table_model
from pullback.learn.table_run import TableExperiment, TableRun
from pullback.nn.losses import ClassWeighted, get_loss
from pullback.optim.schedules import Cosine, WarmUp
from pullback.train import Experiment, Run, predict
from pullback.train.baselines import BaselineComparison, compare_with_baselines, comparison_lines, together

NETWORK = "network"
LOSSES = {
    "classification": "categorical_cross_entropy",
    "binary": "binary_cross_entropy",
    "regression": "squared_error",
}


@dataclass(frozen=True)
class Recipe:
    """Fields of the recipe, each an option of the command."""

    data: str
    """CSV, Parquet or NPZ file."""
    target: str
    """Column to predict."""
    task: Literal["infer", "classification", "binary", "regression"] = "infer"
    """What the target means."""
    model: str = "network"
    """network, or an estimator: linear_regression, ridge, lasso, logistic_regression, poisson_regression, ..."""
    model_options: dict[str, str] = field(default_factory=dict)
    """Options of the estimator: NAME VALUE ..., such as alpha 0.1."""
    kinds: dict[str, str] = field(default_factory=dict)
    """Columns whose kind is guessed wrong: NAME KIND ..., kinds number, category, boolean, date, date:FORMAT."""
    drop: tuple[str, ...] = ()
    """Columns to leave out."""
    missing: Literal["impute", "drop", "error"] = "impute"
    """Policy for missing values: fill them, leave out their rows, or refuse them."""
    unseen: Literal["other", "error"] = "other"
    """Policy for levels of a category that training never saw."""
    group: str | None = None
    """Column whose equal values stay in one part."""
    time: str | None = None
    """Column of dates or numbers; the latest rows are the test."""
    test_fraction: float = 0.2
    """Share of the rows for the test."""
    calibration_fraction: float = 0.1
    """Share of the rows that calibrate intervals; 0 for none."""
    validation_fraction: float = 0.1
    """Share of the rows that choose the best epoch."""
    seed: int = 0
    """From which the split, the initial weights, the order and all other random numbers follow."""
    epochs: int = 100
    """Passes over the training rows, at most."""
    patience: int = 30
    """Epochs without improvement on the validation rows after which training stops."""
    batch_size: int = 0
    """Rows an update; 0 takes a hundredth of the rows, between 32 and 1024."""
    learning_rate: float = 2e-3
    """Peak of the learning rate, which rises for some steps and then falls along a cosine."""
    hidden: tuple[int, ...] = (64, 64)
    """Units of each hidden layer; none leaves the linear model."""
    dropout: float = 0.3
    """Share of hidden units left out in training."""
    weight_decay: float = 1.0
    """Pull of the weights to zero, times the learning rate a step; to be lowered for many rows."""
    ema_decay: float = 0.98
    """Decay of the moving average of the weights, which is what is validated and kept."""
    class_weights: Literal["none", "balanced"] = "none"
    """balanced: every class counts alike, however few its rows."""


def build(recipe: Recipe) -> Experiment | TableExperiment:
    """The experiment that these fields describe."""
    table = data.table(
        recipe.data,
        recipe.target,
        task=None if recipe.task == "infer" else recipe.task,
        kinds=recipe.kinds,
        missing=recipe.missing,
        drop=recipe.drop,
        progress=show_progress if sys.stderr.isatty() else None,
    )
    if recipe.model != NETWORK:
        # Before the split, so that a misspelt name costs nothing.
        make_table_model(recipe.model, table.task, recipe.model_options)
    parts = split(recipe, table)
    said = notes(recipe, table, parts)
    return experiment(recipe, parts, said) if recipe.model == NETWORK else estimation(recipe, parts, said)


def notes(recipe: Recipe, table: Table, parts: dict[str, Table]) -> tuple[str, ...]:
    """What was inferred, what a careful reader would ask, and what the split had to do."""
    by_chance = recipe.group is None and recipe.time is None
    rare = data.rare_class_notes(table, dict.fromkeys(parts, 1.0)) if by_chance else ()
    return (*table.notes, *data.table_warnings(table, parts), *rare)


def split(recipe: Recipe, table: Table) -> dict[str, Table]:
    """Training, validation, calibration and test rows by chance, by group or by time."""
    held_out = {
        "validation": recipe.validation_fraction,
        "calibration": recipe.calibration_fraction,
        "test": recipe.test_fraction,
    }
    for name, share in held_out.items():
        if not 0 <= share < 1:
            raise ConfigurationError(
                f"{name}_fraction is no share of the rows", expected="0 <= share < 1", got=share, fix="choose 0.1"
            )
    if sum(held_out.values()) >= 1:
        raise ConfigurationError(
            "no row is left for training",
            expected="shares for test, validation and calibration that sum to less than 1",
            got=" + ".join(f"{name} {share:g}" for name, share in held_out.items()),
            fix="lower one of them",
        )
    fractions = {"train": 1 - sum(held_out.values())} | {name: share for name, share in held_out.items() if share}
    if recipe.group is not None and recipe.time is not None:
        raise ConfigurationError("a split is by group or by time", got="both", fix="leave one of the two out")
    if recipe.group is not None:
        column = table.column(recipe.group)
        values = np.where(column.missing, np.nan, column.values)
        parts = data.split_by_group(table, values, fractions, seed=recipe.seed)
    elif recipe.time is not None:
        parts = data.split_by_time(table, moments(table, recipe.time), fractions)
    else:
        parts = data.split(table, fractions, seed=recipe.seed, rare="train")
    return dict(zip(fractions, parts, strict=True))


def moments(table: Table, name: str) -> np.ndarray:
    """The values of the column that orders the rows."""
    column = table.column(name)
    if column.kind not in ("date", "number"):
        raise ConfigurationError(
            f"column {name!r} has no order in time",
            expected="dates or numbers",
            got=f"a {column.kind}",
            fix=f"name another column, or say how its dates are written: --kinds {name} date:%d.%m.%Y",
        )
    return column.values


def experiment(recipe: Recipe, parts: dict[str, Table], notes: tuple[str, ...] = ()) -> Experiment:
    """The experiment on rows that are split already."""
    preprocessing = TablePreprocessing.fit(parts["train"], unseen=recipe.unseen)
    sets = {name: preprocessing(part) for name, part in parts.items()}
    training = sets["train"]
    batch_size = recipe.batch_size or int(np.clip(len(training) // 100, 32, 1024))
    steps = max(-(-len(training) // batch_size) * recipe.epochs, 2)
    if training.task == "regression":
        unit = preprocessing.target_scale
        notes += (f"while it trains, losses are those of the standardized target: 1 is its deviation, {unit:.6g}",)
    rate = WarmUp(Cosine(recipe.learning_rate, steps), steps=min(20, steps // 2))
    return Experiment(
        model=network(recipe, preprocessing),
        train_data=training,
        validation_data=sets.get("validation"),
        calibration_data=sets.get("calibration"),
        test_data=sets.get("test"),
        loss=loss(recipe, training),
        optimizer="adamw",
        learning_rate=rate,
        optimizer_arguments={"weight_decay": recipe.weight_decay},
        epochs=recipe.epochs,
        patience=recipe.patience if "validation" in sets else None,
        batch_size=batch_size,
        metrics=("r_squared",) if training.task == "regression" else ("accuracy",),
        ema_decay=recipe.ema_decay,
        preprocessing=(preprocessing,),
        notes=notes,
        seed=recipe.seed,
    )


def estimation(recipe: Recipe, parts: dict[str, Table], notes: tuple[str, ...] = ()) -> TableExperiment:
    """An estimator on rows that are split already; it needs no epochs, so the validation rows are fitted too."""
    preprocessing = TablePreprocessing.fit(parts["train"], unseen=recipe.unseen)
    sets = {name: preprocessing(part) for name, part in parts.items()}
    estimator, original_units = make_table_model(recipe.model, sets["train"].task, recipe.model_options)
    return TableExperiment(
        name=recipe.model,
        estimator=estimator,
        original_units=original_units,
        train_data=together([sets[name] for name in ("train", "validation") if name in sets]),
        test_data=sets.get("test"),
        calibration_data=sets.get("calibration"),
        preprocessing=(preprocessing,),
        seed=recipe.seed,
        notes=notes,
    )


def network(recipe: Recipe, preprocessing: TablePreprocessing) -> Any:
    """An untrained network that fits the prepared columns."""
    outputs = len(preprocessing.class_names or ()) if preprocessing.task == "classification" else 1
    arguments = {
        "num_numeric": preprocessing.num_numeric,
        "cardinalities": preprocessing.cardinalities,
        "out_features": outputs,
        "hidden": recipe.hidden,
        "dropout": recipe.dropout,
    }
    return models.build("tabular_network", arguments, stream(recipe.seed, "initial weights"))


def loss(recipe: Recipe, training: Dataset) -> Any:
    """The loss of the task, weighted by class if asked for."""
    name = LOSSES[training.task]
    if recipe.class_weights == "none":
        return name
    if training.num_classes is None:
        raise ConfigurationError(
            "a regression has no classes to weigh", expected="class_weights none", got="balanced", fix="leave it out"
        )
    counts = np.bincount(training.targets, minlength=training.num_classes)
    weights = len(training) / (training.num_classes * np.maximum(counts, 1))
    return ClassWeighted(get_loss(name), weights.tolist())


def finish(recipe: Recipe, experiment: Experiment | TableExperiment, run: Run | TableRun) -> list[str]:
    """The model beside the baselines: lines to print; kept in `baselines.json` of the run folder."""
    if not isinstance(experiment.test_data, Dataset):
        return []
    comparison = compare(recipe, experiment, run)
    if run.folder is not None:
        (run.folder / "baselines.json").write_text(json.dumps(comparison.to_json(), indent=2) + "\n")
    return comparison_lines(comparison)


def compare(recipe: Recipe, experiment: Experiment | TableExperiment, run: Run | TableRun) -> BaselineComparison:
    """The model beside the baselines, which see the training and the validation rows, as the model does."""
    held_out = () if isinstance(experiment, TableExperiment) else (experiment.validation_data,)
    seen = [part for part in (experiment.train_data, *held_out) if isinstance(part, Dataset)]
    test, preprocessing = experiment.test_data, experiment.preprocessing[0]
    assert isinstance(test, Dataset)
    outputs = run.outputs if isinstance(run, TableRun) else predict(run.model, test.inputs, run.state)
    assert outputs is not None
    return compare_with_baselines(
        together(seen),
        test,
        outputs,
        name=label(recipe.model),
        num_numeric=preprocessing.num_numeric,
        seed=recipe.seed,
    )


def label(model: str) -> str:
    """A model as the table beside the baselines names it, one of which is a penalized logistic regression."""
    return "unpenalized logistic regression" if model == "logistic_regression" else model.replace("_", " ")


def show_progress(done: int, size: int) -> None:
    """One line on the terminal while a large file is read."""
    end = "\n" if done >= size else ""
    print(f"\rreading: {done / 1e6:.0f} of {size / 1e6:.0f} MB", end=end, file=sys.stderr, flush=True)
