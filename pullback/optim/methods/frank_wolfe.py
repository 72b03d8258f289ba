"""The Frank-Wolfe method."""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from pullback.core.errors import unknown_name
from pullback.optim.constraints.constraint import Constraint
from pullback.optim.methods.method import Info, Method, State, Work
from pullback.optim.methods.projected_gradient import chosen_set
from pullback.optim.methods.proximal_step import MAX_HALVINGS
from pullback.optim.objective import Objective, Point
from pullback.optim.reason import Reason

STEPS = ("open_loop", "exact", "backtracking")


def frank_wolfe_step(x: Float[Array, " n"], s: Float[Array, " n"], gamma: Float[Array, ""]) -> Float[Array, " n"]:
    r"""$(1 - \gamma) x + \gamma s$."""
    return (1 - gamma) * x + gamma * s


def duality_gap(gradient: Float[Array, " n"], x: Float[Array, " n"], s: Float[Array, " n"]) -> Float[Array, ""]:
    r"""$g^\top (x - s)$."""
    return jnp.sum(gradient * (x - s))


class FrankWolfe(Method):
    r"""Frank-Wolfe (conditional gradient): towards the point of a set where the linear model is least.

    $$ s_k = \arg\min_{s \in C} \nabla f(x_k)^\top s, \qquad x_{k+1} = (1 - \gamma_k) x_k + \gamma_k s_k $$

    For sets over which linear functions are easier to minimize than distances, and for sparse points: after $k$ steps
    $x_k$ mixes $k + 1$ corners. The measure of stationarity is the duality gap $\nabla f(x_k)^\top (x_k - s_k)$, which
    for a convex $f$ bounds the excess over the least value. With the open-loop steps $2 / (k + 2)$ that excess is at
    most $2 L D^2 / (k + 2)$, with $D$ the diameter: large tolerances are in place.

    Parameters
    ----------
    constraint : $C$, of `pullback.optim.constraints`; the bounds, finite ones, if not given.
    step_rule : "open_loop" for $\gamma_k = 2 / (k + 2)$; "exact", the minimum along the segment by its curvature, right
        on quadratics and shortened elsewhere until the value falls; "backtracking", from 1 by halves to Armijo's rule.

    Examples
    --------
    >>> from pullback.optim import minimize
    >>> from pullback.optim.constraints import Simplex
    >>> method = FrankWolfe(Simplex(), step_rule="exact")
    >>> found = minimize(lambda x: (x[0] - 2) ** 2 + x[1] ** 2, [0.5, 0.5], method=method)
    >>> found.x.round(6).tolist(), int(found.steps)
    ([1.0, 0.0], 1)

    References
    ----------
    Frank, Wolfe, Naval Research Logistics Quarterly 3 (1956); Jaggi, "Revisiting Frank-Wolfe", ICML (2013).
    """

    bounded: ClassVar[bool] = True
    patience: ClassVar[int] = 1000
    success: ClassVar[Any] = Reason.stationary

    constraint: Constraint | None = None
    step_rule: str = "open_loop"

    def __check_init__(self) -> None:
        if self.step_rule not in STEPS:
            raise unknown_name("step rule", self.step_rule, STEPS)

    def admissible(self, objective: Objective, x: Float[Array, " n"]) -> Float[Array, " n"]:
        return chosen_set(self.constraint, objective, "FrankWolfe").project(x)

    def init(self, objective: Objective, point: Point) -> State:
        del objective
        return State(point, jnp.zeros((), jnp.int32))

    def step(self, objective: Objective, state: State) -> tuple[State, Info]:
        before, count = state
        corner = self._corner(objective, before)
        gap = duality_gap(before.gradient, before.x, corner)
        if self.step_rule == "open_loop":
            gamma = 2 / (count + 2).astype(before.x.dtype)
            point = objective.at(frank_wolfe_step(before.x, corner, gamma))
            return State(point, count + 1), Info(gamma, Work.of(1, 1))
        products = 0
        gamma = jnp.ones_like(gap)
        if self.step_rule == "exact":
            direction = corner - before.x
            curvature = jnp.vdot(direction, objective.curvature_at(before.x)(direction))
            gamma = jnp.where(curvature > gap, gap / jnp.where(curvature > gap, curvature, 1), 1)
            products = 1
        point, gamma, trials = _shortened(objective, before, corner, gap, gamma)
        reason = Reason.where(trials < MAX_HALVINGS, Reason.running, Reason.line_search_failed)
        return State(point, count + 1), Info(gamma, Work.of(trials, trials, products), reason)

    def stationarity(self, objective: Objective, state: State) -> Float[Array, ""]:
        r"""The duality gap $\nabla f(x)^\top (x - s)$."""
        return duality_gap(state.point.gradient, state.point.x, self._corner(objective, state.point))

    def _corner(self, objective: Objective, point: Point) -> Float[Array, " n"]:
        return chosen_set(self.constraint, objective, "FrankWolfe").linear_minimizer(point.gradient)


def _shortened(
    objective: Objective, before: Point, corner: Array, gap: Array, first: Array
) -> tuple[Point, Float[Array, ""], Int[Array, ""]]:
    """Halved until the value falls by a part of what the slope promises, or by all that rounding can tell."""
    level = 4 * jnp.finfo(gap.dtype).eps * jnp.abs(before.value)

    def attempt(gamma: Array) -> Point:
        return objective.at(frank_wolfe_step(before.x, corner, gamma))

    def going(state: tuple[Point, Array, Array]) -> Array:
        point, gamma, trials = state
        return ~(point.value <= before.value - 1e-4 * gamma * gap + level) & (trials < MAX_HALVINGS)

    def halve(state: tuple[Point, Array, Array]) -> tuple[Point, Array, Array]:
        gamma = state[1] / 2
        return attempt(gamma), gamma, state[2] + 1

    point, gamma, trials = jax.lax.while_loop(going, halve, (attempt(first), first, jnp.ones((), jnp.int32)))
    return point, gamma, trials
