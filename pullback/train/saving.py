"""The state of training saved and restored, and the model that is handed back."""

from __future__ import annotations

import time
from typing import Any

import jax
from jaxtyping import Array

from pullback.train.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from pullback.train.loop import BadStep, Loop, evaluated_params
from pullback.train.position import Position
from pullback.train.state import from_named_arrays, named_arrays, to_device, to_host


def save_is_due(loop: Loop) -> bool:
    """Whether the last checkpoint is old enough for another."""
    return time.monotonic() - loop.saved_at >= loop.checkpoint_seconds


def save(loop: Loop) -> None:
    """Remember the state on the host and, with a run folder, on the disk; a bad state is never saved.

    Raises
    ------
    BadStep
        if the state is not finite.
    """
    host = to_host(loop.state)
    if int(host.first_bad) >= 0:
        raise BadStep
    loop.saved = (host, loop.position)
    if loop.folder is not None and loop.log is not None:
        loop.log.sync()
        arrays = named_arrays(host, "state")
        if loop.best is not None:
            arrays |= named_arrays(loop.best, "best")
        if loop.good is not None:
            arrays |= named_arrays(loop.good, "good")
        checkpoint = Checkpoint(arrays, vars(loop.position), loop.log.size)
        save_checkpoint(loop.folder.checkpoints, checkpoint)
    loop.saved_at = time.monotonic()


def restore(loop: Loop) -> tuple[int, list[str]]:
    """Take the state from the newest whole checkpoint; length of the log then, and what was found damaged."""
    assert loop.folder is not None
    checkpoint, notes = load_checkpoint(loop.folder.checkpoints)
    state = loop.state
    host = from_named_arrays(state, checkpoint.arrays, "state", "the checkpoint")
    loop.position = Position(**checkpoint.position)
    if loop.position.best_epoch is not None:
        template = {"params": state.params, "memory": state.memory}
        loop.best = from_named_arrays(template, checkpoint.arrays, "best", "the checkpoint")
    if loop.prepared.experiment.on_non_finite == "restart":
        loop.good = from_named_arrays(state, checkpoint.arrays, "good", "the checkpoint")
    loop.leaves = jax.tree.leaves(to_device(state, host))
    loop.saved = (host, loop.position)
    return checkpoint.log_bytes, notes


def chosen(loop: Loop) -> tuple[list[Array], dict[str, Any]]:
    """Parameters and memory of the model that is handed back: the best where validation chose one."""
    if loop.best is None:
        return jax.tree.leaves(evaluated_params(loop)), loop.state.memory
    template = {"params": loop.state.params, "memory": loop.state.memory}
    best = to_device(template, loop.best)
    return jax.tree.leaves(best["params"]), best["memory"]
