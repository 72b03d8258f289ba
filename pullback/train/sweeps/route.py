"""How the members of a group are computed, by what was measured, and how many of them at once, by their memory."""

from __future__ import annotations

import math
import os
import statistics
import time
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from pullback.core.checks import positive
from pullback.core.errors import unknown_name
from pullback.nn.summary import summary
from pullback.train.program import Programs
from pullback.train.sweeps.group_run import GroupRun
from pullback.train.sweeps.groups import Group, data_of
from pullback.train.sweeps.programs import ROUTES, GroupPrograms

# Updates of all members that a measurement takes, and how often it is repeated.
UPDATES, REPEATS = 2, 3
# Of the memory that is free, the part that a sweep may take.
SHARE_OF_MEMORY = 0.5
# Bytes of an activation, and of a row's number.
ITEM = 4


class Plan(NamedTuple):
    """The route, the programs, how many members are trained at once, and why, in one sentence."""

    programs: GroupPrograms
    at_once: int
    reason: str


def plan(group: Group, route: str, programs: Programs, memory: float | None) -> Plan:
    """The route that was asked for or the faster one, and the members that fit into memory together.

    Raises
    ------
    ConfigurationError
        for a route outside the list.
    """
    known_route(route)
    alone = GroupPrograms(group, programs, "one by one")
    slow = not alone.in_loop
    if slow or route == "one by one" or group.size == 1:
        why = "convolutions are slow inside a loop of a compiled program" if slow else "as asked for"
        why = "it is the only member of its program" if group.size == 1 else why
        return Plan(alone, 1, f"one by one: {why}")
    bytes_each = member_bytes(group)
    allowed = SHARE_OF_MEMORY * free_memory() if memory is None else positive("memory", memory)
    fitting = max(1, min(group.size, int(allowed // bytes_each)))
    if route != "auto":
        return Plan(GroupPrograms(group, programs, route), fitting, f"{route}: as asked for" + _split(group, fitting))
    tried = {n: GroupPrograms(group, Programs(group.first.convolutional, programs.say), n) for n in ("vmap", "map")}
    seconds = {name: _measure(each, fitting) for name, each in tried.items()}
    best = min(seconds, key=lambda name: seconds[name])
    measured = ", ".join(f"{name} {1000 * value:.3g} ms" for name, value in seconds.items())
    why = f"{best}: an update of all takes {measured}"
    return Plan(tried[best], fitting, why + _split(group, fitting))


def known_route(route: str) -> None:
    """Raise for a route outside the list."""
    if route not in ("auto", *ROUTES):
        raise unknown_name("route", route, ("auto", *ROUTES))


def _split(group: Group, fitting: int) -> str:
    if fitting == group.size:
        return ""
    return f"; {fitting} of {group.size} members at once, as more would not fit into memory"


def member_bytes(group: Group) -> float:
    """What one member takes in training: its state twice, its gradient, and what the layers hand on for one batch."""
    prepared, experiment = group.first, group.first.experiment
    params = sum(leaf[0].nbytes for leaf in jax.tree.leaves(group.params))
    memory = sum(leaf[0].nbytes for leaf in jax.tree.leaves(group.memory))
    optimizer = sum(
        leaf.size * leaf.dtype.itemsize
        for leaf in jax.tree.leaves(jax.eval_shape(prepared.optimizer.init, _one(group)))
    )
    state = params * (1 if experiment.ema_decay is None else 2) + memory + optimizer
    inputs = prepared.train_data.inputs
    layers = summary(experiment.model, inputs.shape[1:], inputs.dtype)
    row = inputs[0].nbytes + ITEM * sum(math.prod(layer.output_shape) for layer in layers)
    batch = prepared.batch_size // experiment.accumulate_steps
    order = ITEM * prepared.steps_per_epoch * prepared.batch_size
    best = 0 if group.validation is None else params + memory
    return 2 * state + params + best + 2 * batch * row + order


def _one(group: Group) -> Any:
    return jax.tree.map(lambda leaf: leaf[0], group.params)


def free_memory() -> float:
    """Bytes that the system can still give."""
    try:
        with open("/proc/meminfo") as lines:
            fields = dict(line.split(":", 1) for line in lines)
        return 1024.0 * int(fields["MemAvailable"].split()[0])
    except (OSError, KeyError, ValueError):
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")) / 2


def _measure(programs: GroupPrograms, count: int) -> float:
    """Seconds of one update of `count` members; the numbers that come out are thrown away."""
    run = GroupRun(programs, list(range(count)), lambda place, record: None, lambda run: False)
    group = programs.group
    order = jnp.asarray(group.order(1, run.active))
    data, number, updates = data_of(group.train), jnp.asarray(1, jnp.int32), jnp.asarray(UPDATES, jnp.int32)
    seconds = []
    for _ in range(1 + REPEATS):
        started = time.perf_counter()
        run.state = programs.update(run.state, run.values(), data, order, number, updates)
        jax.block_until_ready(run.state.first_bad)
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds[1:]) / UPDATES
