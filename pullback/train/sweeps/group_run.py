"""Members of one program trained together: their epochs, what is recorded of them, and those that have ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from pullback.optim.settings import settings_in_force
from pullback.train.epochs import Pace, epoch_record
from pullback.train.experiment import Prepared
from pullback.train.held_out import scores
from pullback.train.position import Position, judged, next_epoch
from pullback.train.state import TrainingState
from pullback.train.step import init_totals
from pullback.train.sweeps.groups import Values, data_of, held_out_of
from pullback.train.sweeps.programs import GroupPrograms

# The program is compiled for fewer members when no more than this part of them is still going.
FEWER = 0.5


class Ended(NamedTuple):
    """A member that has ended: its place in the group, parameters and memory on the host, where it stood."""

    place: int
    params: Any
    memory: Any
    position: Position


class GroupRun:
    """The members at the places `chosen` of a group, in training.

    Parameters
    ----------
    programs : what the group compiles.
    chosen : places in the group; they are trained together from the start.
    record : receives the place of a member and a record of its epoch.
    between : called between dispatches; whether to stop.
    """

    def __init__(
        self,
        programs: GroupPrograms,
        chosen: list[int],
        record: Callable[[int, dict[str, Any]], None],
        between: Callable[[GroupRun], bool],
    ) -> None:
        self.programs, self.active = programs, chosen
        self.group = programs.group
        self.positions = {index: Position() for index in chosen}
        self._record, self._between = record, between
        self.state = self._take(programs.start(), np.asarray(chosen))
        self._told: set[int] = set()
        self.best: Any = None
        if self.group.validation is not None:
            self.best = jax.tree.map(jnp.copy, self._judged())
        self._data = data_of(self.group.train)
        self._validation = None
        if self.group.validation is not None:
            self._validation = held_out_of(self.group.validation, self.group.first.evaluation_batch_size)

    @property
    def step(self) -> int:
        """Updates made so far."""
        return int(self.state.step)

    @property
    def going(self) -> list[int]:
        """The places of members that have not ended."""
        return [index for index in self.active if self.positions[index].reason is None]

    def restore(self, positions: dict[int, Position]) -> None:
        """Where the members stood when a checkpoint was written; those that had ended are not told again."""
        self.positions = positions
        self._told = {place for place, position in positions.items() if position.reason is not None}

    def run_epoch(self) -> list[Ended] | None:
        """The rest of an epoch; the members that ended with it, or None if a stop was asked for before its end."""
        epoch = self.positions[self.going[0]].epoch
        end = epoch * self.group.first.steps_per_epoch
        order = jnp.asarray(self.group.order(epoch, self.active))
        values, number = self.values(), jnp.asarray(epoch, jnp.int32)
        pace, step = Pace(self.programs.in_loop), self.step
        while step < end:
            count = pace.count(end - step)
            started = time.perf_counter()
            self.state = self.programs.update(self.state, values, self._data, order, number, pace.on_device(count))
            step += count
            jax.block_until_ready(self.state.first_bad)
            pace.finished(count, time.perf_counter() - started)
            if self._between(self):
                return None
        return self._close(step)

    def _close(self, step: int) -> list[Ended]:
        """Records, validation, the best, and who has ended."""
        totals, bad = jax.tree.map(np.asarray, (self.state.totals, self.state.first_bad))
        in_force = settings_in_force(self.state.optimizer)
        in_force = {name: np.asarray(value) for name, value in in_force.items() if _is_logged(name, self.group.first)}
        held_out = self._validated()
        better = np.zeros(len(self.active), bool)
        for place, index in enumerate(self.active):
            if self.positions[index].reason is not None:
                continue
            position = replace(self.positions[index], step=step)
            if bad[place] >= 0:
                self.positions[index] = replace(position, reason=f"not finite at update {int(bad[place]) + 1}")
                continue
            own = {name: value[place] for name, value in in_force.items()}
            prepared = self.group.prepared[index]
            record = epoch_record(prepared, position, own, _of_one(totals, place))
            if held_out is not None:
                record["validation"] = scores(prepared.metrics, _of_one(held_out, place))
                position = judged(position, prepared, record["validation"][prepared.experiment.monitor])
                record["best"] = position.best_epoch == position.epoch
                better[place] = record["best"]
            self._record(index, record)
            self.positions[index] = next_epoch(position, prepared)
        if self.best is not None and better.any():
            self.best = self.programs.keep(jnp.asarray(better), self._judged(), self.best)
        ended = self._ended()
        self._free()
        return ended

    def _validated(self) -> Any:
        if self._validation is None:
            return None
        judged_params = self._judged()
        found = self.programs.evaluate(
            judged_params["params"],
            judged_params["memory"],
            self.values(),
            self._validation,
            jnp.asarray(self._validation.batches[self.active]),
        )
        return jax.tree.map(np.asarray, found)

    def _judged(self) -> dict[str, Any]:
        """What is validated and handed back: the moving average where there is one."""
        params = self.state.params if self.state.average is None else self.state.average
        return {"params": params, "memory": self.state.memory}

    def _ended(self) -> list[Ended]:
        """The members whose reason has just been set; a NaN leaves the best behind, if there was one."""
        places = [(place, index) for place, index in enumerate(self.active) if self._just_ended(index)]
        if not places:
            return []
        last = jax.tree.map(np.asarray, self._judged())
        best = last if self.best is None else jax.tree.map(np.asarray, self.best)
        found = []
        for place, index in places:
            position = self.positions[index]
            kept = _of_one(last if position.best_epoch is None else best, place)
            found.append(Ended(index, kept["params"], kept["memory"], position))
        self._told |= {index for _, index in places}
        return found

    def _just_ended(self, index: int) -> bool:
        return self.positions[index].reason is not None and index not in self._told

    def _free(self) -> None:
        """Fresh statistics; and where many members have ended, only the others go on."""
        empty = init_totals(self.group.first.metrics)
        going = self.going
        if going and len(going) <= FEWER * len(self.active):
            places = np.asarray([self.active.index(index) for index in going])
            self.state = self._take(self.state, places)
            self.best = None if self.best is None else _taken(self.best, places)
            self.active = going
        many = len(self.active)
        totals = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (many, *leaf.shape)).copy(), empty)
        self.state = self.state._replace(totals=totals)

    def values(self) -> Values:
        """The numbers in which the active members differ."""
        return _taken(self.group.values, np.asarray(self.active))

    def _take(self, state: TrainingState, places: np.ndarray) -> TrainingState:
        # Updates are counted once for all.
        return _taken(state._replace(step=None), places)._replace(step=state.step)


def _is_logged(name: str, prepared: Prepared) -> bool:
    """Whether the log of a run alone has this setting: what the members differ in is constant for each of them."""
    experiment = prepared.experiment
    if not isinstance(experiment.optimizer, str) or name == "learning_rate":
        return True
    return callable(experiment.optimizer_arguments.get(name))


def _taken(tree: Any, places: np.ndarray) -> Any:
    """The members at these places, in fresh arrays."""
    index = jnp.asarray(places)
    return jax.tree.map(lambda leaf: jnp.take(leaf, index, axis=0), tree)


def _of_one(tree: Any, place: int) -> Any:
    return jax.tree.map(lambda leaf: leaf[place], tree)
