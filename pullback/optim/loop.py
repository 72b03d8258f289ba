"""The one loop that drives every method of minimization."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from pullback.optim.methods.method import Info, Method, State, Work
from pullback.optim.objective import Objective, Point
from pullback.optim.reason import Reason
from pullback.optim.result import Trace


class Progress(NamedTuple):
    """Everything that changes from step to step; within a step the trace is left out."""

    state: State
    stationarity: Float[Array, ""]
    steps: Int[Array, ""]
    work: Work
    best_value: Float[Array, ""]
    best_stationarity: Float[Array, ""]
    stalled: Int[Array, ""]
    reason: Any
    trace: Any


def run(
    objective: Objective, method: Method, x: Float[Array, " n"], tolerance: Any, max_steps: int, keep_path: bool
) -> Progress:
    """Step until there is a reason to end."""
    start = _start(objective, method, x, tolerance, max_steps, keep_path)

    def going(progress: Progress) -> Array:
        return progress.reason == Reason.running

    def advance(old: Progress) -> Progress:
        new, row = _advance(objective, method, old, tolerance, max_steps, keep_path)
        written = jax.tree.map(lambda column, entry: column.at[new.steps].set(entry), old.trace, row)
        return new._replace(trace=written)

    return jax.lax.while_loop(going, advance, start)


def run_many(
    objective: Objective,
    method: Method,
    starts: Float[Array, "starts n"],
    tolerance: Any,
    max_steps: int,
    keep_path: bool,
) -> Progress:
    """`run` from each start, all in step until the last has ended; the results carry a first axis.

    All that run are at the same step, so a step writes one column of each trace. Batched as a whole, the loop would
    copy all traces in every step.
    """
    first = jax.vmap(lambda x: _start(objective, method, x, tolerance, max_steps, keep_path))(starts)

    def going(carry: tuple[Progress, Array]) -> Array:
        return jnp.any(carry[0].reason == Reason.running)

    def advance(carry: tuple[Progress, Array]) -> tuple[Progress, Array]:
        old, step = carry
        bare = old._replace(trace=None)
        new, row = jax.vmap(lambda one: _advance(objective, method, one, tolerance, max_steps, keep_path))(bare)
        running = old.reason == Reason.running

        def keep(after: Array, before: Array) -> Array:
            return jnp.where(jnp.reshape(running, (-1,) + (1,) * (before.ndim - 1)), after, before)

        def write(column: Array, entry: Array) -> Array:
            return column.at[:, step].set(keep(entry, column[:, step]))

        kept = jax.tree.map(keep, new, bare)
        return kept._replace(trace=jax.tree.map(write, old.trace, row)), step + 1

    return jax.lax.while_loop(going, advance, (first, jnp.ones((), jnp.int32)))[0]


def _start(objective: Objective, method: Method, x: Array, tolerance: Any, max_steps: int, keep_path: bool) -> Progress:
    x = method.admissible(objective, x)
    if method.gradient_free:
        point = Point(x, objective.value(x), jnp.full_like(x, jnp.nan))
        work = Work.of(values=1)
    else:
        point = objective.at(x)
        work = Work.of(values=1, gradients=1)
    state = method.init(objective, point)
    point = state.point
    stationarity = method.stationarity(objective, state)
    reason = Reason.where(stationarity <= tolerance, method.success, Reason.running)
    reason = Reason.where(_finite(point, method), reason, Reason.not_finite_at_start)
    zero = jnp.zeros((), jnp.int32)
    empty = jnp.full(max_steps + 1, jnp.nan, x.dtype)
    counts = jnp.zeros(max_steps + 1, jnp.int32)
    path = jnp.full((max_steps + 1, x.size), jnp.nan, x.dtype).at[0].set(point.x) if keep_path else None
    trace = Trace(
        value=empty.at[0].set(point.value),
        gradient_norm=empty.at[0].set(stationarity),
        step=empty,
        step_length=empty,
        curvature=empty,
        evaluations=counts.at[0].set(work.values),
        gradients=counts.at[0].set(work.gradients),
        x=path,
    )
    return Progress(state, stationarity, zero, work, point.value, stationarity, zero, reason, trace)


def _advance(
    objective: Objective, method: Method, old: Progress, tolerance: Any, max_steps: int, keep_path: bool
) -> tuple[Progress, Trace]:
    """A step: what changed, without the trace, and the row that belongs into it."""
    state, info = method.step(objective, old.state)
    finite = _finite(state.point, method)
    falling = state.point.value < -1 / jnp.finfo(state.point.x.dtype).eps ** 4
    # A step into infinity is not taken: the last finite point is what the caller gets.
    state = jax.tree.map(lambda new, before: jnp.where(finite, new, before), state, old.state)
    stationarity = method.stationarity(objective, state)
    steps = old.steps + 1
    better = _improved(state.point.value, old.best_value) | (stationarity < 0.999 * old.best_stationarity)
    stalled = jnp.where(better, 0, old.stalled + 1)

    reason = Reason.where(steps >= max_steps, Reason.step_limit, Reason.running)
    worse = state.point.value > old.best_value + 1e-3 * jnp.abs(old.best_value)
    ended = Reason.where(worse, Reason.diverging, Reason.plateau)
    reason = Reason.where(stalled >= method.patience, ended, reason)
    reason = Reason.where(info.reason == Reason.running, reason, info.reason)
    reason = Reason.where(stationarity <= tolerance, method.success, reason)
    reason = Reason.where(finite, reason, Reason.not_finite)
    reason = Reason.where(falling, Reason.unbounded, reason)
    work = old.work.plus(info.work)
    row = _row(old.state.point, state.point, stationarity, info, work, keep_path)
    new = Progress(
        state,
        stationarity,
        steps,
        work,
        jnp.minimum(old.best_value, state.point.value),
        jnp.minimum(old.best_stationarity, stationarity),
        stalled,
        reason,
        None,
    )
    return new, row


def _improved(value: Array, best: Array) -> Array:
    return value < best - 4 * jnp.finfo(best.dtype).eps * jnp.abs(best)


def _finite(point: Point, method: Method) -> Array:
    finite = jnp.isfinite(point.value) & jnp.all(jnp.isfinite(point.x))
    return finite if method.gradient_free else finite & jnp.all(jnp.isfinite(point.gradient))


def _row(before: Point, after: Point, stationarity: Array, info: Info, work: Work, keep_path: bool) -> Trace:
    moved = after.x - before.x
    squared = jnp.vdot(moved, moved)
    change = jnp.vdot(moved, after.gradient - before.gradient)
    return Trace(
        value=after.value,
        gradient_norm=stationarity,
        step=jnp.sqrt(squared),
        step_length=info.step_length,
        curvature=change / jnp.where(squared > 0, squared, 1),
        evaluations=work.values,
        gradients=work.gradients,
        x=after.x if keep_path else None,
    )
