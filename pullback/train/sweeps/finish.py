"""A member that has ended, as the run that it would have been alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from pullback.train import folder as run_folder
from pullback.train.describe import RecipeRecord, config, data_sets, model_record, settings
from pullback.train.experiment import Prepared
from pullback.train.finish import finish
from pullback.train.interruption import Interruption
from pullback.train.log import Log
from pullback.train.loop import Loop, build_loop
from pullback.train.outcome import Run, partial_run
from pullback.train.program import Programs
from pullback.train.progress import Silent
from pullback.train.saving import save
from pullback.train.state import TrainingState
from pullback.train.step import init_totals
from pullback.train.sweeps.group_run import Ended

NO_CHECKPOINTS_LATER = float("inf")


def finish_member(
    prepared: Prepared,
    programs: Programs,
    ended: Ended,
    history: list[dict[str, Any]],
    *,
    path: Path | None,
    recipe: RecipeRecord | None,
    command: list[str] | None,
    about: dict[str, Any] | None,
) -> Run:
    """The run of a member: evaluated on its test rows, and with a `path` written as `train.run` writes it.

    What is kept in the folder is the model that is handed back; the state of the optimizer is not.
    """
    loop = _loop(prepared, programs, ended, history)
    if path is not None:
        sets = data_sets(prepared)
        files = {
            "config.json": config(settings(prepared), sets, path.name, recipe, command),
            "model.json": about if about is not None else model_record(prepared),
            "preprocessing.json": [step.to_json() for step in prepared.experiment.preprocessing],
        }
        # It is not resumed alone, so that its rows need not be kept.
        loop.folder = run_folder.create(path, files, {})
        loop.log = Log(path / "metrics.jsonl")
        for record in history:
            loop.log.write(record)
    try:
        finite = all(np.isfinite(np.asarray(leaf)).all() for leaf in loop.leaves[: loop.static.structure.num_leaves])
        if loop.folder is not None and finite:
            save(loop)
        if not finite or str(ended.position.reason).startswith("not finite"):
            if loop.log is not None:
                loop.log.write({"event": "failure", "reason": ended.position.reason})
            return partial_run(loop, str(ended.position.reason), prepared.notes)
        return finish(loop, prepared.notes)
    finally:
        if loop.log is not None:
            loop.log.close()
        if loop.folder is not None:
            loop.folder.lock.release()


def _loop(prepared: Prepared, programs: Programs, ended: Ended, history: list[dict[str, Any]]) -> Loop:
    # With its own rates of dropout, which the sweep had taken out of the structure.
    structure = jax.tree.structure(eqx.filter(prepared.experiment.model, eqx.is_inexact_array))
    params = jax.tree.unflatten(structure, jax.tree.leaves(ended.params))
    state = TrainingState(
        params=params,
        memory=ended.memory,
        optimizer=(),
        average=None,
        step=jnp.asarray(ended.position.step, jnp.int32),
        totals=init_totals(prepared.metrics),
        first_bad=jnp.full((), -1, jnp.int32),
    )
    loop = build_loop(
        prepared,
        progress=Silent(),
        interruption=Interruption(),
        folder=None,
        checkpoint_seconds=NO_CHECKPOINTS_LATER,
        state=jax.device_put(state),
    )
    loop.programs, loop.position, loop.history = programs, ended.position, history
    loop.best = {"params": params, "memory": ended.memory}
    return loop
