"""The sweeps of a comparison, one after another, and the folder that they lie in."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from pullback.core.errors import CheckpointError, PullbackError
from pullback.train import folder as run_folder
from pullback.train.checkpoint import read_checkpoint
from pullback.train.describe import RecipeRecord, about_run
from pullback.train.folder import RunFolder
from pullback.train.interruption import Interrupted, Interruption
from pullback.train.log import Log
from pullback.train.sweeps import Sweep, resume_sweep, sweep
from pullback.train.sweeps.members import Axes, Source

KIND, SWEEPS, RESULT = "comparison", "sweeps", "comparison.json"


class Trainings:
    """Trains the sweeps of a comparison; with a folder each lies in it, and those that have begun there go on.

    What cannot begin, because the experiments are wrong, leaves no folder behind.
    """

    def __init__(
        self,
        *,
        folder: RunFolder | None = None,
        route: str = "auto",
        memory: float | None = None,
        progress: bool = False,
        recipe: RecipeRecord | None = None,
        command: list[str] | None = None,
    ) -> None:
        self._folder, self._route, self._memory, self._progress = folder, route, memory, progress
        self._recipe, self._command = recipe, command
        # Written anew when resuming: the sweeps themselves remember what was done.
        self._log = None if folder is None else Log(folder.path / "metrics.jsonl", keep_bytes=0)
        self._number = 0
        self._interruption = Interruption()

    def __enter__(self) -> Trainings:
        self._interruption.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._interruption.__exit__(kind, error, traceback)
        if self._folder is None or self._log is None:
            return
        self._log.close()
        if isinstance(error, PullbackError) and not any(self._folder.path.glob(f"{SWEEPS}/*/config.json")):
            shutil.rmtree(self._folder.path)
        self._folder.lock.release()

    def sweep(self, label: str, source: Source, axes: Axes) -> Sweep:
        """Train these members, or read them and go on where they were begun before.

        Raises
        ------
        Interrupted
            after a signal, with the state saved.
        """
        if self._interruption.requested:
            raise Interrupted(None)
        if self._folder is None or self._log is None:
            return sweep(source, axes, route=self._route, memory=self._memory, progress=self._progress)
        path = self._folder.path / SWEEPS / f"{self._number:02d}-{label}"
        self._number += 1
        if _has_begun(path):
            found = resume_sweep(source, path, axes=axes, progress=self._progress)
        else:
            shutil.rmtree(path, ignore_errors=True)
            found = sweep(
                source,
                axes,
                run_dir=path,
                route=self._route,
                memory=self._memory,
                progress=self._progress,
                recipe=self._recipe,
                command=self._command,
            )
        epochs = max(len(member.run.history) for member in found.members)
        self._log.write({"event": "sweep", "number": self._number, "name": path.name, "epochs": epochs})
        return found

    def finish(self, record: dict[str, Any], winner: str | None) -> None:
        """Write the result."""
        if self._folder is not None and self._log is not None:
            self._folder.save_json(RESULT, record)
            self._log.write({"event": "finished", "winner": winner})


def begin(
    run_dir: str | Path | None,
    design: dict[str, Any],
    sweeps: int,
    *,
    route: str,
    memory: float | None,
    progress: bool,
    recipe: RecipeRecord | None,
    command: list[str] | None,
) -> Trainings:
    """Trainings of a new comparison, in a new folder where one is wanted.

    Parameters
    ----------
    design : what is compared, in plain JSON, with its kind under "of".
    sweeps : how many there will be.
    """
    folder = None
    if run_dir is not None:
        about = about_run(Path(run_dir).name, recipe, command)
        plan = {"kind": KIND, "design": design, "sweeps": sweeps, "route": route, "memory": memory}
        folder = run_folder.create(Path(run_dir), {"config.json": about | plan}, {})
    return Trainings(
        folder=folder, route=route, memory=memory, progress=progress, recipe=recipe, command=command
    )  # fmt: skip


def go_on(run_dir: Path, *, progress: bool) -> Trainings:
    """Trainings of a comparison that was begun in this folder."""
    folder = run_folder.open_folder(run_dir)
    about = folder.config
    recipe = None if about["recipe"] is None else RecipeRecord(**about["recipe"])
    return Trainings(
        folder=folder, route=about["route"], memory=about["memory"], progress=progress, recipe=recipe,
        command=about["command"],
    )  # fmt: skip


def _has_begun(path: Path) -> bool:
    if not (path / "config.json").is_file():
        return False
    try:
        read_checkpoint(path / "checkpoints")
    except CheckpointError:
        # Killed before the first checkpoint, so that there is nothing to go on from.
        return False
    return True


def listed(values: np.ndarray) -> list[Any]:
    """Nested lists with None for what is not finite, which JSON can say."""
    plain = values.astype(object)
    plain[~np.isfinite(values)] = None
    return plain.tolist()


def unlisted(values: list[Any], bad: float) -> np.ndarray:
    """What was `listed`, with `bad` for None."""
    # As a float array None is NaN.
    found = np.array(values, float)
    return np.where(np.isnan(found), bad, found)
