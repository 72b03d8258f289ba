"""Many experiments that differ in numbers, trained as members of few compiled programs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pullback.core.checks import non_negative, positive
from pullback.core.errors import ConfigurationError, RunFolderError
from pullback.train import folder as run_folder
from pullback.train.describe import RecipeRecord
from pullback.train.outcome import Run
from pullback.train.progress import choose
from pullback.train.sweeps.groups import Group, build_groups
from pullback.train.sweeps.members import Axes, Member, Source, build_members
from pullback.train.sweeps.record import axes_of, digest, sweep_config
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
    higher_is_better : scores of which more is better.
    """

    axes: dict[str, list[Any]]
    members: tuple[SweepMember, ...]
    notes: tuple[str, ...]
    folder: Path | None
    higher_is_better: tuple[str, ...] = ()

    def scores(self, name: str = "loss", split: str | None = None) -> list[float]:
        """The score of every member at the epoch whose weights it hands back; infinitely bad where it diverged.

        `split` is "validation" or "train"; by default the validation data, where there were any.

        Raises
        ------
        ConfigurationError
            if the score was not recorded.
        """
        bad = -math.inf if name in self.higher_is_better else math.inf
        return [bad if member.diverged else _score(member, name, split, bad) for member in self.members]


def _score(member: SweepMember, name: str, split: str | None, bad: float) -> float:
    history = member.run.history
    record = ([each for each in history if each.get("best")] or history)[-1]
    split = split or ("validation" if "validation" in record else "train")
    if split not in record or name not in record[split]:
        raise ConfigurationError(
            f"the members have no {split} {name}",
            expected=" or ".join(f"{part} {key}" for part in ("train", "validation") for key in record.get(part, {})),
            got=f"{split} {name}",
            fix="choose a score that was recorded, or pass validation_data",
        )
    value = record[split][name]
    return bad if value is None else value


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

    Members that differ in numbers alone (seed, start, settings and schedules of the optimizer, rates of dropout,
    rows) share a program. Each draws its own random numbers and its own order of rows, so that it is what
    `train.run` gives for it alone: to the last bit by "map" and "one by one", to rounding by "vmap" and with
    convolutions. Where a number is not finite that member ends; the others do not notice. Members whose patience
    has run out end, and when half are left, the program is compiled for these alone.

    Parameters
    ----------
    source : an `Experiment`, whose fields and optimizer's arguments the axes change; or a function of settings that
        returns one. A model starts anew with a seed only if a function makes it.
    axes : the values of each setting by name, such as `{"learning_rate": [1e-3, 1e-2], "seed": [0, 1, 2]}`.
    run_dir : folder of the sweep, with a run folder for each member; without it nothing is written.
    route : "vmap" (side by side), "map" (in turn inside the program), "one by one" (each dispatched alone), or "auto":
        by the size of a member the one of the first two that measured faster; on a CPU convolutions go one by one. On
        each the members are divided among threads, one for each core.
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
    >>> import jax
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
    _check_unwatched(members)
    groups = build_groups(members)
    folder = None
    if run_dir is not None:
        about = sweep_config(Path(run_dir).name, groups, members, recipe, command)
        # What is resumed has to be computed in the same way, programs that were not yet begun included.
        files = {"config.json": about | {"route": route, "memory": memory}}
        folder = run_folder.create(Path(run_dir), files, {})
    session = Session(groups, members, folder, recipe, command, checkpoint_seconds, choose(progress))
    runs = session.run(route, memory)
    return _result(groups, members, runs, session)


def _check_unwatched(members: Sequence[Member]) -> None:
    if any(member.experiment.watch_learning_rate for member in members):
        raise ConfigurationError(
            "the learning rate is watched in single runs only",
            expected="watch_learning_rate=False in every member of a sweep",
            got="a member with watch_learning_rate",
            fix="leave it out here, and train the member that matters alone with train.run",
        )


def resume_sweep(
    source: Source,
    run_dir: str | Path,
    *,
    axes: Axes | None = None,
    checkpoint_seconds: float = 10.0,
    progress: bool = True,
) -> Sweep:
    """Go on with a sweep from its folder, from the source it was started with; equal to one that was never stopped.

    `axes` are needed only where they hold what JSON cannot say, such as schedules.

    Raises
    ------
    RunFolderError
        if the folder is no sweep, or is still in use.
    ConfigurationError
        if the source does not make the members of the sweep.
    """
    path = Path(run_dir)
    about = run_folder.read_config(path)
    if about.get("kind") != "sweep":
        raise RunFolderError(
            f"{path} is the folder of one run", expected="a sweep", got="a run", fix="use train.resume for a run"
        )
    members = build_members(source, about["axes"] if axes is None else axes)
    recipe = None if about["recipe"] is None else RecipeRecord(**about["recipe"])
    if digest(members) != about["digest"]:
        raise ConfigurationError(
            "the source does not make the members of this sweep",
            expected="models, data and settings with the digest in config.json",
            got="others",
            fix="pass the source that the sweep was started with; and its axes, where they are not plain numbers",
        )
    groups = build_groups(members)
    opened = run_folder.open_folder(path)
    session = Session(groups, members, opened, recipe, about["command"], checkpoint_seconds, choose(progress))
    runs = session.run(about.get("route", "auto"), about.get("memory"), resuming=True)
    return _result(groups, members, runs, session)


def _result(groups: Sequence[Group], members: Sequence[Member], runs: dict[int, Run], session: Session) -> Sweep:
    found = tuple(SweepMember(member.number, member.settings, runs[member.number]) for member in members)
    values = axes_of(members)
    path = None if session.folder is None else session.folder.path
    higher = {metric.name for group in groups for metric in group.first.metrics if metric.higher_is_better}
    return Sweep(values, found, tuple(session.notes), path, tuple(sorted(higher)))
