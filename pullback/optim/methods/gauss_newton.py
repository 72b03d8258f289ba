"""The Gauss-Newton method for sums of squares."""

from __future__ import annotations

from typing import Any, ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.optim.line_search.search import LineSearch
from pullback.optim.line_search.wolfe import Wolfe
from pullback.optim.methods.along import search_along
from pullback.optim.methods.method import Info, Method, State
from pullback.optim.methods.residual_memory import (
    ResidualMemory,
    least_squares_stationarity,
    next_memory,
    scaled_decomposition,
    start_memory,
)
from pullback.optim.objective import Objective, Point
from pullback.optim.reason import Reason


class GaussNewton(Method):
    r"""Gauss-Newton: the residuals replaced by their linear model, with a line search.

    $$ p_k = \arg\min_p \lVert r(x_k) + J_k p \rVert^2 = -J_k^+ r(x_k), \qquad x_{k+1} = x_k + \alpha_k p_k $$

    for $f = \tfrac12 \lVert r \rVert^2$, from the singular values of $J$ with its columns scaled to length one; those
    below rounding count as zero, so that a rank-deficient $J$ gives the shortest step. The error shrinks by about the
    size of the second derivatives that are left out, $\lVert (J^\top J)^{-1} \sum_i r_i \nabla^2 r_i \rVert$, a step:
    quadratically where the residuals vanish.

    Ends as `LevenbergMarquardt` does, by a measure without units.

    When to use it: small residuals and a good start; otherwise `LevenbergMarquardt`.

    Parameters
    ----------
    line_search : rule for $\alpha_k$, the full step first.

    Examples
    --------
    >>> from pullback.optim import minimize
    >>> def residuals(x):
    ...     return jnp.stack([10 * (x[1] - x[0] ** 2), 1 - x[0]])
    >>> found = minimize(residuals, [-1.2, 1.0], method="gauss_newton")
    >>> found.x.round(6).tolist(), bool(found.converged)
    ([1.0, 1.0], True)

    References
    ----------
    Gauss, "Theoria motus corporum coelestium" (1809); Björck, "Numerical Methods for Least Squares Problems", SIAM
    (1996), section 9.2.
    """

    squares: ClassVar[bool] = True
    success: ClassVar[Any] = Reason.stationary

    line_search: LineSearch = Wolfe()

    def init(self, objective: Objective, point: Point) -> State:
        return State(point, start_memory(objective, point.x))

    def step(self, objective: Objective, state: State) -> tuple[State, Info]:
        point, memory = state
        direction = gauss_newton_direction(memory)
        searched, info = search_along(self.line_search, objective, point, direction, jnp.ones_like(point.value))
        full = searched.step_length == 1
        following = next_memory(objective, memory, point.x, searched.point.x, full)
        work = info.work._replace(products=info.work.products + point.x.size)
        return State(searched.point, following), info._replace(work=work)

    def stationarity(self, objective: Objective, state: State) -> Float[Array, ""]:
        del objective
        return least_squares_stationarity(state.memory)


def gauss_newton_direction(memory: ResidualMemory) -> Float[Array, " n"]:
    r"""$-J^+ r$, the pseudo-inverse in the norm of the scaled variables."""
    U, s, Vt = scaled_decomposition(memory)
    kept = s > max(memory.J.shape) * jnp.finfo(s.dtype).eps * s[0]
    projected = jnp.where(kept, (U.T @ memory.r) / jnp.where(kept, s, 1), 0)
    return -(Vt.T @ projected) / memory.column_norms
