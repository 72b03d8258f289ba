"""Many experiments that differ in numbers, trained as members of few compiled programs."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from pullback.core.checks import non_negative, positive
from pullback.core.errors import ConfigurationError, RunFolderError
from pullback.train import folder as run_folder
from pullback.train.describe import RecipeRecord, environment
from pullback.train.outcome import Run
from pullback.train.progress import choose
from pullback.train.sweeps.groups import build_groups
from pullback.train.sweeps.members import Axes, Member, Source, build_members
from pullback.train.sweeps.route import known_route
from pullback.train.sweeps.session import Session


@dataclass(frozen=True)
class SweepMember:
    """One member of a sweep after its end.

    Parameters
    ----------
    number : from 0, in the order of the axes.
    settings : its value on every axis.
    run : what `train.run` would have given, with model, history and evaluation.
    """

    number: int
    settings: dict[str, Any]
    run: Run

    @property
    def diverged(self) -> bool:
        """Whether a number was not finite."""
        return self.run.reason.startswith("not finite")


@dataclass(frozen=True)
class Sweep:
    """What `sweep` gives back.

    Parameters
    ----------
    axes : the values of every axis.
    members : in the order of the axes.
    notes : how the members were computed, and why.
    folder : of the sweep, or None.
    """

    axes: dict[str, list[Any]]
    members: tuple[SweepMember, ...]
    notes: tuple[str, ...]
    folder: Path | None

    def scores(self, name: str = "loss", split: str = "validation") -> list[float]:
        """The score of every member at the epoch whose weights it hands back; infinite where it diverged.

        Raises
        ------
        ConfigurationError
            if the score was not recorded.
        """
        return [_score(member, name, split) for member in self.members]


def _score(member: SweepMember, name: str, split: str) -> float:
    history = member.run.history
    if member.diverged or not history:
        return float("inf")
    record = next((each for each in history if each.get("best")), history[-1])
    for each in history:
        record = each if each.get("best") else record
    if split not in record or name not in record[split]:
        raise ConfigurationError(
            f"the members have no {split} {name}",
            expected=" or ".join(f"{part} {key}" for part in ("train", "validation") for key in record.get(part, {})),
            got=f"{split} {name}",
            fix="choose a score that was recorded, or pass validation_data",
        )
    value = record[split][name]
    return float("inf") if value is None else value


def sweep(
    source: Source,
    axes: Axes,
    *,
    run_dir: str | Path | None = None,
    route: str = "auto",
    memory: float | None = None,
    checkpoint_seconds: float = 10.0,
    progress: bool = True,
    recipe: RecipeRecord | None = None,
    command: list[str] | None = None,
) -> Sweep:
    r"""Train every combination of settings, as members $k$ of as few compiled programs as there are shapes.

    $$ \theta^{(k)}_{t+1} = \theta^{(k)}_t + u\big(\nabla C^{(k)}(\theta^{(k)}_t), s^{(k)}_t;\ \alpha^{(k)}\big) $$

    Members that differ in numbers alone (seed, start, settings and schedules of the optimizer, rates of dropout, rows)
    share a program. Each draws its own random numbers and its own order of rows, so that it is what `train.run` gives
    for it alone: to the last bit by "map" and "one by one", to rounding by "vmap". Where a number is not finite that
    member ends; the others do not notice. Members whose patience has run out end, and when half are left, the program
    is compiled for these alone.

    Parameters
    ----------
    source : an `Experiment`, whose fields and optimizer's arguments the axes change; or a function of settings that
        returns one. A model starts anew with a seed only if a function makes it.
    axes : the values of each setting by name, such as `{"learning_rate": [1e-3, 1e-2], "seed": [0, 1, 2]}`.
    run_dir : folder of the sweep, with a run folder for each member; without it nothing is written.
    route : "vmap" (side by side), "map" (in turn inside the program), "one by one" (each dispatched alone), or "auto":
        the faster of the first two, as measured; on a CPU convolutions go one by one.
    memory : bytes that the members trained at once may take, by default half of what is free; more members than fit
        are split, which is said.
    checkpoint_seconds : time between checkpoints of all members in training.

    Raises
    ------
    ConfigurationError, DataError, ShapeError
        before the first step, for an axis that there is not and for anything that does not fit together.
    Interrupted
        (a SystemExit with code 75) after SIGINT or SIGTERM, with the state saved; see `resume_sweep`.

    Examples
    --------
    >>> from pullback import data, nn
    >>> from pullback.train import Experiment
    >>> model = nn.Linear(4, 3, key=jax.random.key(0))
    >>> experiment = Experiment(model, data.load("iris"), "categorical_cross_entropy", optimizer="sgd", epochs=5)
    >>> found = sweep(experiment, {"learning_rate": [0.001, 0.01, 0.1]}, progress=False)
    >>> losses = found.scores("loss", "train")
    >>> [member.settings for member in found.members], losses == sorted(losses, reverse=True)
    ([{'learning_rate': 0.001}, {'learning_rate': 0.01}, {'learning_rate': 0.1}], True)
    """
    non_negative("checkpoint_seconds", checkpoint_seconds)
    known_route(route)
    if memory is not None:
        positive("memory", memory)
    members = build_members(source, axes)
    groups = build_groups(members)
    folder = None
    if run_dir is not None:
        files = {"config.json": _config(Path(run_dir), axes, members, recipe, command)}
        folder = run_folder.create(Path(run_dir), files, {})
    session = Session(groups, members, folder, recipe, command, checkpoint_seconds, choose(progress))
    runs = session.run(route, memory)
    return _result(axes, members, runs, session)


def resume_sweep(
    source: Source, run_dir: str | Path, *, checkpoint_seconds: float = 10.0, progress: bool = True
) -> Sweep:
    """Go on with a sweep from its folder, from the source it was started with; equal to one that was never stopped.

    Raises
    ------
    RunFolderError
        if the folder is no sweep, or is still in use.
    DataError
        if the source does not make the members of the sweep.
    """
    path = Path(run_dir)
    about = run_folder.read_config(path)
    if about.get("kind") != "sweep":
        raise RunFolderError(
            f"{path} is the folder of one run", expected="a sweep", got="a run", fix="use train.resume for a run"
        )
    members = build_members(source, about["axes"])
    recipe = None if about["recipe"] is None else RecipeRecord(**about["recipe"])
    opened = run_folder.open_folder(path)
    if digest(members) != about["digest"]:
        opened.lock.release()
        raise ConfigurationError(
            "the source does not make the members of this sweep",
            expected="models and settings with the digest in config.json",
            got="others",
            fix="pass the source that the sweep was started with",
        )
    groups = build_groups(members)
    session = Session(groups, members, opened, recipe, about["command"], checkpoint_seconds, choose(progress))
    return _result(about["axes"], members, session.run("auto", None, resuming=True), session)


def _result(axes: Axes, members: Sequence[Member], runs: dict[int, Run], session: Session) -> Sweep:
    found = tuple(SweepMember(member.number, member.settings, runs[member.number]) for member in members)
    values = {name: list(dict.fromkeys(member.settings[name] for member in members)) for name in axes}
    path = None if session.folder is None else session.folder.path
    return Sweep(values, found, tuple(session.notes), path)


def _config(
    path: Path, axes: Axes, members: Sequence[Member], recipe: RecipeRecord | None, command: list[str] | None
) -> dict[str, Any]:
    values = {name: list(dict.fromkeys(member.settings[name] for member in members)) for name in axes}
    return {
        "format": run_folder.FORMAT,
        "kind": "sweep",
        "id": path.name,
        "created": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": command,
        "recipe": None if recipe is None else asdict(recipe),
        "axes": values,
        "members": len(members),
        "digest": digest(members),
        "environment": environment(),
    }


def digest(members: Sequence[Member]) -> str:
    """SHA-256 of the settings and the first parameters of all members."""
    found = hashlib.sha256()
    for member in members:
        found.update(json.dumps(member.settings, default=repr, sort_keys=True).encode())
        for leaf in jax.tree.leaves(member.experiment.model):
            if hasattr(leaf, "dtype"):
                found.update(np.asarray(leaf).tobytes())
    return found.hexdigest()
