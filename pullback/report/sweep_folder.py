"""What the folder of a sweep says, as plain data."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pullback.core.errors import RunFolderError
from pullback.prob import Interval, mean_interval
from pullback.report.records import Record, count, mapping, number, numbers, read_record, read_record_lines, text, texts

FORMAT = 1
# Axes whose values are repetitions and not choices.
REPEATED = ("seed", "fold")


@dataclass(frozen=True)
class SweepMember:
    """A member as the log of its sweep tells it; `score` is infinite on the bad side where it diverged."""

    number: int
    settings: dict[str, Any]
    curve: tuple[float, ...]
    score: float
    scores: dict[str, float]
    reason: str

    @property
    def diverged(self) -> bool:
        return self.reason.startswith("not finite")

    @property
    def epochs(self) -> int:
        return len(self.curve)


@dataclass(frozen=True)
class Setting:
    """Members that differ in seed or fold alone, with the mean of their scores where none diverged."""

    values: dict[str, Any]
    members: tuple[SweepMember, ...]

    @property
    def diverged(self) -> int:
        return sum(member.diverged for member in self.members)

    @property
    def mean(self) -> Interval | None:
        """Student's interval over the members, or None if one diverged or is not finished."""
        return interval_of([member.score for member in self.members])


@dataclass(frozen=True)
class SweepFolder:
    """The folder of a sweep of format 1."""

    path: Path
    id: str
    created: str
    command: tuple[str, ...] | None
    recipe: Record
    data: str
    environment: Record
    axes: dict[str, tuple[Any, ...]]
    score_name: str
    split: str
    higher_is_better: bool
    epochs: int
    members: tuple[SweepMember, ...]
    planned: int
    plans: tuple[str, ...]
    finished: bool
    notes: tuple[str, ...] = field(default=())

    @property
    def choices(self) -> tuple[str, ...]:
        """Axes along which settings are chosen."""
        return tuple(name for name in self.axes if name not in REPEATED)

    @property
    def settings(self) -> tuple[Setting, ...]:
        """Every combination of choices with its members, the best first, those that diverged last."""
        found: dict[str, list[SweepMember]] = {}
        for member in self.members:
            found.setdefault(repr([member.settings[name] for name in self.choices]), []).append(member)
        every = [
            Setting({name: members[0].settings[name] for name in self.choices}, tuple(members))
            for members in found.values()
        ]
        return tuple(sorted(every, key=self._rank))

    def _rank(self, setting: Setting) -> tuple[int, float]:
        mean = setting.mean
        if mean is None:
            return setting.diverged, 0.0
        return -1, -mean.value if self.higher_is_better else mean.value


def interval_of(values: Sequence[float]) -> Interval | None:
    """Student's interval of a mean, or None if a value is not finite or there is none."""
    if not values or not all(map(math.isfinite, values)):
        return None
    return mean_interval(len(values), math.fsum(values), math.fsum(value * value for value in values))


def kind_of(path: Path) -> str:
    """Whether this is the folder of a "sweep", of a "comparison", or, what has no kind of its own, of a "run"."""
    try:
        return text(read_record(path / "config.json"), "kind", "run")
    except RunFolderError:
        return "run"


def read_config_of(path: Path, kind: str) -> Record:
    """The configuration of a folder of this kind, "sweep" or "comparison".

    Raises
    ------
    RunFolderError
        if the folder is missing, of another kind, or of another format version.
    """
    config = read_record(path / "config.json")
    if config.get("kind") != kind or config.get("format") != FORMAT:
        raise RunFolderError(
            f"{str(path)!r} is no folder of a {kind} of this version",
            expected=f"a {kind} of format {FORMAT}",
            got=f"kind {config.get('kind')!r}, format {config.get('format')!r}",
            fix=f"give a folder that a {kind} was written into",
        )
    return config


def read_sweep_folder(folder: str | Path) -> SweepFolder:
    """Read the folder of a sweep; its configuration must be there, its log may be of any length.

    Raises
    ------
    RunFolderError
        if the folder is missing, is no sweep, or is of another format version.
    """
    path = Path(folder)
    config = read_config_of(path, "sweep")
    axes = {name: tuple(_hashable(value) for value in values) for name, values in mapping(config, "axes").items()}
    combinations = [dict(zip(axes, chosen, strict=True)) for chosen in itertools.product(*axes.values())]
    about = mapping(config, "score")
    events, bad = read_record_lines(path / "metrics.jsonl")
    higher = about.get("higher_is_better") is True
    name, split = text(about, "name", "loss"), text(about, "split", "validation")
    return SweepFolder(
        path=path,
        id=text(config, "id", path.name),
        created=text(config, "created"),
        command=texts(config, "command"),
        recipe=mapping(config, "recipe"),
        data=text(config, "data", "data"),
        environment=mapping(config, "environment"),
        axes=axes,
        score_name=name,
        split=split,
        higher_is_better=higher,
        epochs=count(config, "epochs") or 0,
        members=_members(events, combinations, name, split, higher),
        planned=len(combinations),
        plans=tuple(text(event, "reason") for event in events if event.get("event") == "plan"),
        finished=any(event.get("event") == "finished" for event in events),
        notes=("A line of metrics.jsonl is incomplete, as after a kill, and left out.",) if bad else (),
    )


def _hashable(value: Any) -> Any:
    return tuple(map(_hashable, value)) if isinstance(value, list) else value


def _members(
    events: list[Record], combinations: list[dict[str, Any]], name: str, split: str, higher: bool
) -> tuple[SweepMember, ...]:
    epochs: dict[int, list[Record]] = {}
    reasons: dict[int, str] = {}
    for event in events:
        member = count(event, "member")
        if member is None or not 0 <= member < len(combinations):
            continue
        if event.get("event") == "epoch":
            epochs.setdefault(member, []).append(event)
        elif event.get("event") == "member":
            reasons[member] = text(event, "reason")
    return tuple(
        _member(place, combinations[place], epochs.get(place, []), reason, name, split, higher)
        for place, reason in sorted(reasons.items())
    )


def _member(
    place: int, settings: dict[str, Any], epochs: list[Record], reason: str, name: str, split: str, higher: bool
) -> SweepMember:
    kept = next((epoch for epoch in reversed(epochs) if epoch.get("best") is True), epochs[-1] if epochs else {})
    scores = numbers(kept, split)
    score = scores.get(name, math.nan)
    if reason.startswith("not finite") or not math.isfinite(score):
        score = -math.inf if higher else math.inf
    curve = tuple(_or_nan(number(mapping(epoch, split), name)) for epoch in epochs)
    return SweepMember(place, settings, curve, score, scores, reason)


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
