"""An experiment in plain JSON: what was run, on what data, where."""

from __future__ import annotations

import dataclasses
import datetime
import importlib.metadata
import os
import platform
from typing import Any

import jax
import numpy as np

from pullback import __version__
from pullback.data import Dataset, sha256
from pullback.models import describe as describe_model
from pullback.nn.losses import LOSSES
from pullback.nn.summary import summary
from pullback.train.experiment import Prepared
from pullback.train.folder import FORMAT

CALLER = "passed in by the caller"


@dataclasses.dataclass(frozen=True)
class RecipeRecord:
    """Which recipe made an experiment: its name or the path of its file, and the values of its fields."""

    name: str
    path: str | None
    fields: dict[str, Any]


def environment() -> dict[str, Any]:
    """Versions and machine; what has to agree for a resumed run to be equal to the last bit."""
    return {
        "python": platform.python_version(),
        "pullback": __version__,
        "jax": jax.__version__,
        "jaxlib": importlib.metadata.version("jaxlib"),
        "numpy": np.__version__,
        "platform": platform.platform(),
        "cpu": processor(),
        "cpu_count": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "device": str(jax.devices()[0].device_kind),
    }


def processor() -> str:
    """Name of the processor as the system gives it."""
    try:
        with open("/proc/cpuinfo") as lines:
            names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
            return next(names, platform.machine())
    except OSError:
        return platform.processor() or platform.machine()


def config(
    settings: dict[str, Any],
    sets: dict[str, Dataset],
    run_id: str,
    recipe: RecipeRecord | None,
    command: list[str] | None,
) -> dict[str, Any]:
    """Content of `config.json`."""
    return about_run(run_id, recipe, command) | {"settings": settings, "data": data_record(sets)}


def about_run(run_id: str, recipe: RecipeRecord | None, command: list[str] | None) -> dict[str, Any]:
    """What every `config.json` says: which run, when, by what command, where."""
    return {
        "format": FORMAT,
        "id": run_id,
        "created": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": command,
        "recipe": None if recipe is None else dataclasses.asdict(recipe),
        "environment": environment(),
    }


def settings(prepared: Prepared) -> dict[str, Any]:
    """The resolved settings; what has no name is said to be passed in by the caller."""
    experiment = prepared.experiment
    return {
        "epochs": experiment.epochs,
        "batch_size": experiment.batch_size,
        "seed": experiment.seed,
        "optimizer": experiment.optimizer if isinstance(experiment.optimizer, str) else CALLER,
        "learning_rate": plain(experiment.learning_rate),
        "optimizer_arguments": {name: plain(value) for name, value in experiment.optimizer_arguments.items()},
        "loss": prepared.loss.name,
        "loss_arguments": loss_arguments(prepared.loss),
        "metrics": [metric.name for metric in prepared.metrics],
        "patience": experiment.patience,
        "monitor": experiment.monitor,
        "ema_decay": experiment.ema_decay,
        "accumulate_steps": experiment.accumulate_steps,
        "on_non_finite": experiment.on_non_finite,
        "max_restarts": experiment.max_restarts,
        "watch_learning_rate": experiment.watch_learning_rate,
        "augment": None if experiment.augment is None else repr(experiment.augment),
    }


def plain(value: Any) -> Any:
    """A number or a word as it is; of a schedule, or anything else that is no plain value, who gave it."""
    return value if value is None or isinstance(value, bool | int | float | str) else CALLER


def loss_arguments(loss: Any) -> dict[str, Any] | str:
    """Fields of a loss of the table, from which it is built again."""
    return dataclasses.asdict(loss) if type(loss) in LOSSES.values() else CALLER


def data_record(sets: dict[str, Dataset]) -> dict[str, Any]:
    """Name, meaning, sizes and content hashes of the data; the set "train" says what they are."""
    train = sets["train"]
    return {
        "name": train.name,
        "task": train.task,
        "class_names": None if train.class_names is None else list(train.class_names),
        "feature_names": None if train.feature_names is None else list(train.feature_names),
        "input_shape": list(train.inputs.shape[1:]),
        "sizes": {name: len(data) for name, data in sets.items()},
        "sha256": {name: sha256(data) for name, data in sets.items()},
    }


def data_sets(prepared: Prepared) -> dict[str, Dataset]:
    """The data sets that were given, by name."""
    names = ("train", "validation", "test", "calibration")
    named = {name: getattr(prepared, f"{name}_data") for name in names}
    return {name: data for name, data in named.items() if data is not None}


def model_record(prepared: Prepared) -> dict[str, Any]:
    """Content of `model.json`."""
    described = describe_model(prepared.experiment.model)
    name, arguments = described if described is not None else (None, {})
    inputs = prepared.train_data.inputs
    layers = summary(prepared.experiment.model, inputs.shape[1:], inputs.dtype)
    rows = [
        {
            "path": layer.path,
            "type": layer.type,
            "output_shape": list(layer.output_shape),
            "parameters": layer.parameters,
            "multiply_adds": layer.multiply_adds,
        }
        for layer in layers
    ]
    return {
        "source": CALLER if described is None else "registry",
        "architecture": name,
        "arguments": arguments,
        "parameters": sum(row["parameters"] for row in rows),
        "multiply_adds": sum(row["multiply_adds"] for row in rows),
        "summary": rows,
    }


def differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """One phrase for each entry of the environment that is not what it was."""
    names = sorted(before.keys() | now.keys())
    return [f"{n} was {before.get(n)}, is {now.get(n)}" for n in names if before.get(n) != now.get(n)]
