"""Huber's robust regression with its scale estimated along."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Float

from pullback.core.errors import ConfigurationError
from pullback.core.precision import double_precision
from pullback.linalg.least_squares.problem import checked_problem
from pullback.linalg.product import as_real, known
from pullback.models.linear.least_squares import center

# Where more than half of the rows lie on a plane the scale goes to zero; below this share of the spread it stops.
SMALLEST_SCALE = 1e-10


class HuberFit(NamedTuple):
    r"""What `fit_huber` returns.

    Attributes
    ----------
    coef : $\hat b$, shape (p,).
    intercept : $\hat b_0$.
    scale : $\hat \sigma$, by which residuals are called large.
    objective : the minimum.
    steps : Newton steps.
    converged : whether the step became as small as asked for.
    """

    coef: Any
    intercept: Any
    scale: Any
    objective: Any
    steps: Any
    converged: Any


@double_precision
def fit_huber(
    X: ArrayLike,
    y: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    epsilon: ArrayLike = 1.35,
    alpha: ArrayLike = 1e-4,
    fit_intercept: bool = True,
    tolerance: ArrayLike = 1e-10,
    max_steps: ArrayLike = 100,
) -> HuberFit:
    r"""Regression that is quadratic in small residuals and linear in large ones, with the scale that tells them apart.

    $$ \min_{b_0, b, \sigma > 0} \sum_i w_i \Big( \sigma + \sigma H_\epsilon \Big(
       \frac{y_i - b_0 - x_i^\top b}{\sigma} \Big) \Big) + \alpha \lVert b \rVert^2, \qquad
       H_\epsilon(z) = \begin{cases} z^2 & |z| < \epsilon \\ 2 \epsilon |z| - \epsilon^2 & |z| \ge \epsilon
       \end{cases} $$

    The objective is convex in all its arguments together. Newton's method on it, damped as Levenberg and Marquardt do,
    ends after a few steps at the minimum. A row of weight 3 is three rows.

    Parameters
    ----------
    X : shape (n, p).
    y : shape (n,).
    sample_weight : $w$, shape (n,), none negative.
    epsilon : $\epsilon \ge 1$: residuals below $\epsilon \sigma$ are small; 1.35 loses 5% where errors are normal.
    alpha : $\alpha \ge 0$.
    fit_intercept : whether there is a $b_0$, which is not penalized.
    tolerance : on the decrease that the next step promises, relative to $\sigma \sum w$.
    max_steps : the most Newton steps.

    Raises
    ------
    ShapeError, DataError, ConfigurationError
        for arrays that do not fit, entries that are not finite, negative weights, or a setting out of its range.

    Examples
    --------
    One row is far off; least squares would give the slope 6.

    >>> x = np.arange(6.0)[:, None]
    >>> found = fit_huber(x, np.array([0.1, 0.9, 2.1, 2.9, 4.1, 40.0]), alpha=0.0)
    >>> found.coef.round(2).tolist(), bool(found.converged)
    ([1.06], True)

    References
    ----------
    Huber, Ronchetti, "Robust Statistics", 2nd ed., Wiley (2009), section 7.7: the concomitant scale.
    """
    matrix, target, weight = checked_problem(X, y, sample_weight)
    if target.ndim != 1:
        raise ConfigurationError(
            "robust regression is for one output", expected="y of shape (n,)", got=str(target.shape), fix="fit each"
        )
    settings = [as_real(name, value).astype(matrix.dtype) for name, value in (("epsilon", epsilon), ("alpha", alpha))]
    _check_settings(*settings)
    limits = jnp.asarray(tolerance, matrix.dtype), jnp.asarray(max_steps, jnp.int32)
    return _fitted(matrix, target, weight, *settings, *limits, jnp.bool_(fit_intercept))


class _Problem(NamedTuple):
    # Columns of length about one, the last constant for the intercept; target of spread one.
    design: Float[Array, "n k"]
    target: Float[Array, " n"]
    weight: Float[Array, " n"]
    epsilon: Array
    penalty: Float[Array, " k"]


class _State(NamedTuple):
    theta: Float[Array, " q"]
    objective: Array
    damping: Array
    steps: Array
    converged: Bool[Array, ""]


@jax.jit
def _fitted(
    X: Array,
    y: Array,
    weight: Array | None,
    epsilon: Array,
    alpha: Array,
    tolerance: Array,
    max_steps: Array,
    fit_intercept: Array,
) -> HuberFit:
    rows = jnp.ones_like(y) if weight is None else weight
    # Shifted and scaled columns describe the same functions where there is an intercept.
    centered = center(X, y[:, None], rows, True)
    shift = jnp.where(fit_intercept, centered.column_means, 0.0)
    offset = jnp.where(fit_intercept, centered.target_means[0], 0.0)
    n = centered.observations
    lengths = _spread(X - shift, rows, n)
    spread = _spread((y - offset)[:, None], rows, n)[0]
    constant = jnp.where(fit_intercept, jnp.ones_like(y), 0.0)
    design = jnp.concatenate([(X - shift) / lengths, constant[:, None]], axis=1)
    penalty = jnp.append(alpha * spread / lengths**2, 0.0)
    problem = _Problem(design, (y - offset) / spread, rows, epsilon, penalty)
    found = _newton(problem, tolerance, max_steps)
    coef = found.theta[:-2] * spread / lengths
    intercept = jnp.where(fit_intercept, offset + spread * found.theta[-2] - shift @ coef, 0.0)
    return HuberFit(coef, intercept, found.theta[-1] * spread, found.objective * spread, found.steps, found.converged)


def _spread(X: Float[Array, "n p"], weight: Float[Array, " n"], n: Array) -> Float[Array, " p"]:
    spread = jnp.sqrt(weight @ X**2 / n)
    return jnp.where(spread > 0, spread, 1.0)


def _newton(problem: _Problem, tolerance: Array, max_steps: Array) -> _State:
    k = problem.design.shape[1]
    theta = jnp.append(jnp.zeros(k, problem.target.dtype), 1.0)
    total = jnp.sum(problem.weight)

    def step(state: _State) -> _State:
        gradient, hessian = _derivatives(problem, state.theta)
        # A diagonal of its own size: directions that no small residual sees are damped too.
        size = jnp.maximum(jnp.diagonal(hessian), jnp.finfo(gradient.dtype).eps * jnp.trace(hessian))
        damped = hessian + state.damping * jnp.diag(size + jnp.finfo(gradient.dtype).tiny)
        move = -jax.scipy.linalg.solve(damped, gradient, assume_a="pos")
        # The scale stays positive: at most nine tenths of it go in one step.
        room = jnp.where(move[-1] < 0, -0.9 * state.theta[-1] / jnp.where(move[-1] < 0, move[-1], -1.0), 1.0)
        move = jnp.minimum(room, 1.0) * move
        theta = (state.theta + move).at[-1].max(SMALLEST_SCALE)
        objective = huber_objective(problem, theta)
        promised = -(gradient @ move)
        rounding = 4 * jnp.finfo(gradient.dtype).eps * jnp.abs(state.objective)
        better = objective <= state.objective + rounding - 1e-4 * promised
        # Large residuals make the objective large, not its curvature: the small ones set the measure. Heavy damping
        # promises little anywhere.
        small = (promised <= tolerance * total * state.theta[-1]) & (state.damping <= 1)
        return _State(
            jnp.where(better, theta, state.theta),
            jnp.where(better, objective, state.objective),
            jnp.clip(jnp.where(better, state.damping / 10, state.damping * 10), 1e-14, 1e14),
            state.steps + 1,
            small | (better & (theta[-1] <= SMALLEST_SCALE)),
        )

    start = _State(
        theta,
        huber_objective(problem, theta),
        jnp.asarray(1e-3, theta.dtype),
        jnp.int32(0),
        jnp.bool_(False),
    )
    return jax.lax.while_loop(lambda state: ~state.converged & (state.steps < max_steps), step, start)


def huber_objective(problem: _Problem, theta: Float[Array, " q"]) -> Array:
    r"""$\sum_i w_i (\sigma + \sigma H_\epsilon(r_i / \sigma)) + \sum_j \alpha_j b_j^2$."""
    b, sigma = theta[:-1], theta[-1]
    r = jnp.abs(problem.target - problem.design @ b)
    small = r < problem.epsilon * sigma
    H = jnp.where(small, r**2 / sigma, 2 * problem.epsilon * r - problem.epsilon**2 * sigma)
    return problem.weight @ (sigma + H) + problem.penalty @ b**2


def _derivatives(problem: _Problem, theta: Float[Array, " q"]) -> tuple[Array, Array]:
    """Gradient, and the Hessian of the piece that the point lies on: only small residuals curve."""
    b, sigma = theta[:-1], theta[-1]
    r = problem.target - problem.design @ b
    small = jnp.abs(r) < problem.epsilon * sigma
    z = jnp.where(small, r / sigma, problem.epsilon * jnp.sign(r))
    slope = -2 * problem.design.T @ (problem.weight * z) + 2 * problem.penalty * b
    gradient = jnp.append(slope, problem.weight @ (1 - z**2))
    rows = jnp.concatenate([problem.design, (r / sigma)[:, None]], axis=1)
    curvature = jnp.where(small, 2 * problem.weight / sigma, 0.0)
    return gradient, rows.T @ (curvature[:, None] * rows) + jnp.diag(jnp.append(2 * problem.penalty, 0.0))


def _check_settings(epsilon: Array, alpha: Array) -> None:
    for name, value, least in (("epsilon", epsilon, 1.0), ("alpha", alpha, 0.0)):
        if known(value) and not (np.isfinite(float(value)) and float(value) >= least):
            raise ConfigurationError(
                f"{name} is out of its range",
                expected=f"a number of {least:g} or more",
                got=f"{float(value):g}",
                fix=f"leave {name} out for the default",
            )
