"""The quasi-Newton method of Broyden, Fletcher, Goldfarb and Shanno."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from pullback.optim.line_search.search import LineSearch
from pullback.optim.line_search.wolfe import Wolfe
from pullback.optim.methods.along import search_along
from pullback.optim.methods.method import Info, Method, State
from pullback.optim.objective import Objective, Point


def bfgs_inverse_update(H: Float[Array, "n n"], s: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, "n n"]:
    r"""$(I - \rho s y^\top) H (I - \rho y s^\top) + \rho s s^\top$ with $\rho = 1 / y^\top s$."""
    rho = 1 / jnp.vdot(y, s)
    Hy = H @ y
    return H - rho * (jnp.outer(s, Hy) + jnp.outer(Hy, s)) + (rho**2 * jnp.vdot(y, Hy) + rho) * jnp.outer(s, s)


class InverseHessian(NamedTuple):
    """The approximation, and whether it is the identity it started from."""

    H: Float[Array, "n n"]
    fresh: Bool[Array, ""]


class BFGS(Method):
    r"""BFGS: an approximation $H_k$ of the inverse Hessian from the changes of the gradient.

    $$ d_k = -H_k \nabla f(x_k), \quad s_k = \alpha_k d_k, \quad y_k = \nabla f(x_{k+1}) - \nabla f(x_k), \quad
       H_{k+1} = (I - \rho_k s_k y_k^\top) H_k (I - \rho_k y_k s_k^\top) + \rho_k s_k s_k^\top $$

    References
    ----------
    Nocedal, Wright, "Numerical Optimization" (2006), section 6.1.
    """

    line_search: LineSearch = Wolfe()

    def init(self, objective: Objective, point: Point) -> State:
        del objective
        return State(point, InverseHessian(jnp.eye(point.x.size, dtype=point.x.dtype), jnp.ones((), bool)))

    def step(self, objective: Objective, state: State) -> tuple[State, Info]:
        point, (H, fresh) = state
        # The identity knows nothing of the scale of the problem: its first step has length one.
        initial = jnp.where(fresh, jnp.minimum(1, 1 / jnp.linalg.norm(point.gradient)), 1)
        searched, info = search_along(self.line_search, objective, point, -(H @ point.gradient), initial, ~fresh)
        s, y = searched.point.x - point.x, searched.point.gradient - point.gradient
        curved = jnp.vdot(s, y) > jnp.finfo(s.dtype).eps * jnp.vdot(y, y)
        scaled = jnp.where(fresh, jnp.vdot(s, y) / jnp.where(curved, jnp.vdot(y, y), 1), 1) * H
        H_next = jnp.where(curved, bfgs_inverse_update(scaled, s, jnp.where(curved, y, s)), H)
        # Where the search found nothing, the next step starts again from the steepest descent.
        failed = searched.step_length == 0
        H_next = jnp.where(failed, jnp.eye(s.size, dtype=s.dtype), H_next)
        return State(searched.point, InverseHessian(H_next, failed)), info
