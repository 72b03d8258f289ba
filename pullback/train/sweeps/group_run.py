"""Members of one program trained together: their epochs, what is recorded of them, and those that have ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from pullback.optim.settings import settings_in_force
from pullback.train.epochs import Pace, epoch_record
from pullback.train.experiment import Prepared
from pullback.train.held_out import scores
from pullback.train.position import Position, judged, next_epoch
from pullback.train.state import TrainingState
from pullback.train.step import init_totals
from pullback.train.sweeps.groups import data_of, held_out_of
from pullback.train.sweeps.programs import GroupPrograms
from pullback.train.sweeps.shard import Shard, joined, judged_of, on_device, side_by_side, size_of_shards, split, taken

# Of a dispatch. Members in turn are quicker the longer each is trained before the next, while its weights are cached.
DISPATCH_SECONDS = 1.0
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
        self._told: set[int] = set()
        self._pace = Pace(programs.in_loop, DISPATCH_SECONDS)
        self._data = data_of(self.group.train)
        self._validation = None
        if self.group.validation is not None:
            self._validation = held_out_of(self.group.validation, self.group.first.evaluation_batch_size)
        self._shards: list[Shard] = []
        start = _members_of(programs.start(), chosen)
        self.place(start, None if self._validation is None else judged_of(start))

    def place(self, state: TrainingState, best: Any) -> None:
        """Go on from here: state and best of the active members, on the host."""
        size = size_of_shards(self.programs.route, len(self.active), self.programs.threads)
        self._shards = [
            Shard(
                self.group,
                [self.active[place] for place in places],
                on_device(_members_of(state, places)),
                None if best is None else on_device(taken(best, places)),
            )
            for places in split(range(len(self.active)), size)
        ]

    @property
    def state(self) -> TrainingState:
        """State of the active members, on the host."""
        parts = [shard.state._replace(step=None) for shard in self._shards]
        return self._joined(parts)._replace(step=np.asarray(self._shards[0].state.step))

    @property
    def best(self) -> Any:
        """Parameters and memory of the best epoch of the active members, on the host; None without validation."""
        return None if self._validation is None else self._joined([shard.best for shard in self._shards])

    @property
    def step(self) -> int:
        """Updates made so far."""
        return int(self._shards[0].state.step)

    @property
    def going(self) -> list[int]:
        """The places of members that have not ended."""
        return [index for index in self.active if self.positions[index].reason is None]

    def restore(self, state: TrainingState, best: Any, positions: dict[int, Position]) -> None:
        """Where the members stood when a checkpoint was written; those that had ended are not told again."""
        self.place(state, best)
        self.positions = positions
        self._told = {place for place, position in positions.items() if position.reason is not None}

    def run_epoch(self) -> list[Ended] | None:
        """The rest of an epoch; the members that ended with it, or None if a stop was asked for before its end."""
        epoch = self.positions[self.going[0]].epoch
        end = epoch * self.group.first.steps_per_epoch
        orders = [jnp.asarray(self.group.order(epoch, shard.places)) for shard in self._shards]
        number = jnp.asarray(epoch, jnp.int32)
        step = self.step
        while step < end:
            count = self._pace.count(end - step)
            self._update(orders, number, count)
            step += count
            if self._between(self):
                return None
        return self._close(step)

    def _update(self, orders: list[Array], epoch: Array, count: int) -> None:
        times = self._pace.on_device(count)
        calls = [
            self.programs.updating(shard.state, shard.values, self._data, order, epoch, times)
            for shard, order in zip(self._shards, orders, strict=True)
        ]
        # From here on, so that the time of compiling does not count.
        started = time.perf_counter()
        for shard, state in zip(self._shards, side_by_side(calls), strict=True):
            shard.state = state
        self._pace.finished(count, time.perf_counter() - started)

    def _close(self, step: int) -> list[Ended]:
        """Records, validation, the best, and who has ended."""
        totals = self._joined([shard.state.totals for shard in self._shards])
        bad = self._joined([shard.state.first_bad for shard in self._shards])
        in_force = self._joined([self._in_force(shard) for shard in self._shards])
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
        self._keep(better)
        ended = self._ended()
        self._free()
        return ended

    def _in_force(self, shard: Shard) -> dict[str, Any]:
        """The settings of the optimizer that are logged."""
        every = settings_in_force(shard.state.optimizer)
        return {name: value for name, value in every.items() if _is_logged(name, self.group.first)}

    def _validated(self) -> Any:
        if self._validation is None:
            return None
        calls = [
            self.programs.evaluating(
                shard.judged(), shard.values, self._validation, jnp.asarray(self._validation.batches[shard.places])
            )
            for shard in self._shards
        ]
        return self._joined(side_by_side(calls))

    def _keep(self, better: np.ndarray) -> None:
        """The weights of this epoch for the members whose best it is."""
        if not better.any():
            return
        for shard in self._shards:
            own = np.asarray([better[self.active.index(place)] for place in shard.places])
            shard.best = self.programs.keep(jnp.asarray(own), shard.judged(), shard.best)

    def _ended(self) -> list[Ended]:
        """The members whose reason has just been set; a NaN leaves the best behind, if there was one."""
        places = [(place, index) for place, index in enumerate(self.active) if self._just_ended(index)]
        if not places:
            return []
        last = self._joined([shard.judged() for shard in self._shards])
        best = self.best
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
        going = self.going
        if going and len(going) <= FEWER * len(self.active):
            places = [self.active.index(index) for index in going]
            state, best = self.state, self.best
            self.active = going
            self.place(_members_of(state, places), None if best is None else taken(best, places))
        empty = init_totals(self.group.first.metrics)
        for shard in self._shards:
            shape = (len(shard.places),)
            totals = jax.tree.map(lambda leaf: np.broadcast_to(leaf, (*shape, *leaf.shape)), empty)  # noqa: B023
            shard.state = shard.state._replace(totals=on_device(totals))

    def _joined(self, parts: list[Any]) -> Any:
        return joined(parts, len(self.active))


def _is_logged(name: str, prepared: Prepared) -> bool:
    """Whether the log of a run alone has this setting: what the members differ in is constant for each of them."""
    experiment = prepared.experiment
    if not isinstance(experiment.optimizer, str) or name == "learning_rate":
        return True
    return callable(experiment.optimizer_arguments.get(name))


def _members_of(state: TrainingState, places: Sequence[int]) -> TrainingState:
    # Updates are counted once for all.
    return taken(state._replace(step=None), places)._replace(step=np.asarray(state.step))


def _of_one(tree: Any, place: int) -> Any:
    return jax.tree.map(lambda leaf: leaf[place], tree)
