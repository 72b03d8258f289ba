"""Coordinate descent."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from pullback.autodiff import jvp, linearize
from pullback.core.checks import positive_integer
from pullback.core.errors import ConfigurationError, unknown_name
from pullback.optim.constraints.box import Box
from pullback.optim.methods.method import Info, Method, State, Work
from pullback.optim.methods.proximal_step import forward_backward, gradient_mapping
from pullback.optim.objective import Objective, Point
from pullback.optim.proximal.indicator import Indicator, WithinBounds
from pullback.optim.proximal.l1 import L1
from pullback.optim.proximal.proximal_function import ProximalFunction
from pullback.optim.reason import Reason

ORDERS = ("cyclic", "random", "greedy", "block")


class Sweep(NamedTuple):
    """What a sweep changes: the point with its values, and evaluations."""

    x: Float[Array, " n"]
    total: Float[Array, ""]
    values: Int[Array, ""]
    gradients: Int[Array, ""]
    products: Int[Array, ""]


class CoordinateDescent(Method):
    r"""Coordinate descent: one coordinate, or one block of them, after the other, each to its minimum.

    $$ x_i \leftarrow \arg\min_{z}\ f(x_1, \dots, z, \dots, x_n) + h_i(z) $$

    A step of the driver is a sweep of $n$ coordinates. Along a coordinate Newton's method is taken, with the slope and
    the curvature there: on a quadratic the minimum is met at once, elsewhere the step is shortened until the value
    falls, and repeated until it no longer moves. For a separable $h$, such as that of the lasso, the coordinate goes
    through its proximal map, and bounds are kept. A block takes one such step: with the block's Hessian, or, with $h$
    or bounds, with its largest eigenvalue.

    Parameters
    ----------
    order : "cyclic"; "random", another permutation in every sweep; "greedy", the coordinate with the steepest slope
        (the largest step of the proximal gradient with $h$), at a gradient for each; "block".
    nonsmooth : $h$, of `pullback.optim.proximal`: a sum of functions of single entries, or of blocks.
    block_size : number of consecutive coordinates in a block.
    inner_steps : most Newton steps along one coordinate.
    seed : of the random order.

    Examples
    --------
    >>> from pullback.optim import minimize
    >>> def bowl(x):
    ...     return x[0] ** 2 + x[0] * x[1] + x[1] ** 2 - 3 * x[0]
    >>> found = minimize(bowl, [0.0, 0.0], method=CoordinateDescent())
    >>> found.x.round(5).tolist()
    [2.0, -1.0]

    References
    ----------
    Wright, "Coordinate descent algorithms", Mathematical Programming 151 (2015); Friedman, Hastie, Tibshirani,
    "Regularization paths for generalized linear models via coordinate descent", Journal of Statistical Software 33
    (2010); Tseng, Yun, "A coordinate gradient descent method for nonsmooth separable minimization", Mathematical
    Programming 117 (2009).
    """

    bounded: ClassVar[bool] = True
    patience: ClassVar[int] = 30
    success: ClassVar[Any] = Reason.stationary

    order: str = "cyclic"
    nonsmooth: ProximalFunction | None = None
    block_size: int = 2
    inner_steps: int = 10
    seed: int = 0

    def __check_init__(self) -> None:
        if self.order not in ORDERS:
            raise unknown_name("order", self.order, ORDERS)
        if isinstance(self.block_size, int):
            positive_integer("block_size", self.block_size)
        if isinstance(self.inner_steps, int):
            positive_integer("inner_steps", self.inner_steps)
        if self.order != "block" and self.nonsmooth is not None and not self.nonsmooth.separable:
            raise ConfigurationError(
                f"{type(self.nonsmooth).__name__} is not a sum of functions of single coordinates",
                expected="a separable function: L1, ElasticNet, SquaredL2",
                got=type(self.nonsmooth).__name__,
                fix="for groups of coordinates choose order='block' with their size; otherwise another method",
            )

    def admissible(self, objective: Objective, x: Float[Array, " n"]) -> Float[Array, " n"]:
        return self._nonsmooth(objective).proximal_map(x, jnp.zeros((), x.dtype))

    def init(self, objective: Objective, point: Point) -> State:
        total = point.value + self._nonsmooth(objective).value(point.x)
        return State(point._replace(value=total), jax.random.key(self.seed))

    def step(self, objective: Objective, state: State) -> tuple[State, Info]:
        x, total, _ = state.point
        key, now = jax.random.split(state.memory)
        zero = jnp.zeros((), jnp.int32)
        start = Sweep(x, total, zero, zero, zero)
        if self.order == "block":
            sweep = self._blocks(objective, start)
        else:
            places = jnp.arange(x.size)
            places = jax.random.permutation(now, places) if self.order == "random" else places
            sweep = jax.lax.fori_loop(0, x.size, lambda k, sweep: self._single(objective, sweep, places[k]), start)
        point = objective.at(sweep.x)
        point = point._replace(value=point.value + self._nonsmooth(objective).value(sweep.x))
        work = Work(sweep.values + 1, sweep.gradients + 1, sweep.products)
        return State(point, key), Info(jnp.full_like(total, jnp.nan), work)

    def stationarity(self, objective: Objective, state: State) -> Float[Array, ""]:
        r"""$\lVert x - \operatorname{prox}_h(x - \nabla f(x)) \rVert$."""
        one = jnp.ones((), state.point.x.dtype)
        reached = forward_backward(self._nonsmooth(objective), state.point, one)
        return jnp.linalg.norm(gradient_mapping(state.point.x, reached, one))

    def _nonsmooth(self, objective: Objective) -> ProximalFunction:
        if objective.bounds is None:
            return L1(0.0) if self.nonsmooth is None else self.nonsmooth
        box = Box(*objective.bounds)
        return Indicator(box) if self.nonsmooth is None else WithinBounds(self.nonsmooth, box)

    def _single(self, objective: Objective, sweep: Sweep, place: Int[Array, ""]) -> Sweep:
        nonsmooth = self._nonsmooth(objective)
        if self.order == "greedy":
            point = objective.at(sweep.x)
            moved = forward_backward(nonsmooth, point, jnp.ones((), sweep.x.dtype)) - sweep.x
            place = jnp.argmax(jnp.abs(moved))
            sweep = sweep._replace(gradients=sweep.gradients + 1, values=sweep.values + 1)
        return _along_coordinate(objective, nonsmooth, sweep, place, self.inner_steps)

    def _blocks(self, objective: Objective, sweep: Sweep) -> Sweep:
        nonsmooth = self._nonsmooth(objective)
        smooth = self.nonsmooth is None and objective.bounds is None
        size = sweep.x.size
        for first in range(0, size, self.block_size):
            places = jnp.arange(first, min(first + self.block_size, size))
            sweep = _along_block(objective, nonsmooth, sweep, places, smooth)
        return sweep


class Newton1D(NamedTuple):
    """The entry, slope and curvature of $f$ there, the curvature to be taken, and whether it still moves."""

    sweep: Sweep
    slope: Float[Array, ""]
    curvature: Float[Array, ""]
    moving: Bool[Array, ""]
    steps: Int[Array, ""]


def _along_coordinate(
    objective: Objective, nonsmooth: ProximalFunction, sweep: Sweep, place: Int[Array, ""], limit: int
) -> Sweep:
    direction = jnp.zeros_like(sweep.x).at[place].set(1)
    resolution = 4 * jnp.finfo(sweep.x.dtype).eps

    def going(state: Newton1D) -> Array:
        return state.moving & (state.steps < limit)

    def advance(state: Newton1D) -> Newton1D:
        x = state.sweep.x
        rate = 1 / state.curvature
        candidate = nonsmooth.proximal_map(x - rate * state.slope * direction, rate)[place]
        moving = jnp.abs(candidate - x[place]) > resolution * jnp.abs(x[place])
        trial = x.at[place].set(candidate)
        value, slope, curvature = _line(objective, trial, direction)
        total = value + nonsmooth.value(trial)
        level = 4 * jnp.finfo(x.dtype).eps * jnp.abs(state.sweep.total)
        better = moving & (total <= state.sweep.total + level)
        # Too far: a larger curvature makes the next trial shorter.
        next_curvature = jnp.where(better, _positive(curvature), 4 * state.curvature)
        counted = state.sweep._replace(values=state.sweep.values + 1, products=state.sweep.products + 1)
        reached = counted._replace(x=trial, total=total)
        chosen = jax.tree.map(lambda new, old: jnp.where(better, new, old), reached, counted)
        return Newton1D(chosen, jnp.where(better, slope, state.slope), next_curvature, moving, state.steps + 1)

    _, slope, curvature = _line(objective, sweep.x, direction)
    counted = sweep._replace(values=sweep.values + 1, products=sweep.products + 1)
    start = Newton1D(counted, slope, _positive(curvature), jnp.ones((), bool), jnp.zeros((), jnp.int32))
    return jax.lax.while_loop(going, advance, start).sweep


def _positive(curvature: Float[Array, ""]) -> Float[Array, ""]:
    """The curvature's size: where the function bends down, a step downhill is what Newton's is not."""
    size = jnp.abs(curvature)
    return jnp.where(size > jnp.finfo(size.dtype).eps, size, 1)


def _line(
    objective: Objective, x: Float[Array, " n"], direction: Float[Array, " n"]
) -> tuple[Float[Array, ""], Float[Array, ""], Float[Array, ""]]:
    """Value, slope and curvature along a direction."""
    if objective.gradient_function is not None:
        gradient, push = linearize(objective.gradient_function, x)
        return objective.value(x), jnp.vdot(gradient, direction), jnp.vdot(push(direction), direction)

    def with_slope(x: Array) -> tuple[Array, Array]:
        return jvp(objective.function, (x,), (direction,))

    (value, slope), (_, curvature) = jvp(with_slope, (x,), (direction,))
    return value, slope, curvature


def _along_block(
    objective: Objective, nonsmooth: ProximalFunction, sweep: Sweep, places: Int[Array, " block"], smooth: bool
) -> Sweep:
    """One step in a block of coordinates, halved until the value falls."""
    x = sweep.x
    gradient, push = linearize(objective.gradient, x)
    size = places.size
    columns = jnp.zeros((size, x.size), x.dtype).at[jnp.arange(size), places].set(1)
    block = jax.vmap(push)(columns)[:, places]
    curvatures, axes = jnp.linalg.eigh(block)
    curvatures = jax.vmap(_positive)(curvatures)
    slope = gradient[places]

    def trial(damping: Array) -> Array:
        if smooth:
            return x.at[places].add(-damping * (axes @ ((axes.T @ slope) / curvatures)))
        rate = damping / jnp.max(curvatures)
        return x.at[places].set(nonsmooth.proximal_map(x.at[places].add(-rate * slope), rate)[places])

    def total_at(x: Array) -> Array:
        return objective.value(x) + nonsmooth.value(x)

    level = 4 * jnp.finfo(x.dtype).eps * jnp.abs(sweep.total)

    def going(state: tuple[Array, Array, Array]) -> Array:
        damping, total, _ = state
        return ~(total <= sweep.total + level) & (damping > 1e-6)

    def shorten(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        damping = state[0] / 4
        return damping, total_at(trial(damping)), state[2] + 1

    one = jnp.ones((), x.dtype)
    damping, total, trials = jax.lax.while_loop(going, shorten, (one, total_at(trial(one)), jnp.ones((), jnp.int32)))
    better = total <= sweep.total + level
    return Sweep(
        jnp.where(better, trial(damping), x),
        jnp.where(better, total, sweep.total),
        sweep.values + trials,
        sweep.gradients + 1,
        sweep.products + size,
    )
