"""Newton's method for penalized logistic regression, with curvature from a part of the rows where there are many."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.linalg import cho_solve
from jaxtyping import Array, Bool, Float, Int

from pullback.models.linear.coordinate_descent import coordinate_descent
from pullback.models.linear.logistic_rows import LogisticRows, hessian, loss_and_gradient

# A Hessian of so many rows for each column is within a few tenths of that of all rows: each step gains a digit.
ROWS_PER_COLUMN = 30
# One row in so many makes the next smaller problem.
PART = 5
STEPS_ON_A_PART = 4
TOLERANCE_OF_A_PART = 1e-3
# A ratio of two decreases above which the curvature of the part is not good enough, and the smallest that is trusted.
SLOW = 0.3
SMALLEST_RATIO = 1e-3
SMALLEST_SIZE = 2.0**-30
# By which an objective, a sum over rows, may seem to rise.
ROUNDINGS = 1000
# Of the quadratic model of a penalty with absolute values, the duality gap and the most sweeps.
MODEL_TOLERANCE = 1e-12
MODEL_SWEEPS = 2000


class Penalty(NamedTuple):
    r"""$l_1 \|b\|_1 + \tfrac12 l_2 \|b\|^2$ of the coefficients without the intercept."""

    l1: Float[Array, ""]
    l2: Float[Array, ""]


class Kind(NamedTuple):
    """What is fixed when the program is compiled: whether there is an intercept, and a penalty on absolute values."""

    intercept: bool
    absolute: bool


class LogisticMinimum(NamedTuple):
    """Coefficients with the intercept first, the objective, how far it may fall, the steps, and whether that is all."""

    b: Float[Array, " k"]
    value: Float[Array, ""]
    decrease: Float[Array, ""]
    steps: Int[Array, ""]
    converged: Bool[Array, ""]


class State(NamedTuple):
    """The iterate, its objective, the step from it with its promised decrease, and the part of the step to try."""

    b: Array
    value: Array
    gradient: Array
    step: Array
    decrease: Array
    H: Array
    size: Array
    steps: Array
    slow: Array
    done: Array


class Move(NamedTuple):
    """The last move, by what the gradient changed along it, and one over their product, or zero to leave them out."""

    s: Array
    y: Array
    rho: Array


class Level(NamedTuple):
    """One row in how many counts for the gradient and for the Hessian, and when the iteration ends."""

    every: Array
    every_of_hessian: Array
    tolerance: Array
    most_steps: Array


def minimize_logistic(
    rows: LogisticRows,
    penalty: Penalty,
    kind: Kind,
    start: Float[Array, " k"],
    tolerance: Float[Array, ""],
    max_steps: Int[Array, ""],
) -> LogisticMinimum:
    r"""The $b$ of the smallest penalized loss, by Newton steps that are halved until the objective falls.

    Where there are many rows for each column, the start is the minimum for one row in five (found in the same way),
    and the Hessian is that of one row in five: the gradient is that of all rows, so the limit is the same, and each
    step still leaves a small part of the error. Where that fails, the Hessian is of all rows too. The iteration ends
    where the decrease that the next step promises is a `tolerance` of the objective.

    References
    ----------
    Erdogdu, Montanari, "Convergence rates of sub-sampled Newton methods", NeurIPS 2015.
    """
    strides = [1]
    while len(rows.y) // (strides[0] * PART) >= ROWS_PER_COLUMN * (rows.X.shape[1] + 1):
        strides.insert(0, strides[0] * PART)
    whole = [stride == 1 for stride in strides]
    levels = Level(
        jnp.asarray(strides, max_steps.dtype),
        jnp.asarray([strides[max(k - 1, 0)] for k in range(len(strides))], max_steps.dtype),
        jnp.where(jnp.asarray(whole), tolerance, jnp.asarray(TOLERANCE_OF_A_PART, tolerance.dtype)),
        jnp.where(jnp.asarray(whole), max_steps, jnp.asarray(STEPS_ON_A_PART, max_steps.dtype)),
    )

    def solve(b: Array, level: Level) -> tuple[Array, LogisticMinimum]:
        found = _minimize(rows, penalty, kind, b, level, many=True)
        return jnp.where(jnp.all(jnp.isfinite(found.b)), found.b, b), found

    if len(strides) == 1:
        return _minimize(rows, penalty, kind, start, jax.tree.map(lambda values: values[0], levels), many=False)
    return jax.tree.map(lambda values: values[-1], jax.lax.scan(solve, start, levels)[1])


def _minimize(
    rows: LogisticRows, penalty: Penalty, kind: Kind, start: Array, level: Level, many: bool
) -> LogisticMinimum:
    """The minimum for one row in `level.every`; `many` rows have a curvature that needs few digits."""

    def propose(b: Array, gradient: Array, value: Array, state: State) -> State:
        exact = state.slow | (level.every == level.every_of_hessian)
        stride = jnp.where(state.slow, level.every, level.every_of_hessian)
        rough = ~state.slow if many else None
        renew = exact | (state.steps == 0)
        H = jax.lax.cond(renew, lambda: _curvature(rows, b, stride, rough, kind), lambda: state.H)
        move = _move(b - state.b, gradient - state.gradient, ~renew)
        step, decrease = _step(b, gradient, H, penalty, kind, move)
        ratio = jnp.where(jnp.isfinite(state.decrease), decrease / state.decrease, 1)
        # The last step leaves of the error what the one before has left.
        left = decrease * jnp.clip(ratio, SMALLEST_RATIO, 1)
        # A decrease of rounding does not fall any more.
        rounding = (decrease <= jnp.finfo(value.dtype).eps * value) & (ratio > 0.5) & exact
        done = ((left <= level.tolerance * value) | rounding) & jnp.isfinite(decrease)
        slow = state.slow | ((ratio > SLOW) & (state.steps > 0)) | ~jnp.isfinite(decrease)
        one = jnp.ones_like(value)
        return State(jnp.where(done, b + step, b), value, gradient, step, decrease, H, one, state.steps + 1, slow, done)

    def unfinished(state: State) -> Array:
        return ~state.done & (state.steps < level.most_steps) & (state.size > SMALLEST_SIZE)

    def advance(state: State) -> State:
        b = state.b + state.size * jnp.where(jnp.isfinite(state.decrease), state.step, 0)
        loss, gradient = loss_and_gradient(rows, b, level.every)
        if not kind.intercept:
            gradient = gradient.at[0].set(0)
        gradient = gradient + _ridge(b, penalty) * b
        value = loss + penalty_value(b, penalty)
        slack = ROUNDINGS * jnp.finfo(value.dtype).eps * jnp.abs(state.value)
        halved = state._replace(size=state.size / 2, steps=state.steps + 1)
        return jax.lax.cond(value <= state.value + slack, lambda: propose(b, gradient, value, state), lambda: halved)

    infinite, no = jnp.asarray(jnp.inf, start.dtype), jnp.zeros((), bool)
    H = jnp.zeros((len(start), len(start)), start.dtype)
    steps = jnp.zeros_like(level.most_steps)
    zeros = jnp.zeros_like(start)
    begun = State(start, infinite, zeros, zeros, infinite, H, jnp.ones_like(infinite), steps, no, no)
    last = jax.lax.while_loop(unfinished, advance, begun)
    return LogisticMinimum(last.b, last.value, last.decrease, last.steps, last.done)


def _curvature(rows: LogisticRows, b: Array, every: Array, rough: Array | None, kind: Kind) -> Array:
    H = hessian(rows, b, every, rough)
    return H if kind.intercept else H.at[0].set(0).at[:, 0].set(0).at[0, 0].set(1)


def _move(s: Array, y: Array, trusted: Array) -> Move:
    product = s @ y
    usable = trusted & (product > 0)
    return Move(s, y, jnp.where(usable, 1 / jnp.where(usable, product, 1), 0))


def _ridge(b: Array, penalty: Penalty) -> Array:
    return penalty.l2 * jnp.ones_like(b).at[0].set(0)


def penalty_value(b: Float[Array, " k"], penalty: Penalty) -> Float[Array, ""]:
    """Of coefficients whose first is the intercept."""
    return penalty.l1 * jnp.sum(jnp.abs(b[1:])) + penalty.l2 * jnp.sum(b[1:] ** 2) / 2


def _step(b: Array, gradient: Array, H: Array, penalty: Penalty, kind: Kind, move: Move) -> tuple[Array, Array]:
    """The step to the minimum of the quadratic model, and by how much that is below the objective.

    The Hessian of a part of the rows is corrected by what the last move has shown, as in the BFGS method.
    """
    ridge = _ridge(b, penalty)
    if kind.absolute:
        return _proximal_step(b, gradient - ridge * b, H, penalty)
    s, y, rho = move
    step = -solve_positive(H + jnp.diag(ridge), gradient - rho * (s @ gradient) * y)
    step = step - rho * (y @ step + s @ gradient) * s
    return step, -gradient @ step / 2


def solve_positive(H: Float[Array, "k k"], g: Float[Array, " k"]) -> Float[Array, " k"]:
    r"""$H^{-1} g$ for a matrix that is positive semidefinite, whatever the scales of its columns."""
    diagonal = jnp.diag(H)
    scale = jnp.where(diagonal > 0, jnp.sqrt(jnp.where(diagonal > 0, diagonal, 1)), 1)
    scaled = H / jnp.outer(scale, scale)
    shift = jnp.sqrt(jnp.finfo(H.dtype).eps)
    root = jnp.linalg.cholesky(scaled)
    # Of columns that depend on each other none is moved far for nothing.
    safe = jnp.linalg.cholesky(scaled + shift * jnp.eye(len(H), dtype=H.dtype))
    regular = jnp.all(jnp.isfinite(root)) & (jnp.min(jnp.diag(root)) ** 2 > shift * 1e-4)
    return cho_solve((jnp.where(regular, root, safe), True), g / scale) / scale


def _proximal_step(b: Array, gradient: Array, H: Array, penalty: Penalty) -> tuple[Array, Array]:
    """Coordinate descent on the model, whose minimum over the intercept is in closed form."""
    corner = jnp.maximum(H[0, 0], jnp.finfo(H.dtype).tiny)
    side = H[0, 1:] / corner
    G = H[1:, 1:] - jnp.outer(side, H[0, 1:])
    g = gradient[1:] - side * gradient[0]
    w = b[1:]
    q = G @ w - g
    # A constant of the model, such that its value stays positive.
    s = jnp.abs(q @ w) + jnp.sum(q**2 / jnp.maximum(jnp.diag(G), jnp.finfo(H.dtype).tiny))
    found = coordinate_descent(
        G, q, s, penalty.l1, penalty.l2, w, jnp.asarray(MODEL_TOLERANCE, b.dtype), jnp.asarray(MODEL_SWEEPS)
    )
    d = found.b - w
    first = -(gradient[0] / corner + side @ d)
    step = jnp.concatenate([first[None], d])
    smooth = gradient @ step + step @ H @ step / 2
    there, here = (penalty_value(jnp.concatenate([first[None], x]), penalty) for x in (found.b, w))
    return step, -(smooth + there - here)
