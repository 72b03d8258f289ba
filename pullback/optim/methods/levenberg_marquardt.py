"""The method of Levenberg and Marquardt for sums of squares."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.core.checks import positive
from pullback.optim.methods.method import Info, Method, State, Work
from pullback.optim.methods.residual_memory import (
    ResidualMemory,
    least_squares_stationarity,
    next_memory,
    point_of,
    scaled_decomposition,
    start_memory,
)
from pullback.optim.objective import Objective, Point
from pullback.optim.reason import Reason
from pullback.optim.trust_region.radius import Proposal, RadiusRule
from pullback.optim.trust_region.secular import SecularSolution, solve_secular_equation


class LevenbergMarquardtMemory(NamedTuple):
    """The residuals, and the radius of the next step."""

    residuals: ResidualMemory
    radius: Float[Array, ""]


class LevenbergMarquardt(Method):
    r"""Levenberg-Marquardt: a Gauss-Newton step, damped until it stays where the linear model can be trusted.

    $$ p_k = \arg\min_p \tfrac12 \lVert r(x_k) + J_k p \rVert^2 + \tfrac12 \lambda_k \lVert D_k p \rVert^2,
       \qquad x_{k+1} = x_k + p_k, \qquad D_k = \operatorname{diag}\big(\max_{i \le k} \lVert J_{i,j} \rVert\big) $$

    for $f = \tfrac12 \lVert r \rVert^2$. The damping $\lambda_k$ is zero where the full step has $\lVert D p \rVert$
    within the radius, and otherwise such that it equals the radius, which follows the quality of the model. The step
    comes from the singular values of $J D^{-1}$, never from $J^\top J$, so that half of the digits are not lost.

    Ends as `stationary` when a measure without units reaches the tolerance: the cosine between the residuals and the
    nearest column of $J$ or, where the residuals vanish, the relative length of the last undamped step (see
    `pullback.optim.methods.residual_memory.least_squares_stationarity`). A cosine of 1e-6 leaves parameters within
    about 1e-6 of their standard errors.

    When to use it: curve fitting and any other sum of squares with up to some hundred parameters.

    Parameters
    ----------
    radius : rule for the radius; its `initial` is relative to $\lVert D x_0 \rVert$.
    geodesic_acceleration : whether the step is bent by $\tfrac12 a$, where $a$ solves the same damped system for the
        second derivative of the residuals along $p$; one more pass a trial, often fewer steps in curved valleys.
    largest_acceleration : bound on $2 \lVert D a \rVert / \lVert D p \rVert$; beyond it the radius is reduced.

    Examples
    --------
    >>> from pullback.optim import minimize
    >>> time, count = [0.0, 1.0, 2.0, 3.0], [10.0, 6.1, 3.6, 2.3]
    >>> def residuals(b):
    ...     return jnp.asarray(count) - b[0] * jnp.exp(-b[1] * jnp.asarray(time))
    >>> found = minimize(residuals, [1.0, 0.0], method="levenberg_marquardt")
    >>> found.x.round(4).tolist(), found.message
    ([10.0019, 0.4994], 'the measure of stationarity of the method reached the tolerance')

    References
    ----------
    Levenberg, Quarterly of Applied Mathematics 2 (1944); Marquardt, SIAM J. Appl. Math. 11 (1963); Moré, "The
    Levenberg-Marquardt algorithm: implementation and theory", Lecture Notes in Mathematics 630 (1978); Transtrum,
    Sethna, "Improvements to the Levenberg-Marquardt algorithm for nonlinear least-squares minimization",
    arXiv:1201.5885 (2012): the acceleration.
    """

    squares: ClassVar[bool] = True
    success: ClassVar[Any] = Reason.stationary

    radius: RadiusRule = RadiusRule()
    geodesic_acceleration: bool = False
    largest_acceleration: Any = 0.75

    def __check_init__(self) -> None:
        if isinstance(self.largest_acceleration, int | float):
            positive("largest_acceleration", self.largest_acceleration)

    def init(self, objective: Objective, point: Point) -> State:
        memory = start_memory(objective, point.x)
        size = jnp.linalg.norm(memory.column_norms * point.x)
        radius = self.radius.initial * jnp.where(size > 0, size, 1)
        return State(point, LevenbergMarquardtMemory(memory, radius))

    def step(self, objective: Objective, state: State) -> tuple[State, Info]:
        (x, value, _), (memory, radius) = state
        U, s, Vt = scaled_decomposition(memory)
        scale = memory.column_norms

        def propose(radius: Array) -> Proposal:
            found = solve_secular_equation(s**2, s * (U.T @ memory.r), radius)
            p = Vt.T @ found.coordinates / scale
            bend, allowed = self._bend(objective, x, p, found, (U, s))
            moved = x + p + Vt.T @ bend / scale
            tried = jnp.sum(objective.residuals(moved) ** 2) / 2
            length = jnp.linalg.norm(found.coordinates)
            # A step bent too much is refused as one into infinity is.
            tried = jnp.where(allowed, tried, jnp.inf)
            products = jnp.asarray(2 if self.geodesic_acceleration else 0, jnp.int32)
            return Proposal((moved, ~found.boundary), tried, found.decrease, length, found.boundary, products)

        # The model is known to its last digit only, which the change of a parameter in its last digit tells.
        eps = jnp.finfo(x.dtype).eps
        rounding = eps * jnp.linalg.norm(memory.r) * jnp.linalg.norm(scale * x)
        tried = self.radius.tried(propose, value, radius, rounding)
        moved, full = tried.proposal.candidate
        x_next = jnp.where(tried.accepted, moved, x)
        following = next_memory(objective, memory, x, x_next, tried.accepted & full)
        reason = Reason.where(tried.accepted, Reason.running, Reason.radius_collapsed)
        work = Work.of(tried.trials, 1, tried.products + x.size)
        info = Info(jnp.full_like(value, jnp.nan), work, reason)
        return State(point_of(x_next, following), LevenbergMarquardtMemory(following, tried.radius)), info

    def _bend(
        self, objective: Objective, x: Array, p: Array, found: SecularSolution, decomposition: tuple[Array, Array]
    ) -> tuple[Array, Array]:
        """Half of the acceleration, in the coordinates of the singular vectors, and whether it is small enough."""
        if not self.geodesic_acceleration:
            return jnp.zeros_like(found.coordinates), jnp.ones((), bool)
        U, s = decomposition
        shifted = jnp.where(found.shifted > 0, found.shifted, 1)
        acceleration = -s * (U.T @ objective.residual_curvature(x, p)) / shifted
        relative = 2 * jnp.linalg.norm(acceleration) / jnp.linalg.norm(found.coordinates)
        return acceleration / 2, relative <= self.largest_acceleration

    def stationarity(self, objective: Objective, state: State) -> Float[Array, ""]:
        del objective
        return least_squares_stationarity(state.memory.residuals)
