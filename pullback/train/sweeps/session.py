"""A sweep in its folder, from its logs to its end, however it ends."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from pullback.train.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from pullback.train.describe import RecipeRecord, model_record
from pullback.train.folder import RunFolder
from pullback.train.interruption import Interrupted, Interruption
from pullback.train.load import load
from pullback.train.log import Log, read_log
from pullback.train.outcome import Run
from pullback.train.position import Position
from pullback.train.program import Programs
from pullback.train.progress import Progress
from pullback.train.state import from_named_arrays, named_arrays
from pullback.train.sweeps.finish import finish_member
from pullback.train.sweeps.group_run import Ended, GroupRun
from pullback.train.sweeps.groups import Group
from pullback.train.sweeps.members import Member
from pullback.train.sweeps.programs import GroupPrograms
from pullback.train.sweeps.rates import dropout_rates
from pullback.train.sweeps.route import Plan, plan

MEMBERS = "members"


class _Part(NamedTuple):
    """Members of a group that are trained at once."""

    group: int
    places: list[int]


class Session:
    """The groups of a sweep in training, one after another, and what is written of them."""

    def __init__(
        self,
        groups: list[Group],
        members: Sequence[Member],
        folder: RunFolder | None,
        recipe: RecipeRecord | None,
        command: list[str] | None,
        checkpoint_seconds: float,
        shown: Progress,
    ) -> None:
        self.folder, self.notes = folder, list[str]()
        self._groups, self._members, self._shown = groups, members, shown
        self._recipe, self._command, self._seconds = recipe, command, checkpoint_seconds
        self._histories: dict[int, list[dict[str, Any]]] = {member.number: [] for member in members}
        self._runs: dict[int, Run] = {}
        self._plans: dict[int, dict[str, Any]] = {}
        # Evaluations compiled for members whose constants are the same.
        self._finishing: dict[Any, Programs] = {}
        self._about: dict[int, dict[str, Any]] = {}
        self._log: Log | None = None
        self._saved_at = time.monotonic()
        self._interruption = Interruption()

    def run(self, route: str, memory: float | None, resuming: bool = False) -> dict[int, Run]:
        """Train all members; their runs by number.

        Raises
        ------
        Interrupted
            after a signal, with the state saved.
        """
        try:
            with self._interruption:
                checkpoint = self._open(resuming)
                for number in range(len(self._groups)):
                    self._run_group(number, route, memory, checkpoint)
            if self._log is not None:
                self._log.write({"event": "finished", "members": len(self._runs)})
            return self._runs
        finally:
            self._shown.close()
            if self._log is not None:
                self._log.close()
            if self.folder is not None:
                self.folder.lock.release()

    def _open(self, resuming: bool) -> Checkpoint | None:
        """Open the log; when resuming, cut it to the moment of the checkpoint and read what was done before."""
        if self.folder is None:
            return None
        path = self.folder.path / "metrics.jsonl"
        if not resuming:
            self._log = Log(path)
            return None
        checkpoint, notes = load_checkpoint(self.folder.checkpoints)
        self._log = Log(path, keep_bytes=checkpoint.log_bytes)
        for line in notes:
            self._note(line)
        for record in read_log(path):
            if record["event"] == "plan":
                self._plans[record["group"]] = record
            elif record["event"] == "epoch":
                number = record.pop("member")
                self._histories[number].append(record)
            elif record["event"] == "member":
                self._runs[record["member"]] = self._read_member(record["member"], record["reason"])
        return checkpoint

    def _run_group(self, number: int, route: str, memory: float | None, checkpoint: Checkpoint | None) -> None:
        group = self._groups[number]
        if all(member.number in self._runs for member in group.members):
            return
        found = self._plan(number, route, memory)
        for start in range(0, group.size, found.at_once):
            part = _Part(number, list(range(start, min(start + found.at_once, group.size))))
            if not all(group.members[place].number in self._runs for place in part.places):
                self._run_part(part, found, checkpoint)

    def _plan(self, number: int, route: str, memory: float | None) -> Plan:
        group = self._groups[number]
        programs = Programs(group.first.convolutional, self._note)
        if number in self._plans:
            known = self._plans[number]
            return Plan(
                GroupPrograms(group, programs, known["route"], known["threads"]), known["at_once"], known["reason"]
            )
        found = plan(group, route, programs, memory)
        many = f"{group.size} members" if group.size > 1 else "1 member"
        self._note(f"{many} in one program, {found.reason}")
        if self._log is not None:
            about = {"route": found.programs.route, "at_once": found.at_once, "threads": found.programs.threads}
            self._log.write({"event": "plan", "group": number} | about | {"reason": found.reason})
        return found

    def _run_part(self, part: _Part, found: Plan, checkpoint: Checkpoint | None) -> None:
        group = self._groups[part.group]
        at = None if checkpoint is None else checkpoint.position
        restored = at is not None and at["group"] == part.group and at["places"] == part.places
        chosen = at["active"] if restored and at is not None else part.places

        def record(place: int, line: dict[str, Any]) -> None:
            number = group.members[place].number
            self._histories[number].append(line)
            if self._log is not None:
                self._log.write({"event": line["event"], "member": number} | line)

        run = GroupRun(found.programs, chosen, record, lambda now: self._between(now, part))
        if restored and checkpoint is not None:
            _restore(run, checkpoint)
        else:
            self._save(run, part)
        while run.going:
            ended = run.run_epoch()
            if ended is None:
                self._save(run, part)
                self._shown.note(f"stopped by {self._interruption.requested} at update {run.step}; the state is saved")
                raise Interrupted(None)
            for one in ended:
                self._finish(part.group, one)
            self._show(group, run)
            if ended or self._is_due():
                self._save(run, part)

    def _between(self, run: GroupRun, part: _Part) -> bool:
        if self._is_due():
            self._save(run, part)
        return self._interruption.requested is not None

    def _is_due(self) -> bool:
        return time.monotonic() - self._saved_at >= self._seconds

    def _save(self, run: GroupRun, part: _Part) -> None:
        if self.folder is not None and self._log is not None:
            self._log.sync()
            arrays, best = named_arrays(run.state, "state"), run.best
            if best is not None:
                arrays |= named_arrays(best, "best")
            position = {
                "step": run.step,
                "group": part.group,
                "places": part.places,
                "active": run.active,
                "positions": {str(place): asdict(position) for place, position in run.positions.items()},
            }
            save_checkpoint(self.folder.checkpoints, Checkpoint(arrays, position, self._log.size))
        self._saved_at = time.monotonic()

    def _finish(self, group_number: int, ended: Ended) -> None:
        """Evaluate and write a member that has ended."""
        group = self._groups[group_number]
        member, prepared = group.members[ended.place], group.prepared[ended.place]
        key = (group_number, dropout_rates(member.experiment.model))
        programs = self._finishing.setdefault(key, Programs(group.first.convolutional))
        path = None
        if self.folder is not None:
            path = self.member_folder(member.number)
            # What a killed process had begun.
            shutil.rmtree(path, ignore_errors=True)
            if group_number not in self._about:
                self._about[group_number] = model_record(group.first)
        recipe = self._recipe
        if recipe is not None:
            recipe = RecipeRecord(recipe.name, recipe.path, recipe.fields | member.settings)
        self._runs[member.number] = finish_member(
            prepared,
            programs,
            ended,
            self._histories[member.number],
            path=path,
            recipe=recipe,
            command=self._command,
            about=self._about.get(group_number),
        )
        if self._log is not None:
            self._log.write({"event": "member", "member": member.number, "reason": ended.position.reason})

    def member_folder(self, number: int) -> Path:
        """The run folder of a member."""
        assert self.folder is not None
        width = len(str(len(self._members) - 1))
        return self.folder.path / MEMBERS / f"{number:0{width}d}"

    def _read_member(self, number: int, reason: str) -> Run:
        path = self.member_folder(number)
        evaluation: dict[str, Any] = {}
        for record in read_log(path / "metrics.jsonl"):
            if record["event"] == "evaluation":
                evaluation = record["metrics"]
        model, memory = self._members[number].experiment.model, {}
        if (path / "checkpoints").is_dir():
            loaded = load(path, model)
            model, memory = loaded.model, loaded.state
        return Run(model, memory, tuple(self._histories[number]), evaluation, reason, path)

    def _show(self, group: Group, run: GroupRun) -> None:
        last = [self._histories[group.members[place].number] for place in run.positions]
        last = [history[-1] for history in last if history]
        if last:
            experiment = group.first.experiment
            part = "validation" if "validation" in last[0] else "train"
            best = min(last, key=lambda record: record[part]["loss"])
            self._shown.epoch(best, experiment.epochs)

    def _note(self, line: str) -> None:
        self.notes.append(line)
        self._shown.note(line)


def _restore(run: GroupRun, checkpoint: Checkpoint) -> None:
    state = from_named_arrays(run.state, checkpoint.arrays, "state", "the checkpoint")
    best = run.best
    if best is not None:
        best = from_named_arrays(best, checkpoint.arrays, "best", "the checkpoint")
    positions = {int(place): Position(**known) for place, known in checkpoint.position["positions"].items()}
    run.restore(state, best, positions)
