"""The trust-region method with the Hessian."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax.scipy.linalg import cho_solve
from jaxtyping import Array, Float

from pullback.core.checks import positive, positive_integer
from pullback.core.errors import unknown_name
from pullback.optim.methods.method import Info, Method, State, Work
from pullback.optim.objective import Objective, Point
from pullback.optim.reason import Reason
from pullback.optim.trust_region.cauchy import cauchy_point
from pullback.optim.trust_region.dogleg import dogleg_step
from pullback.optim.trust_region.exact import exact_step
from pullback.optim.trust_region.radius import Proposal, RadiusRule
from pullback.optim.trust_region.solution import SubproblemSolution
from pullback.optim.trust_region.steihaug import steihaug_step

SUBPROBLEMS = ("exact", "dogleg", "steihaug", "cauchy")

Solver = Callable[[Float[Array, ""]], SubproblemSolution]


class TrustRegion(Method):
    r"""Trust region: the quadratic model is minimized where it can be trusted.

    $$ p_k = \arg\min_{\lVert p \rVert \le \Delta_k} \nabla f(x_k)^\top p + \tfrac12 p^\top \nabla^2 f(x_k)\, p,
       \qquad x_{k+1} = x_k + p_k $$

    The radius $\Delta_k$ follows the ratio of the decrease of $f$ to that of the model (`RadiusRule`); a step that
    does not lower $f$ is tried again with a smaller one. An indefinite Hessian is no obstacle but a way down: beside a
    saddle the exact solver and Steihaug's follow the direction of negative curvature.

    When to use it: the surest way to a minimum of a smooth function; `steihaug` where the Hessian is too large to be
    formed.

    Parameters
    ----------
    subproblem : "exact" by the eigenvalues of the Hessian (Moré and Sorensen's conditions), "dogleg" (where the
        Hessian is not positive definite it goes to the Cauchy point), "steihaug" by conjugate gradients without the
        matrix, "cauchy" along the steepest descent only (slow; the yardstick of the theory).
    radius : rule for the radius.
    forcing : largest relative residual of Steihaug's iteration, reduced to
        $\sqrt{\lVert \nabla f(x_k) \rVert}$ where that is smaller, for superlinear convergence.
    max_inner_steps : of Steihaug's iteration; twice the number of unknowns if not given.

    Examples
    --------
    >>> from pullback.optim import minimize
    >>> saddle = lambda x: x[0] ** 4 / 4 - x[0] ** 2 / 2 + x[1] ** 2
    >>> found = minimize(saddle, [1e-3, 1.0], method=TrustRegion(subproblem="exact"))
    >>> found.x.round(6).tolist(), float(found.value)
    ([1.0, 0.0], -0.25)

    References
    ----------
    Conn, Gould, Toint, "Trust-Region Methods", SIAM (2000); Nocedal, Wright, "Numerical Optimization" (2006),
    chapter 4.
    """

    subproblem: str = "exact"
    radius: RadiusRule = RadiusRule()
    forcing: Any = 0.5
    max_inner_steps: int | None = None

    def __check_init__(self) -> None:
        if self.subproblem not in SUBPROBLEMS:
            raise unknown_name("subproblem", self.subproblem, SUBPROBLEMS)
        if isinstance(self.forcing, int | float):
            positive("forcing", self.forcing)
        if self.max_inner_steps is not None:
            positive_integer("max_inner_steps", self.max_inner_steps)

    def init(self, objective: Objective, point: Point) -> State:
        del objective
        return State(point, jnp.asarray(self.radius.initial, point.x.dtype))

    def step(self, objective: Objective, state: State) -> tuple[State, Info]:
        point, radius = state
        solve, products = self._solver(objective, point)

        def propose(radius: Array) -> Proposal:
            found = solve(radius)
            candidate = objective.at(point.x + found.step)
            return Proposal(candidate, candidate.value, found.decrease, found.length, found.boundary, found.products)

        tried = self.radius.tried(propose, point.value, radius)
        candidate: Point = tried.proposal.candidate
        following = Point(*(jnp.where(tried.accepted, new, old) for new, old in zip(candidate, point, strict=True)))
        reason = Reason.where(tried.accepted, Reason.running, Reason.radius_collapsed)
        made = products + (tried.products if self.subproblem in ("steihaug", "cauchy") else 0)
        info = Info(jnp.full_like(point.value, jnp.nan), Work.of(tried.trials, tried.trials, made), reason)
        return State(following, tried.radius), info

    def _solver(self, objective: Objective, point: Point) -> tuple[Solver, int]:
        """The sub-problem as a function of the radius, and the products with the Hessian already made for it."""
        x, _, g = point
        if self.subproblem == "steihaug":
            product = objective.curvature_at(x)
            tolerance = jnp.minimum(self.forcing, jnp.sqrt(jnp.linalg.norm(g)))
            limit = self.max_inner_steps or 2 * x.size
            return lambda radius: steihaug_step(product, g, radius, tolerance, limit), 0
        if self.subproblem == "cauchy":
            product = objective.curvature_at(x)
            return lambda radius: cauchy_point(product, g, radius), 0
        hessian = objective.hessian(x)
        if self.subproblem == "exact":
            eigenvalues, eigenvectors = jnp.linalg.eigh(hessian)
            return lambda radius: exact_step(eigenvalues, eigenvectors, g, radius), x.size
        # The factor of a matrix that is not positive definite is NaN, and so is the step then.
        newton = -cho_solve((jnp.linalg.cholesky(hessian), True), g)
        return lambda radius: dogleg_step(hessian, newton, g, radius), x.size
