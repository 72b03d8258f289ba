"""How the members of a group are computed, by their size, and how many of them at once, by their memory."""

from __future__ import annotations

import math
import os
from typing import Any, NamedTuple

import jax

from pullback.core.checks import positive
from pullback.core.errors import unknown_name
from pullback.nn.summary import LayerSummary, summary
from pullback.train.program import Programs
from pullback.train.sweeps.groups import Group
from pullback.train.sweeps.programs import ROUTES, GroupPrograms
from pullback.train.sweeps.shard import usable_threads

# Multiply-adds of a batch in a layer, on the average, from which on members in turn are quicker than side by side. On
# two cores "vmap" took 0.65 of the time of "map" at 1,000, 0.9 at 20,000, 0.96 at 75,000, 1.05 at 150,000, 1.15 at
# 400,000 and 2.5 at 2,500,000, where the weights of all members no longer stay in the caches.
MAP_FROM = 2**16
# Of the memory that is free, the part that a sweep may take.
SHARE_OF_MEMORY = 0.5
# Bytes of an activation, and of a row's number.
ITEM = 4


class Plan(NamedTuple):
    """The programs of a route, how many members are trained at once, and why, in one sentence."""

    programs: GroupPrograms
    at_once: int
    reason: str


def plan(group: Group, route: str, programs: Programs, memory: float | None) -> Plan:
    """The route that was asked for or that suits the size, and the members that fit into memory together.

    Raises
    ------
    ConfigurationError
        for a route outside the list.
    """
    known_route(route)
    layers = _layers(group)
    allowed = SHARE_OF_MEMORY * free_memory() if memory is None else positive("memory", memory)
    fitting = max(1, min(group.size, int(allowed // member_bytes(group, layers))))
    route, why = _chosen(group, route, layers, GroupPrograms(group, programs, "one by one").in_loop)
    threads = usable_threads()
    at_once = min(fitting, threads) if route == "one by one" else fitting
    reason = f"{route}: {why}"
    if at_once == fitting < group.size:
        reason += f"; {at_once} of {group.size} members at once, as more would not fit into memory"
    return Plan(GroupPrograms(group, programs, route, threads), at_once, reason)


def _chosen(group: Group, route: str, layers: tuple[LayerSummary, ...], in_loop: bool) -> tuple[str, str]:
    if group.size == 1:
        return "one by one", "it is the only member of its program"
    if not in_loop:
        return "one by one", "convolutions are slow inside a loop of a compiled program"
    if route != "auto":
        return route, "as asked for"
    if jax.default_backend() != "cpu":
        return "vmap", "an accelerator needs many members at once"
    products = [layer.multiply_adds for layer in layers if layer.multiply_adds]
    work = group.first.batch_size * sum(products) / max(1, len(products))
    of_size = f"a batch takes {work:,.0f} multiply-adds in a layer"
    if work < MAP_FROM:
        return "vmap", f"{of_size}, and below {MAP_FROM:,} members side by side are quicker"
    return "map", f"{of_size}, and from {MAP_FROM:,} on members in turn are quicker"


def known_route(route: str) -> None:
    """Raise for a route outside the list."""
    if route not in ("auto", *ROUTES):
        raise unknown_name("route", route, ("auto", *ROUTES))


def _layers(group: Group) -> tuple[LayerSummary, ...]:
    inputs = group.first.train_data.inputs
    return summary(group.first.experiment.model, inputs.shape[1:], inputs.dtype)


def member_bytes(group: Group, layers: tuple[LayerSummary, ...] | None = None) -> float:
    """What one member takes in training: its state twice, its gradient, and what the layers hand on for one batch."""
    prepared, experiment = group.first, group.first.experiment
    one = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), (group.params, group.memory))
    params, memory = map(_bytes, one)
    optimizer = _bytes(jax.eval_shape(prepared.optimizer.init, one[0]))
    state = params * (1 if experiment.ema_decay is None else 2) + memory + optimizer
    outputs = sum(math.prod(layer.output_shape) for layer in layers or _layers(group))
    row = prepared.train_data.inputs[0].nbytes + ITEM * outputs
    batch = prepared.batch_size // experiment.accumulate_steps
    order = ITEM * prepared.steps_per_epoch * prepared.batch_size
    best = 0 if group.validation is None else params + memory
    return 2 * state + params + best + 2 * batch * row + order


def _bytes(tree: Any) -> int:
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


def free_memory() -> float:
    """Bytes that the system can still give."""
    try:
        with open("/proc/meminfo") as lines:
            fields = dict(line.split(":", 1) for line in lines)
        return 1024.0 * int(fields["MemAvailable"].split()[0])
    except (OSError, KeyError, ValueError):
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")) / 2
