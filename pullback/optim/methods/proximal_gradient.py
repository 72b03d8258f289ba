"""The proximal gradient method."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.core.checks import positive
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


class SmoothPart(NamedTuple):
    """Value of the part with a gradient, the rate to try next, and the rate that stationarity is measured with."""

    value: Float[Array, ""]
    rate: Float[Array, ""]
    measured: Float[Array, ""]


class ProximalGradient(Method):
    r"""Proximal gradient (forward-backward splitting, ISTA) for $f + h$ with $f$ smooth and $h$ simple.

    $$ x_{k+1} = \operatorname{prox}_{\alpha_k h} \left( x_k - \alpha_k \nabla f(x_k) \right), \qquad
       \operatorname{prox}_{\alpha h}(v) = \arg\min_x\ h(x) + \frac{1}{2 \alpha} \lVert x - v \rVert^2 $$

    For a lasso, constraints, or a penalty on groups or rank. With $\alpha \le 1/L$ the excess over the least value
    falls below $\lVert x_0 - x^* \rVert^2 / (2 \alpha k)$. The value in the trace is that of $f + h$; stationarity is
    the norm of the gradient mapping $(x_k - x_{k+1}) / \alpha_k$. With bounds and no `nonsmooth`, $h$ keeps to them.

    Parameters
    ----------
    nonsmooth : $h$, of `pullback.optim.proximal`.
    learning_rate : $\alpha$; if not given it is halved until the quadratic bound holds.
    growth : factor on the rate found before a new one is looked for; 1 lets it only fall.

    Examples
    --------
    >>> from pullback.optim import minimize
    >>> from pullback.optim.proximal import L1
    >>> found = minimize(lambda x: (x[0] - 2) ** 2 + (x[1] - 0.1) ** 2, [0.0, 0.0], method=ProximalGradient(L1(1.0)))
    >>> found.x.round(6).tolist(), float(found.value.round(6))
    ([1.5, 0.0], 1.76)

    References
    ----------
    Beck, Teboulle, "A fast iterative shrinkage-thresholding algorithm", SIAM Journal on Imaging Sciences 2 (2009);
    Parikh, Boyd, "Proximal algorithms" (2014), section 4.2.
    """

    bounded: ClassVar[bool] = True
    patience: ClassVar[int] = 100
    success: ClassVar[Any] = Reason.stationary

    nonsmooth: ProximalFunction | None = None
    learning_rate: Any = None
    growth: Any = 1.25

    def __check_init__(self) -> None:
        if isinstance(self.learning_rate, float | int):
            positive("learning_rate", self.learning_rate)
        if isinstance(self.growth, float | int):
            positive("growth", self.growth)

    def admissible(self, objective: Objective, x: Float[Array, " n"]) -> Float[Array, " n"]:
        return self._nonsmooth(objective).proximal_map(x, jnp.zeros((), x.dtype))

    def init(self, objective: Objective, point: Point) -> State:
        rate = first_rate(self.learning_rate, point)
        total = point.value + self._nonsmooth(objective).value(point.x)
        return State(point._replace(value=total), SmoothPart(point.value, rate, rate))

    def step(self, objective: Objective, state: State) -> tuple[State, Info]:
        nonsmooth = self._nonsmooth(objective)
        smooth: SmoothPart = state.memory
        fixed = self.learning_rate is not None
        start = state.point._replace(value=smooth.value)
        point, rate, trials, found = proximal_step(nonsmooth, objective, start, smooth.rate, fixed)
        total = point._replace(value=point.value + nonsmooth.value(point.x))
        following = rate if fixed else self.growth * rate
        reason = Reason.where(found, Reason.running, Reason.line_search_failed)
        return State(total, SmoothPart(point.value, following, rate)), Info(rate, Work.of(trials, trials), reason)

    def stationarity(self, objective: Objective, state: State) -> Float[Array, ""]:
        r"""$\lVert x - \operatorname{prox}_{\alpha h}(x - \alpha \nabla f(x)) \rVert / \alpha$."""
        rate = state.memory.measured
        reached = forward_backward(self._nonsmooth(objective), state.point, rate)
        return jnp.linalg.norm(gradient_mapping(state.point.x, reached, rate))

    def _nonsmooth(self, objective: Objective) -> ProximalFunction:
        return nonsmooth_part(self.nonsmooth, objective, "ProximalGradient")
