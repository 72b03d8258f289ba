"""The projected gradient method."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.core.checks import positive
from pullback.core.errors import ConfigurationError
from pullback.optim.constraints.box import Box
from pullback.optim.constraints.constraint import Constraint
from pullback.optim.methods.method import Info, Method, State, Work
from pullback.optim.methods.proximal_step import first_rate, proximal_step
from pullback.optim.objective import Objective, Point
from pullback.optim.proximal.indicator import Indicator
from pullback.optim.reason import Reason


class Rate(NamedTuple):
    """The rate to try next."""

    rate: Float[Array, ""]


class ProjectedGradient(Method):
    r"""Projected gradient, within a convex set.

    $$ x_{k+1} = P_C \left( x_k - \alpha_k \nabla f(x_k) \right) $$

    For sets whose projection is cheap: bounds, simplex, balls. The measure of stationarity is
    $\lVert P_C(x - \nabla f(x)) - x \rVert$. Without a learning rate each step begins with the one of Barzilai and
    Borwein, $s^\top s / s^\top y$ of the step before, and halves it until $f$ lies below its quadratic bound.

    Parameters
    ----------
    constraint : $C$, of `pullback.optim.constraints`; the bounds if not given.
    learning_rate : $\alpha$.

    Examples
    --------
    >>> from pullback.optim import minimize
    >>> from pullback.optim.constraints import Simplex
    >>> method = ProjectedGradient(Simplex())
    >>> found = minimize(lambda x: (x[0] - 1) ** 2 + 2 * (x[1] - 1) ** 2, [0.0, 0.0], method=method)
    >>> found.x.round(6).tolist()
    [0.333333, 0.666667]

    References
    ----------
    Goldstein, "Convex programming in Hilbert space", Bulletin of the AMS 70 (1964); Birgin, Martínez, Raydan,
    "Nonmonotone spectral projected gradient methods on convex sets", SIAM Journal on Optimization 10 (2000).
    """

    bounded: ClassVar[bool] = True
    patience: ClassVar[int] = 100
    success: ClassVar[Any] = Reason.stationary

    constraint: Constraint | None = None
    learning_rate: Any = None

    def __check_init__(self) -> None:
        if isinstance(self.learning_rate, float | int):
            positive("learning_rate", self.learning_rate)

    def admissible(self, objective: Objective, x: Float[Array, " n"]) -> Float[Array, " n"]:
        return chosen_set(self.constraint, objective, "ProjectedGradient").project(x)

    def init(self, objective: Objective, point: Point) -> State:
        return State(point, Rate(first_rate(self.learning_rate, point)))

    def step(self, objective: Objective, state: State) -> tuple[State, Info]:
        before = state.point
        inside = Indicator(chosen_set(self.constraint, objective, "ProjectedGradient"))
        fixed = self.learning_rate is not None
        point, rate, trials, found = proximal_step(inside, objective, before, state.memory.rate, fixed)
        following = rate if fixed else _spectral_rate(before, point, rate)
        reason = Reason.where(found, Reason.running, Reason.line_search_failed)
        return State(point, Rate(following)), Info(rate, Work.of(trials, trials), reason)

    def stationarity(self, objective: Objective, state: State) -> Float[Array, ""]:
        r"""$\lVert P_C(x - \nabla f(x)) - x \rVert$."""
        inside = chosen_set(self.constraint, objective, "ProjectedGradient")
        return jnp.linalg.norm(inside.project(state.point.x - state.point.gradient) - state.point.x)


def chosen_set(constraint: Constraint | None, objective: Objective, name: str) -> Constraint:
    """The set that was given, or the bounds."""
    if constraint is not None and objective.bounds is not None:
        raise ConfigurationError(
            f"{name} has a constraint, and there are bounds too",
            expected="one of them",
            got=f"{type(constraint).__name__} and bounds",
            fix="leave out the bounds; a simplex already keeps its entries from being negative",
        )
    if constraint is not None:
        return constraint
    if objective.bounds is None:
        raise ConfigurationError(
            f"{name} needs to know the set",
            expected=f"a method with a set, or bounds, such as method={name}(constraint=Simplex())",
            got="its name alone",
            fix=f"pass method={name}(constraint=...) or bounds=(lower, upper)",
        )
    return Box(*objective.bounds)


def _spectral_rate(before: Point, after: Point, rate: Float[Array, ""]) -> Float[Array, ""]:
    s, y = after.x - before.x, after.gradient - before.gradient
    curvature = jnp.vdot(s, y)
    # Without curvature along the step a longer one is worth a trial.
    spectral = jnp.where(curvature > 0, jnp.vdot(s, s) / jnp.where(curvature > 0, curvature, 1), 2 * rate)
    return jnp.clip(spectral, rate / 100, 100 * rate)
