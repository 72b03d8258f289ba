"""The members of a program split over the cores: each part is dispatched from a thread of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from pullback.train.state import TrainingState
from pullback.train.sweeps.groups import Group, Values


@dataclass
class Shard:
    """Some members of a group in training.

    Parameters
    ----------
    group : the members they are of.
    places : theirs in the group. Shards are of one size, so that one program serves them: where members are lacking,
        the last is repeated, and what comes of its repetitions is never read.
    state, best : of these members, on the device.
    """

    group: Group
    places: list[int]
    state: TrainingState
    best: Any

    @cached_property
    def values(self) -> Values:
        """The numbers in which its members differ."""
        return on_device(taken(self.group.values, self.places))

    def judged(self) -> dict[str, Any]:
        """What is validated and handed back."""
        return judged_of(self.state)


def judged_of(state: TrainingState) -> dict[str, Any]:
    """What is validated and handed back: the moving average where there is one."""
    return {"params": state.params if state.average is None else state.average, "memory": state.memory}


def usable_threads() -> int:
    """One for each core that this process may use.

    One operation of a small network keeps one core busy. An accelerator is kept busy by all members at once.
    """
    if jax.default_backend() != "cpu":
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def size_of_shards(route: str, members: int, threads: int) -> int:
    """Members of each shard, where so many are trained: as equal as the threads allow."""
    if route == "one by one":
        return 1
    # Of a loop over one member the compiler makes another program, which rounds in another way.
    return max(2, -(-members // threads))


def split(members: Sequence[int], size: int) -> list[list[int]]:
    """The members in parts of one size; the last member fills up the last part.

    Examples
    --------
    >>> split([3, 5, 8], size=2)
    [[3, 5], [8, 8]]
    """
    starts = range(0, len(members), size)
    filled = [*members, *[members[-1]] * (size * len(starts) - len(members))]
    return [filled[start : start + size] for start in starts]


def side_by_side(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """What the calls return, as many at a time as there are cores; a call waits for what it has dispatched."""
    if len(calls) == 1:
        return [jax.block_until_ready(calls[0]())]
    with ThreadPoolExecutor(min(usable_threads(), len(calls))) as pool:
        return list(pool.map(lambda call: jax.block_until_ready(call()), calls))


def joined(parts: Sequence[Any], members: int) -> Any:
    """The parts of a tree one after another on the host, without what filled up the last."""
    host = [jax.tree.map(np.asarray, part) for part in parts]
    return jax.tree.map(lambda *leaves: np.concatenate(leaves)[:members], *host)


def taken(tree: Any, places: Sequence[int]) -> Any:
    """The members at these places, on the host."""
    return jax.tree.map(lambda leaf: np.asarray(leaf)[np.asarray(places)], tree)


def on_device(tree: Any) -> Any:
    """Fresh arrays, fit to be donated."""
    return jax.tree.map(jnp.array, tree)
