"""Truncated Newton: the Newton direction by a few steps of conjugate gradients."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.core.checks import fraction, positive_integer
from pullback.core.errors import unknown_name
from pullback.linalg import conjugate_gradient
from pullback.optim.line_search.search import LineSearch
from pullback.optim.line_search.wolfe import Wolfe
from pullback.optim.methods.along import search_along
from pullback.optim.methods.method import Info, Method, State
from pullback.optim.objective import Objective, Point

FORCINGS = ("eisenstat_walker", "superlinear", "constant")


def eisenstat_walker_forcing(
    eta: Float[Array, ""], norm: Float[Array, ""], previous_norm: Float[Array, ""]
) -> Float[Array, ""]:
    r"""The forcing by how much the norm of the gradient fell: their second choice, with its safeguard.

    $\eta' = 0.9\, (\lVert g_k \rVert / \lVert g_{k-1} \rVert)^2$, not below $0.9\, \eta^2$ where that exceeds 0.1.
    """
    chosen = 0.9 * (norm / previous_norm) ** 2
    safeguard = 0.9 * eta**2
    return jnp.where(safeguard > 0.1, jnp.maximum(chosen, safeguard), chosen)


class Forcing(NamedTuple):
    """The relative residual asked for in the last step, and the norm of the gradient there."""

    eta: Float[Array, ""]
    norm: Float[Array, ""]


class TruncatedNewton(Method):
    r"""Truncated Newton, also called Newton-CG and Hessian-free: no Hessian is formed.

    $$ \lVert \nabla^2 f(x_k)\, p_k + \nabla f(x_k) \rVert \le \eta_k \lVert \nabla f(x_k) \rVert,
       \qquad x_{k+1} = x_k + \alpha_k p_k $$

    Conjugate gradients find $p_k$ by products with the Hessian, each as dear as about two gradients, and end where
    the forcing $\eta_k$ is reached or a direction of no positive curvature is met; in the first step that is the
    steepest descent itself, taken with the length $\lVert g \rVert^2 / |g^\top \nabla^2 f g|$.

    When to use it: many unknowns, and L-BFGS needs too many steps; with products on a trust region it is
    `TrustRegion(subproblem="steihaug")`.

    Parameters
    ----------
    forcing : "eisenstat_walker" for their second choice, $\eta_k = 0.9\, (\lVert g_k \rVert / \lVert g_{k-1} \rVert)^2$
        with its safeguard; "superlinear" for $\sqrt{\lVert g_k \rVert}$; "constant".
    largest_forcing : bound on $\eta_k$, its first and its constant value.
    line_search : rule for $\alpha_k$, the full step first.
    max_inner_steps : of the conjugate gradients; twice the number of unknowns if not given.

    Examples
    --------
    >>> from pullback.optim import minimize
    >>> def rosenbrock(x):
    ...     return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
    >>> minimize(rosenbrock, [-1.2, 1.0], method="truncated_newton").x.round(5).tolist()
    [1.0, 1.0]

    References
    ----------
    Dembo, Steihaug, "Truncated-Newton algorithms for large-scale unconstrained optimization", Mathematical Programming
    26 (1983); Eisenstat, Walker, "Choosing the forcing terms in an inexact Newton method", SIAM J. Sci. Comput. 17
    (1996).
    """

    forcing: str = "eisenstat_walker"
    largest_forcing: Any = 0.5
    line_search: LineSearch = Wolfe()
    max_inner_steps: int | None = None

    def __check_init__(self) -> None:
        if self.forcing not in FORCINGS:
            raise unknown_name("forcing", self.forcing, FORCINGS)
        if isinstance(self.largest_forcing, int | float):
            fraction("largest_forcing", self.largest_forcing)
        if self.max_inner_steps is not None:
            positive_integer("max_inner_steps", self.max_inner_steps)

    def init(self, objective: Objective, point: Point) -> State:
        del objective
        largest = jnp.asarray(self.largest_forcing, point.x.dtype)
        return State(point, Forcing(largest, jnp.linalg.norm(point.gradient)))

    def step(self, objective: Objective, state: State) -> tuple[State, Info]:
        point, before = state
        g = point.gradient
        eta = self._forcing(before, jnp.linalg.norm(g))
        limit = self.max_inner_steps or 2 * g.size
        solved = conjugate_gradient(objective.curvature_at(point.x), -g, tolerance=eta, max_steps=limit, verify=False)
        # Nothing but the steepest descent is known where its curvature is not positive at once.
        length = jnp.abs(solved.alpha[0])
        steepest = -jnp.where(jnp.isfinite(length), length, 1) * g
        direction = jnp.where(jnp.any(solved.x != 0), solved.x, steepest)
        searched, info = search_along(self.line_search, objective, point, direction, jnp.ones_like(point.value))
        work = info.work._replace(products=info.work.products + solved.steps)
        return State(searched.point, Forcing(eta, jnp.linalg.norm(g))), info._replace(work=work)

    def _forcing(self, before: Forcing, norm: Array) -> Float[Array, ""]:
        largest = jnp.asarray(self.largest_forcing, norm.dtype)
        if self.forcing == "constant":
            return largest
        if self.forcing == "superlinear":
            return jnp.minimum(largest, jnp.sqrt(norm))
        # At the start both norms are the same, and the rule gives its largest.
        return jnp.minimum(largest, eisenstat_walker_forcing(before.eta, norm, before.norm))
