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
    """Everything that changes from step to step."""

    state: State
    stationarity: Float[Array, ""]
    steps: Int[Array, ""]
    work: Work
    best_value: Float[Array, ""]
    best_stationarity: Float[Array, ""]
    stalled: Int[Array, ""]
    reason: Any
    trace: Trace


def run(
    objective: Objective, method: Method, x: Float[Array, " n"], tolerance: Any, max_steps: int, keep_path: bool
) -> Progress:
    """Step until there is a reason to end."""
    start = _start(objective, method, x, tolerance, max_steps, keep_path)

    def going(progress: Progress) -> Array:
        return progress.reason == Reason.running

    def advance(progress: Progress) -> Progress:
        return _advance(objective, method, progress, tolerance, max_steps)

    return jax.lax.while_loop(going, advance, start)


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


def _advance(objective: Objective, method: Method, old: Progress, tolerance: Any, max_steps: int) -> Progress:
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
    reason = Reason.where(stalled >= method.patience, Reason.plateau, reason)
    reason = Reason.where(info.reason == Reason.running, reason, info.reason)
    reason = Reason.where(stationarity <= tolerance, method.success, reason)
    reason = Reason.where(finite, reason, Reason.not_finite)
    reason = Reason.where(falling, Reason.unbounded, reason)
    return Progress(
        state,
        stationarity,
        steps,
        work := old.work.plus(info.work),
        jnp.minimum(old.best_value, state.point.value),
        jnp.minimum(old.best_stationarity, stationarity),
        stalled,
        reason,
        _recorded(old.trace, steps, old.state.point, state.point, stationarity, info, work),
    )


def _improved(value: Array, best: Array) -> Array:
    return value < best - 4 * jnp.finfo(best.dtype).eps * jnp.abs(best)


def _finite(point: Point, method: Method) -> Array:
    finite = jnp.isfinite(point.value) & jnp.all(jnp.isfinite(point.x))
    return finite if method.gradient_free else finite & jnp.all(jnp.isfinite(point.gradient))


def _recorded(
    trace: Trace, row: Array, before: Point, after: Point, stationarity: Array, info: Info, work: Work
) -> Trace:
    moved = after.x - before.x
    squared = jnp.vdot(moved, moved)
    change = jnp.vdot(moved, after.gradient - before.gradient)
    return Trace(
        value=trace.value.at[row].set(after.value),
        gradient_norm=trace.gradient_norm.at[row].set(stationarity),
        step=trace.step.at[row].set(jnp.sqrt(squared)),
        step_length=trace.step_length.at[row].set(info.step_length),
        curvature=trace.curvature.at[row].set(change / jnp.where(squared > 0, squared, 1)),
        evaluations=trace.evaluations.at[row].set(work.values),
        gradients=trace.gradients.at[row].set(work.gradients),
        x=None if trace.x is None else trace.x.at[row].set(after.x),
    )
