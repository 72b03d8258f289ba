"""Go on with a run from its folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
from jaxtyping import Array

from pullback.core.errors import ConfigurationError, DataError
from pullback.data import preprocessing_from_json
from pullback.metrics import Metric
from pullback.nn.losses import LOSSES
from pullback.optim import Optimizer
from pullback.optim.schedules import Plateau
from pullback.train import folder as run_folder
from pullback.train.describe import CALLER, data_record, data_sets
from pullback.train.experiment import Data, Experiment, prepare
from pullback.train.load import rebuild_model
from pullback.train.outcome import Run
from pullback.train.session import run_session


def resume(
    folder: str | Path,
    model: Any = None,
    *,
    train_data: Data | None = None,
    validation_data: Data | None = None,
    test_data: Data | None = None,
    calibration_data: Data | None = None,
    loss: Any = None,
    optimizer: Optimizer | None = None,
    learning_rate: Callable[..., Any] | Plateau | None = None,
    optimizer_arguments: Mapping[str, Any] | None = None,
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
    loss, optimizer, learning_rate, optimizer_arguments, augment, metrics : needed if they were given as objects.

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
    record = run_folder.read_run_config(path)
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
        optimizer_arguments=_arguments_of(given, optimizer_arguments or {}),
        metrics=tuple(given["metrics"] if metrics is None else metrics),
        augment=_augment_of(given, augment),
        value_and_grad=value_and_grad,
        **{k: given[k] for k in ("epochs", "batch_size", "seed", "patience", "monitor", "ema_decay")},
        accumulate_steps=given["accumulate_steps"],
        on_non_finite=given["on_non_finite"],
        max_restarts=given["max_restarts"],
        watch_learning_rate=given.get("watch_learning_rate", False),
        preprocessing=preprocessing_from_json(run_folder.read_json(path / "preprocessing.json")),
    )
    return resume_run(experiment, path, checkpoint_seconds=checkpoint_seconds, progress=progress)


def resume_run(
    experiment: Experiment, folder: str | Path, *, checkpoint_seconds: float = 10.0, progress: bool = True
) -> Run:
    """Go on with the run in `folder`, whose experiment has been built again."""
    path = Path(folder)
    begun = run_folder.read_run_config(path)["settings"]
    # A command may have asked for it, of which a recipe knows nothing.
    watched = begun.get("watch_learning_rate", False)
    prepared = prepare(replace(experiment, watch_learning_rate=watched))
    opened = run_folder.open_folder(path)
    hashes = data_record(data_sets(prepared))["sha256"]
    if hashes != opened.config["data"]["sha256"]:
        differing = [name for name, digest in hashes.items() if opened.config["data"]["sha256"].get(name) != digest]
        opened.lock.release()
        raise DataError(
            f"the {', '.join(differing) or 'held-out'} data are not those of the run",
            expected="data with the SHA-256 in config.json",
            got="other content",
            fix="pass the data that the run was started with",
        )
    return run_session(prepared, opened, checkpoint_seconds, progress, resuming=True)


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


def _arguments_of(settings: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _passed(name, value, given.get(name)) for name, value in settings["optimizer_arguments"].items()}


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
