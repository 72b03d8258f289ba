"""Fit a model to data; resume a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np
import optax
from jaxtyping import Array

from pullback.core.checks import non_negative
from pullback.core.errors import ConfigurationError, DataError, NonFiniteError
from pullback.data import Dataset, preprocessing_from_json
from pullback.metrics import Metric
from pullback.nn.losses import LOSSES
from pullback.train import folder as run_folder
from pullback.train.calibration import as_columns, calibrate, class_probabilities, with_coverage
from pullback.train.describe import (
    CALLER,
    RecipeRecord,
    config,
    data_record,
    data_sets,
    differences,
    environment,
    model_record,
)
from pullback.train.experiment import Data, Experiment, Prepared, prepare
from pullback.train.exploration import exploration
from pullback.train.folder import RunFolder
from pullback.train.forensics import investigate
from pullback.train.importance import explanations
from pullback.train.interruption import Interrupted, Interruption
from pullback.train.load import rebuild_model
from pullback.train.log import Log, read_log
from pullback.train.loop import (
    BadStep,
    Loop,
    UserStop,
    build_loop,
    chosen,
    evaluate_dataset,
    intervals,
    restore,
    save,
    train,
)
from pullback.train.prediction import in_units
from pullback.train.progress import choose
from pullback.train.table_features import Feature, table_features


@dataclass(frozen=True)
class Run:
    """What training gives back.

    Parameters
    ----------
    model : the trained model; with validation data the one of the best epoch.
    state : memory of its layers, `{}` if it has none.
    history : one record an epoch, as in `metrics.jsonl`.
    evaluation : metrics on the held-out data, each with its interval: `{"accuracy": {"value", "lower", ...}}`.
    reason : why training ended.
    folder : the run folder, or None.
    notes : what was said along the way.
    """

    model: Any
    state: dict[str, Any]
    history: tuple[dict[str, Any], ...]
    evaluation: dict[str, dict[str, Any]]
    reason: str
    folder: Path | None
    notes: tuple[str, ...] = ()


def fit(
    model: Any,
    train_data: Data,
    *,
    loss: Any,
    optimizer: str | optax.GradientTransformation = "adam",
    learning_rate: float | Callable[..., Any] | None = None,
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
    optimizer, learning_rate : a name with a rate or a schedule (default 0.001), or any Optax transformation alone.
    batch_size : rows an update; a last, smaller batch is exact. With `accumulate_steps` k it is computed in k parts.
    metrics : names or metrics, followed on the training and validation data.
    seed : from which every random number follows.
    run_dir : folder for the records and checkpoints; without it nothing is written and nothing can be resumed.
    value_and_grad : what differentiates; the signature of `jax.value_and_grad`.
    augment : function (key, example) -> example, run within the compiled step.
    patience : epochs without improvement of the validation `monitor` after which training stops.
    monitor : "loss" or the name of a metric.
    ema_decay : decay of a moving average of the parameters, which is then what is validated and returned.
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
        files = {
            "config.json": config(prepared, path.name, recipe, command),
            "model.json": model_record(prepared),
            "preprocessing.json": [step.to_json() for step in experiment.preprocessing],
            "exploration.json": exploration(data_sets(prepared), _features(prepared), experiment.seed),
        }
        folder = run_folder.create(path, files, data_sets(prepared))
    return _within(prepared, folder, checkpoint_seconds, progress, resuming=False)


def resume(
    folder: str | Path,
    model: Any = None,
    *,
    train_data: Data | None = None,
    validation_data: Data | None = None,
    test_data: Data | None = None,
    calibration_data: Data | None = None,
    loss: Any = None,
    optimizer: optax.GradientTransformation | None = None,
    learning_rate: Callable[..., Any] | None = None,
    augment: Callable[[Array, Array], Array] | None = None,
    value_and_grad: Callable[..., Any] = jax.value_and_grad,
    metrics: tuple[Metric, ...] | None = None,
    checkpoint_seconds: float = 10.0,
    progress: bool = True,
) -> Run:
    """Go on with a run exactly where its last checkpoint stands.

    On the same machine and versions the result equals that of a run that was never stopped, to the last bit.

    Parameters
    ----------
    folder : the run folder.
    model : needed if the architecture is not one of the library's; its weights do not matter.
    train_data, validation_data, test_data, calibration_data : needed if they were too large to be kept in the folder.
    loss, optimizer, learning_rate, augment, metrics : needed if they were given as objects, not by name.

    Raises
    ------
    RunFolderError
        if the folder is no run folder, still in use, or of another format.
    CheckpointError
        if no checkpoint is whole, or the model or optimizer is not that of the run.
    ConfigurationError, DataError
        if something that the folder cannot rebuild is not passed, or the data differ.
    """
    path = Path(folder)
    record = run_folder.read_config(path)
    given = record["settings"]
    experiment = Experiment(
        model=rebuild_model(path, model),
        train_data=_data_of(path, record, "train", train_data),
        validation_data=_data_of(path, record, "validation", validation_data),
        test_data=_data_of(path, record, "test", test_data),
        calibration_data=_data_of(path, record, "calibration", calibration_data),
        loss=_loss_of(given, loss),
        optimizer=_passed("optimizer", given["optimizer"], optimizer),
        learning_rate=_passed("learning_rate", given["learning_rate"], learning_rate),
        metrics=tuple(given["metrics"] if metrics is None else metrics),
        augment=_augment_of(given, augment),
        value_and_grad=value_and_grad,
        **{k: given[k] for k in ("epochs", "batch_size", "seed", "patience", "monitor", "ema_decay")},
        accumulate_steps=given["accumulate_steps"],
        preprocessing=preprocessing_from_json(run_folder.read_json(path / "preprocessing.json")),
    )
    return resume_run(experiment, path, checkpoint_seconds=checkpoint_seconds, progress=progress)


def resume_run(
    experiment: Experiment, folder: str | Path, *, checkpoint_seconds: float = 10.0, progress: bool = True
) -> Run:
    """Go on with the run in `folder`, whose experiment has been built again."""
    path = Path(folder)
    run_folder.read_config(path)
    prepared = prepare(experiment)
    opened = run_folder.open_folder(path)
    hashes = data_record(prepared)["sha256"]
    if hashes != opened.config["data"]["sha256"]:
        differing = [name for name, digest in hashes.items() if opened.config["data"]["sha256"].get(name) != digest]
        opened.lock.release()
        raise DataError(
            f"the {', '.join(differing) or 'held-out'} data are not those of the run",
            expected="data with the SHA-256 in config.json",
            got="other content",
            fix="pass the data that the run was started with",
        )
    return _within(prepared, opened, checkpoint_seconds, progress, resuming=True)


def _within(
    prepared: Prepared, folder: RunFolder | None, checkpoint_seconds: float, progress: bool, resuming: bool
) -> Run:
    shown = choose(progress)
    notes = list(prepared.notes)
    try:
        with Interruption() as interruption:
            loop = build_loop(
                prepared,
                progress=shown,
                interruption=interruption,
                folder=folder,
                checkpoint_seconds=checkpoint_seconds,
            )
            if folder is not None:
                notes += _open_logs(loop, folder, resuming)
            for note in notes:
                shown.note(note)
            return _train(loop, tuple(notes))
    finally:
        shown.close()
        if folder is not None:
            folder.lock.release()


def _open_logs(loop: Loop, folder: RunFolder, resuming: bool) -> list[str]:
    """Open the logs; when resuming, also restore the state and cut the log to the moment of the checkpoint."""
    notes: list[str] = []
    metrics = folder.path / "metrics.jsonl"
    if resuming:
        log_bytes, notes = restore(loop)
        loop.log = Log(metrics, keep_bytes=log_bytes)
        loop.history = [record for record in read_log(metrics) if record["event"] == "epoch"]
        if changed := differences(folder.config["environment"], environment()):
            notes.append(f"the result may differ in the last bits from an uninterrupted run: {'; '.join(changed)}")
        notes.append(f"going on at step {loop.position.step} in epoch {loop.position.epoch}")
    else:
        loop.log = Log(metrics)
    loop.timing = Log(folder.path / "timing.jsonl")
    return notes


def _train(loop: Loop, notes: tuple[str, ...]) -> Run:
    try:
        train(loop)
    except UserStop:
        loop.progress.note(f"stopped by {loop.interruption.requested} at step {loop.position.step}; the state is saved")
        raise Interrupted(_partial(loop, "interrupted", notes)) from None
    except BadStep:
        raise _failure(loop, notes) from None
    return _finish(loop, notes)


def _failure(loop: Loop, notes: tuple[str, ...]) -> NonFiniteError:
    """Find the first bad update by running again from the last good state, and go back to just before it."""
    finding = investigate(loop)
    save(loop)
    if loop.log is not None:
        loop.log.write({"event": "failure", **finding.record()})
    error = finding.error()
    error.finding = finding
    error.run = _partial(loop, f"not finite: {error.what}", notes)
    return error


def _partial(loop: Loop, reason: str, notes: tuple[str, ...]) -> Run:
    """The run as it stands, with the best weights so far."""
    model, memory = _chosen_model(loop)
    path = None if loop.folder is None else loop.folder.path
    return Run(model, memory, tuple(loop.history), {}, reason, path, notes)


def _finish(loop: Loop, notes: tuple[str, ...]) -> Run:
    """Evaluate the chosen model on held-out data and write the results."""
    prepared, position = loop.prepared, loop.position
    assert position.reason is not None
    if loop.log is not None:
        loop.log.write({"event": "finished", "reason": position.reason, "best_epoch": position.best_epoch})
    split = "test" if prepared.test_data is not None else "validation"
    data = prepared.test_data if prepared.test_data is not None else prepared.validation_data
    evaluation: dict[str, dict[str, Any]] = {}
    params, memory = chosen(loop)
    result = None if data is None else evaluate_dataset(loop, params, memory, data)
    if data is not None and result is not None:
        evaluation = {name: asdict(value) for name, value in intervals(prepared.metrics, result.totals).items()}
        if loop.log is not None:
            loop.log.write({"event": "evaluation", "split": split, "metrics": evaluation})
        if loop.folder is not None:
            loop.folder.save_predictions(_predictions(split, data, result.outputs, result.losses))
    _calibrate(loop, None if split != "test" or result is None else result.outputs)
    _explain(loop, data)
    model, memory = _chosen_model(loop)
    path = None if loop.folder is None else loop.folder.path
    return Run(model, memory, tuple(loop.history), evaluation, position.reason, path, notes)


def _calibrate(loop: Loop, test_outputs: np.ndarray | None) -> None:
    """Write how wide an interval or set must be, and how often it covers the test rows."""
    rows, test = loop.prepared.calibration_data, loop.prepared.test_data
    if rows is None or loop.folder is None:
        return
    calibration = calibrate(evaluate_dataset(loop, *chosen(loop), rows).outputs, rows.targets, rows.task)
    if test is not None and test_outputs is not None:
        calibration = with_coverage(calibration, test_outputs, test.targets, "test")
    loop.folder.save_json("calibration.json", calibration.to_json())


def _features(prepared: Prepared) -> tuple[Feature, ...]:
    """Columns of a table; none where the inputs are something else."""
    data = prepared.train_data
    return table_features(data, prepared.experiment.preprocessing) if data.inputs.ndim == 2 else ()


def _explain(loop: Loop, data: Dataset | None) -> None:
    """Write what the model makes of each column of a table, by held-out rows; no further program is compiled."""
    features = _features(loop.prepared)
    if loop.folder is None or data is None or not features:
        return
    params, memory = chosen(loop)
    steps = loop.prepared.experiment.preprocessing

    def evaluate(inputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rows = Dataset(inputs, targets, data.task, class_names=data.class_names)
        result = evaluate_dataset(loop, params, memory, rows)
        if data.task == "regression":
            return in_units(as_columns(result.outputs), steps), result.losses
        return class_probabilities(result.outputs), result.losses

    # What a layer summary counts is what one row costs.
    cost = model_record(loop.prepared)["multiply_adds"]
    found = explanations(evaluate, data, features, loop.prepared.experiment.seed, cost)
    if found is not None:
        loop.folder.save_json("explanations.json", found)


WORST_EXAMPLES = 256


def _predictions(split: str, data: Any, outputs: np.ndarray, losses: np.ndarray) -> dict[str, np.ndarray]:
    """Arrays of `predictions.npz`; inputs are kept for the rows of largest loss."""
    worst = np.argsort(-losses, kind="stable")[:WORST_EXAMPLES].astype(np.int32)
    return {
        "split": np.array(split),
        "index": data.indices,
        "outputs": outputs,
        "targets": data.targets,
        "loss": losses,
        "inputs": data.inputs[worst],
        "inputs_row": worst,
    }


def _chosen_model(loop: Loop) -> tuple[Any, dict[str, Any]]:
    params, memory = chosen(loop)
    return eqx.combine(jax.tree.unflatten(loop.static.structure, params), loop.static.rest), memory


def _data_of(path: Path, record: dict[str, Any], name: str, data: Data | None) -> Data | None:
    if data is not None or name not in record["data"]["sizes"]:
        return data
    kept = run_folder.kept_data(path, record, name)
    if kept is None:
        raise DataError(
            f"the {name} data are not kept in the run folder",
            expected=f"{name}_data=...",
            got="nothing",
            fix="pass the data that the run was started with",
        )
    return kept


def _loss_of(settings: dict[str, Any], loss: Any) -> Any:
    if loss is not None or settings["loss_arguments"] == CALLER:
        return _passed("loss", settings["loss_arguments"], loss)
    return LOSSES[settings["loss"]](**settings["loss_arguments"])


def _augment_of(settings: dict[str, Any], augment: Any) -> Any:
    return _passed("augment", None if settings["augment"] is None else CALLER, augment)


def _passed(name: str, recorded: Any, value: Any) -> Any:
    """What was passed now, or what the folder recorded; an error if it recorded only that it was an object."""
    if value is None and recorded == CALLER:
        raise ConfigurationError(
            f"the folder cannot rebuild {name}, which was passed in by the caller",
            expected=f"{name}=...",
            got="nothing",
            fix=f"pass the {name} that the run was started with",
        )
    return recorded if value is None else value
