"""What training gives back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import equinox as eqx
import jax

from pullback.train.loop import Loop
from pullback.train.saving import chosen


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


def chosen_model(loop: Loop) -> tuple[Any, dict[str, Any]]:
    """The model that is handed back, whole, and its memory."""
    params, memory = chosen(loop)
    return eqx.combine(jax.tree.unflatten(loop.static.structure, params), loop.static.rest), memory


def partial_run(loop: Loop, reason: str, notes: tuple[str, ...]) -> Run:
    """The run as it stands, with the best weights so far."""
    model, memory = chosen_model(loop)
    path = None if loop.folder is None else loop.folder.path
    return Run(model, memory, tuple(loop.history), {}, reason, path, notes)
