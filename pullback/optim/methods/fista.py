"""The accelerated proximal gradient method."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from pullback.core.checks import positive
from pullback.core.errors import unknown_name
from pullback.optim.methods.method import Info, Method, State, Work
from pullback.optim.methods.proximal_step import (
    first_rate,
    forward_backward,
    gradient_mapping,
    nonsmooth_part,
    proximal_step,
)
from pullback.optim.objective import Objective, Point
from pullback.optim.proximal.proximal_function import ProximalFunction
from pullback.optim.reason import Reason

RESTARTS = ("none", "gradient", "value")


def fista_parameter(t: Float[Array, ""]) -> Float[Array, ""]:
    r"""$(1 + \sqrt{1 + 4 t^2}) / 2$."""
    return (1 + jnp.sqrt(1 + 4 * t**2)) / 2


def extrapolate(x: Float[Array, " n"], x_previous: Float[Array, " n"], beta: Float[Array, ""]) -> Float[Array, " n"]:
    r"""$x_k + \beta (x_k - x_{k-1})$."""
    return x + beta * (x - x_previous)


class Momentum(NamedTuple):
    """The extrapolated point $y$ with value and gradient of $f$, the number $t$, the rate, whether it was found."""

    ahead: Point
    t: Float[Array, ""]
    rate: Float[Array, ""]
    found: Bool[Array, ""]


class FISTA(Method):
    r"""FISTA: the proximal gradient step from an extrapolated point, for $f + h$ with $f$ smooth and $h$ simple.

    $$ x_{k+1} = \operatorname{prox}_{\alpha h} \left( y_k - \alpha \nabla f(y_k) \right), \quad
       t_{k+1} = \tfrac12 \left( 1 + \sqrt{1 + 4 t_k^2} \right), \quad
       y_{k+1} = x_{k+1} + \frac{t_k - 1}{t_{k+1}} (x_{k+1} - x_k) $$

    For convex problems; there with $\alpha = 1/L$ and no restart
    $f(x_k) + h(x_k)$ exceeds the least value by at most $2 L \lVert x_0 - x^* \rVert^2 / (k + 1)^2$, which no method
    of first order improves by more than a factor. The value is not falling in every step; a restart of the momentum
    cuts its waves and finds strong convexity by itself. A step evaluates the gradient at $y$, which moves, and at $x$,
    which tells where it stands: stationarity is the norm of the gradient mapping at $x$.

    Parameters
    ----------
    nonsmooth : $h$, of `pullback.optim.proximal`; with bounds and no `nonsmooth`, $h$ keeps to them.
    learning_rate : $\alpha$; if not given it is doubled, without momentum, until $f$ exceeds its quadratic bound, then
        halved where it does, and never grows again.
    restart : when the momentum starts again from $t = 1$: "gradient", where the step turns against the movement;
        "value", where the value rises; or "none".

    Examples
    --------
    >>> from pullback.optim import minimize
    >>> from pullback.optim.proximal import L1
    >>> found = minimize(lambda x: (x[0] - 2) ** 2 + (x[1] - 0.1) ** 2, [0.0, 0.0], method=FISTA(L1(1.0)))
    >>> found.x.round(6).tolist(), float(found.value.round(6))
    ([1.5, 0.0], 1.76)

    References
    ----------
    Beck, Teboulle, "A fast iterative shrinkage-thresholding algorithm", SIAM Journal on Imaging Sciences 2 (2009);
    O'Donoghue, Candès, "Adaptive restart for accelerated gradient schemes", Foundations of Computational Mathematics 15
    (2015).
    """

    bounded: ClassVar[bool] = True
    # The value waves, with a period that grows as the square root of the condition number.
    patience: ClassVar[int] = 1000
    success: ClassVar[Any] = Reason.stationary

    nonsmooth: ProximalFunction | None = None
    learning_rate: Any = None
    restart: str = "gradient"

    def __check_init__(self) -> None:
        if isinstance(self.learning_rate, float | int):
            positive("learning_rate", self.learning_rate)
        if self.restart not in RESTARTS:
            raise unknown_name("restart", self.restart, RESTARTS)

    def admissible(self, objective: Objective, x: Float[Array, " n"]) -> Float[Array, " n"]:
        return self._nonsmooth(objective).proximal_map(x, jnp.zeros((), x.dtype))

    def init(self, objective: Objective, point: Point) -> State:
        total = point.value + self._nonsmooth(objective).value(point.x)
        known = jnp.asarray(self.learning_rate is not None)
        momentum = Momentum(point, jnp.ones((), point.x.dtype), first_rate(self.learning_rate, point), known)
        return State(point._replace(value=total), momentum)

    def step(self, objective: Objective, state: State) -> tuple[State, Info]:
        nonsmooth = self._nonsmooth(objective)
        ahead, t, tried, known = state.memory
        fixed = self.learning_rate is not None
        point, rate, trials, found = proximal_step(nonsmooth, objective, ahead, tried, fixed)
        total = point._replace(value=point.value + nonsmooth.value(point.x))
        known = known | (rate < tried)
        again = self._turned(state.point, ahead, total) | ~known
        t_next = jnp.where(again, 1, fista_parameter(t))
        beta = jnp.where(again, 0, (t - 1) / t_next)
        following = objective.at(extrapolate(point.x, state.point.x, beta))
        reason = Reason.where(found, Reason.running, Reason.line_search_failed)
        work = Work.of(trials + 1, trials + 1)
        next_rate = jnp.where(known, rate, 2 * rate)
        return State(total, Momentum(following, t_next, next_rate, known)), Info(rate, work, reason)

    def stationarity(self, objective: Objective, state: State) -> Float[Array, ""]:
        r"""$\lVert x - \operatorname{prox}_{\alpha h}(x - \alpha \nabla f(x)) \rVert / \alpha$."""
        rate = state.memory.rate
        reached = forward_backward(self._nonsmooth(objective), state.point, rate)
        return jnp.linalg.norm(gradient_mapping(state.point.x, reached, rate))

    def _turned(self, before: Point, ahead: Point, after: Point) -> Array:
        if self.restart == "gradient":
            return jnp.vdot(ahead.x - after.x, after.x - before.x) > 0
        if self.restart == "value":
            return after.value > before.value
        return jnp.zeros((), bool)

    def _nonsmooth(self, objective: Objective) -> ProximalFunction:
        return nonsmooth_part(self.nonsmooth, objective, "FISTA")
