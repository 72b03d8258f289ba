"""Fit a model to data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
from jaxtyping import Array

from pullback.core.checks import non_negative
from pullback.metrics import Metric
from pullback.optim import Optimizer
from pullback.optim.schedules import Plateau
from pullback.train import folder as run_folder
from pullback.train.describe import RecipeRecord, config, data_sets, model_record, settings
from pullback.train.experiment import Data, Experiment, prepare
from pullback.train.exploration import exploration
from pullback.train.outcome import Run
from pullback.train.session import run_session
from pullback.train.table_features import table_features


def fit(
    model: Any,
    train_data: Data,
    *,
    loss: Any,
    optimizer: str | Optimizer = "adam",
    learning_rate: float | Callable[..., Any] | Plateau | None = None,
    optimizer_arguments: Mapping[str, Any] | None = None,
    epochs: int = 10,
    batch_size: int = 64,
    validation_data: Data | None = None,
    test_data: Data | None = None,
    calibration_data: Data | None = None,
    metrics: tuple[str | Metric, ...] | list[str | Metric] = (),
    seed: int = 0,
    run_dir: str | Path | None = None,
    value_and_grad: Callable[..., Any] = jax.value_and_grad,
    augment: Callable[[Array, Array], Array] | None = None,
    patience: int | None = None,
    monitor: str = "loss",
    ema_decay: float | None = None,
    accumulate_steps: int = 1,
    on_non_finite: str = "stop",
    max_restarts: int = 3,
    watch_learning_rate: bool | int = False,
    checkpoint_seconds: float = 10.0,
    progress: bool = True,
) -> Run:
    r"""Minimize the mean loss $C(\theta) = \frac1n \sum_i \ell(f_\theta(x_i), y_i)$ by steps on batches.

    Parameters
    ----------
    model : an `equinox.Module` with `__call__(x, *, key=None, training=False)`, or `(x, state, *, ...)` with memory.
        It is copied first and stays as it is.
    train_data, validation_data, test_data : `Dataset`, or a pair (inputs, targets) of arrays with one row an example.
        Validation chooses the best epoch, whose weights are handed back; the test data are looked at once, at the end.
    calibration_data : rows used for nothing but the width of conformal intervals and sets (`calibration.json`).
    loss : name or function of (prediction, target) that returns one value an example.
    optimizer, learning_rate : a name with a rate, a schedule or a `Plateau` (default 0.001), or any Optax
        transformation or `Solver` alone. A plateau is looked for in the validation `monitor`; a schedule by epoch or
        fraction need not say how long the run is.
    optimizer_arguments : further settings of an optimizer by name, such as `{"weight_decay": 0.1}` of "adamw".
    batch_size : rows an update; a last, smaller batch is exact. With `accumulate_steps` k it is computed in k parts.
    metrics : names or metrics, followed on the training and validation data.
    seed : from which every random number follows.
    run_dir : folder for the records and checkpoints; without it nothing is written and nothing can be resumed.
    value_and_grad : what differentiates; the signature of `jax.value_and_grad`.
    augment : function (key, example) -> example, run within the compiled step.
    patience : epochs without improvement of the validation `monitor` after which training stops.
    monitor : "loss" or the name of a metric.
    ema_decay : decay of a moving average of the parameters, which is then what is validated and returned.
    on_non_finite : what to do where a number is not finite: "stop" with an error that says where it comes from, or
        "restart" from the end of the epoch with the best score (of the validation `monitor`, or the training loss), or
        from the start if there is none, with half the learning rate; of an optimizer by name.
    max_restarts : how often at most, then the error is raised.
    watch_learning_rate : whether to label the rate "slow", "good", "at the edge" or "diverging" at the end of each
        epoch, or of every so many, by the curvature of the loss; it changes nothing in the training.
    checkpoint_seconds : time between checkpoints; they may fall in the middle of an epoch.
    progress : whether to show progress.

    Raises
    ------
    ConfigurationError, DataError, ShapeError
        before the first step, for anything that does not fit together.
    NonFiniteError
        if a number is not finite; says which layer, direction and rows; `.run` holds the last good state.
    Interrupted
        (a SystemExit with code 75) after SIGINT or SIGTERM, with the state saved.

    Examples
    --------
    >>> from pullback import data, nn
    >>> iris = data.load("iris")
    >>> model = nn.Linear(4, 3, key=jax.random.key(0))
    >>> run = fit(model, iris, loss="categorical_cross_entropy", optimizer="adam", learning_rate=0.05, epochs=40,
    ...           metrics=["accuracy"], progress=False)
    >>> run.reason, run.history[-1]["train"]["accuracy"] > 0.95
    ('epochs done', True)
    """
    experiment = Experiment(
        model=model,
        train_data=train_data,
        loss=loss,
        optimizer=optimizer,
        learning_rate=learning_rate,
        optimizer_arguments=optimizer_arguments or {},
        epochs=epochs,
        batch_size=batch_size,
        validation_data=validation_data,
        test_data=test_data,
        calibration_data=calibration_data,
        metrics=tuple(metrics),
        seed=seed,
        value_and_grad=value_and_grad,
        augment=augment,
        patience=patience,
        monitor=monitor,
        ema_decay=ema_decay,
        accumulate_steps=accumulate_steps,
        on_non_finite=on_non_finite,
        max_restarts=max_restarts,
        watch_learning_rate=watch_learning_rate,
    )
    return run(experiment, run_dir=run_dir, checkpoint_seconds=checkpoint_seconds, progress=progress)


def run(
    experiment: Experiment,
    *,
    run_dir: str | Path | None = None,
    recipe: RecipeRecord | None = None,
    command: list[str] | None = None,
    checkpoint_seconds: float = 10.0,
    progress: bool = True,
) -> Run:
    """Run an experiment from its start; `fit` with everything in one value."""
    non_negative("checkpoint_seconds", checkpoint_seconds)
    prepared = prepare(experiment)
    folder = None
    if run_dir is not None:
        path = Path(run_dir)
        features = table_features(prepared.train_data, experiment.preprocessing)
        files = {
            "config.json": config(settings(prepared), data_sets(prepared), path.name, recipe, command),
            "model.json": model_record(prepared),
            "preprocessing.json": [step.to_json() for step in experiment.preprocessing],
            "exploration.json": exploration(data_sets(prepared), features, experiment.seed),
        }
        folder = run_folder.create(path, files, data_sets(prepared))
    return run_session(prepared, folder, checkpoint_seconds, progress, resuming=False)
