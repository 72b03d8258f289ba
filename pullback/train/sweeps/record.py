"""What the folder of a sweep says of it, and by what a sweep is known again."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from pullback.data import Dataset, sha256
from pullback.train.describe import RecipeRecord, about_run
from pullback.train.sweeps.groups import Group
from pullback.train.sweeps.members import Member


def sweep_config(
    run_id: str,
    groups: Sequence[Group],
    members: Sequence[Member],
    recipe: RecipeRecord | None,
    command: list[str] | None,
) -> dict[str, Any]:
    """Content of `config.json` of a sweep."""
    first = groups[0].first
    higher = {metric.name: metric.higher_is_better for metric in first.metrics}
    monitor = first.experiment.monitor
    return about_run(run_id, recipe, command) | {
        "kind": "sweep",
        "axes": {name: [_json(value) for value in values] for name, values in axes_of(members).items()},
        "members": len(members),
        "data": first.train_data.name,
        "epochs": max(group.first.experiment.epochs for group in groups),
        # By what the members are compared.
        "score": {
            "name": monitor,
            "split": "train" if first.validation_data is None else "validation",
            "higher_is_better": higher.get(monitor, False),
        },
        "digest": digest(members),
    }


def axes_of(members: Sequence[Member]) -> dict[str, list[Any]]:
    """The values of every axis, each once, in their order."""
    values: dict[str, dict[str, Any]] = {name: {} for name in members[0].settings}
    for member in members:
        for name, value in member.settings.items():
            values[name].setdefault(repr(value), value)
    return {name: list(found.values()) for name, found in values.items()}


def _json(value: Any) -> Any:
    """The value, or how it is written where JSON cannot say it."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return repr(value)
    return value


def digest(members: Sequence[Member]) -> str:
    """SHA-256 of the settings, the rows and the first parameters of all members."""
    found = hashlib.sha256()
    seen: dict[int, str] = {}
    for member in members:
        experiment = member.experiment
        for field in dataclasses.fields(experiment):
            value = getattr(experiment, field.name)
            if field.name.endswith("_data"):
                seen.setdefault(id(value), _digest_of_data(value))
                found.update(seen[id(value)].encode())
            elif _is_plain(value) and field.name != "preprocessing" and repr(value) != repr(field.default):
                found.update(json.dumps({field.name: value}, default=_name_of_type, sort_keys=True).encode())
        found.update(json.dumps(member.settings, default=_name_of_type, sort_keys=True).encode())
        for leaf in jax.tree.leaves(experiment.model):
            if hasattr(leaf, "dtype"):
                found.update(np.asarray(leaf).tobytes())
    return found.hexdigest()


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float | tuple | dict)


def _name_of_type(value: Any) -> str:
    # What is written of an object may hold its place in memory.
    return repr(value) if dataclasses.is_dataclass(value) else type(value).__name__


def _digest_of_data(data: Any) -> str:
    if data is None:
        return "none"
    if isinstance(data, Dataset):
        return sha256(data)
    arrays = [np.ascontiguousarray(array) for array in data]
    return "".join(hashlib.sha256(array.tobytes()).hexdigest() for array in arrays)
