"""Newton's method, plain and made safe."""

from __future__ import annotations

from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.core.errors import unknown_name
from pullback.linalg import modified_cholesky
from pullback.optim.line_search.search import LineSearch
from pullback.optim.line_search.wolfe import Wolfe
from pullback.optim.methods.along import search_along
from pullback.optim.methods.method import Info, Method, State, Work
from pullback.optim.objective import Objective, Point
from pullback.optim.reason import Reason

GLOBALIZATIONS = ("none", "line_search", "modified_cholesky", "saddle_free")


def newton_direction(hessian: Float[Array, "n n"], gradient: Float[Array, " n"]) -> Float[Array, " n"]:
    r"""$-H^{-1} g$."""
    return -jnp.linalg.solve(hessian, gradient)


def saddle_free_direction(
    Q: Float[Array, "n n"], w: Float[Array, " n"], g: Float[Array, " n"], smallest: Float[Array, ""]
) -> Float[Array, " n"]:
    r"""$-Q \operatorname{diag}(\max(|w|, \delta))^{-1} Q^\top g$, the eigenvalues $w$ by their moduli."""
    return -(Q @ ((Q.T @ g) / jnp.maximum(jnp.abs(w), smallest)))


class Newton(Method):
    r"""Newton's method: to the stationary point of the quadratic model.

    $$ x_{k+1} = x_k - \alpha_k\, \nabla^2 f(x_k)^{-1}\, \nabla f(x_k) $$

    Near a minimum with a regular Hessian the error is squared in every step. The plain method takes the full step,
    $\alpha_k = 1$, and goes to maxima and saddle points as gladly as to minima; far from all it may go anywhere. The
    other forms search along a direction of descent, and take the full step wherever that lowers the value enough.

    When to use it: the plain form for its rate, from a good start, and to look at the method itself; otherwise
    "modified_cholesky", up to some hundred unknowns.

    Parameters
    ----------
    globalization : "none" for the full step; "line_search" for the damped method, along the Newton direction, or
        against it where that leads down; "modified_cholesky" for $\nabla^2 f + E$ with a small diagonal $E \ge 0$ that
        makes it positive definite (Gill and Murray); "saddle_free" for the eigenvalues by their moduli (Dauphin),
        which turns saddle points from attractors into repellers.
    line_search : rule for $\alpha_k$, the full step first.

    Examples
    --------
    >>> from pullback.optim import minimize
    >>> found = minimize(lambda t: t**4 - 4 * t**3 - 2 * t**2 + 10 * t + 15, 2.5, method=Newton(), keep_path=True)
    >>> found.trace.x[1:4].round(8).tolist()
    [3.63636364, 3.20444514, 3.0725869]

    References
    ----------
    Nocedal, Wright, "Numerical Optimization" (2006), sections 3.3 and 3.4; Gill, Murray, Wright, "Practical
    Optimization" (1981), section 4.4; Dauphin et al., "Identifying and attacking the saddle point problem in
    high-dimensional non-convex optimization", NeurIPS 2014.
    """

    any_stationary: ClassVar[bool] = True
    globalization: str = "none"
    line_search: LineSearch = Wolfe()

    def __check_init__(self) -> None:
        if self.globalization not in GLOBALIZATIONS:
            raise unknown_name("globalization", self.globalization, GLOBALIZATIONS)

    def step(self, objective: Objective, state: State) -> tuple[State, Info]:
        point = state.point
        hessian = objective.hessian(point.x)
        direction = self._direction(hessian, point)
        solved = jnp.all(jnp.isfinite(direction))
        direction = jnp.where(solved, direction, 0)
        if self.globalization == "none":
            following = objective.at(point.x + direction)
            info = Info(jnp.ones_like(point.value), Work.of(1, 1, point.x.size))
        else:
            searched, info = search_along(self.line_search, objective, point, direction, jnp.ones_like(point.value))
            following = searched.point
            info = info._replace(work=info.work._replace(products=info.work.products + point.x.size))
        return State(following), info._replace(reason=Reason.where(solved, info.reason, Reason.singular))

    def _direction(self, hessian: Array, point: Point) -> Float[Array, " n"]:
        gradient = point.gradient
        if self.globalization == "modified_cholesky":
            return -jnp.asarray(modified_cholesky(hessian).solve(gradient))
        if self.globalization == "saddle_free":
            w, Q = jnp.linalg.eigh(hessian)
            return saddle_free_direction(Q, w, gradient, _smallest_curvature(w))
        direction = newton_direction(hessian, gradient)
        if self.globalization == "none":
            return direction
        return jnp.where(point.slope(direction) > 0, -direction, direction)


def _smallest_curvature(w: Float[Array, " n"]) -> Float[Array, ""]:
    # Curvatures that are rounding beside the largest say nothing of a length.
    return jnp.finfo(w.dtype).eps ** 0.5 * jnp.maximum(jnp.max(jnp.abs(w)), jnp.finfo(w.dtype).tiny ** 0.5)
