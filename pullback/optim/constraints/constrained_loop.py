"""The loop over unconstrained problems that approach a constrained one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from pullback.autodiff import grad
from pullback.optim.constraints.constrained_result import KKT, ConstrainedTrace
from pullback.optim.constraints.lagrangian import (
    augmented_lagrangian,
    complementarity_residual,
    equality_multipliers,
    inequality_multipliers,
    infeasibility,
    lagrangian,
)
from pullback.optim.constraints.strategies import ConstrainedMethod
from pullback.optim.loop import run
from pullback.optim.methods.method import Method, Work
from pullback.optim.objective import Bounds, Objective
from pullback.optim.reason import Reason

# Problems without progress of the residuals after which one speaks of a plateau.
PATIENCE = 8


class ConstrainedObjective(NamedTuple):
    """The function, what has to be zero, what must not be negative, and the bounds; of one vector."""

    function: Callable[[Array], Array]
    equality: Callable[[Array], Array]
    inequality: Callable[[Array], Array]
    bounds: Bounds | None

    def augmented(self, lam: Array, mu: Array, rho: Array) -> Objective:
        """The unconstrained function with these multipliers and this penalty."""

        def function(x: Array) -> Array:
            return augmented_lagrangian(self.function(x), self.equality(x), self.inequality(x), lam, mu, rho)

        return Objective(function, bounds=self.bounds)

    def slope(self, x: Array, lam: Array, mu: Array) -> Float[Array, " n"]:
        """The gradient of the Lagrangian."""
        return grad(lambda x: lagrangian(self.function(x), self.equality(x), self.inequality(x), lam, mu))(x)

    def residuals(self, x: Array, lam: Array, mu: Array) -> KKT:
        """Those of the optimality conditions."""
        slope = self.slope(x, lam, mu)
        moved = x - slope if self.bounds is None else self.bounds.project(x - slope)
        g, h = self.equality(x), self.inequality(x)
        return KKT(jnp.linalg.norm(moved - x), infeasibility(g, h), complementarity_residual(h, mu))

    def bound_multipliers(self, x: Array, lam: Array, mu: Array) -> tuple[Array, Array]:
        """What holds the point at its bounds."""
        if self.bounds is None:
            return jnp.zeros_like(x), jnp.zeros_like(x)
        slope = self.slope(x, lam, mu)
        lower = jnp.where(x <= self.bounds.lower, jnp.maximum(slope, 0), 0)
        return lower, jnp.where(x >= self.bounds.upper, jnp.maximum(-slope, 0), 0)


class Outer(NamedTuple):
    """Everything that changes from problem to problem."""

    x: Float[Array, " n"]
    equality: Float[Array, " p"]
    inequality: Float[Array, " q"]
    penalty: Float[Array, ""]
    kkt: KKT
    violation: Float[Array, ""]
    best: Float[Array, ""]
    stalled: Int[Array, ""]
    steps: Int[Array, ""]
    inner_steps: Int[Array, ""]
    work: Work
    reason: Any
    trace: ConstrainedTrace


def run_constrained(
    problem: ConstrainedObjective,
    strategy: ConstrainedMethod,
    inner: Method,
    x: Float[Array, " n"],
    tolerance: Any,
    max_steps: int,
    max_inner_steps: int,
) -> Outer:
    """Solve unconstrained problems until there is a reason to end."""

    def advance(outer: Outer) -> Outer:
        return _advance(problem, strategy, inner, outer, tolerance, max_steps, max_inner_steps)

    start = _start(problem, strategy, x, max_steps)
    return jax.lax.while_loop(lambda outer: outer.reason == Reason.running, advance, start)


def _start(problem: ConstrainedObjective, strategy: ConstrainedMethod, x: Array, max_steps: int) -> Outer:
    x = x if problem.bounds is None else problem.bounds.project(x)
    g, h = problem.equality(x), problem.inequality(x)
    infinite = jnp.full((), jnp.inf, x.dtype)
    zero = jnp.zeros((), jnp.int32)
    empty = jnp.full(max_steps, jnp.nan, x.dtype)
    finite = jnp.isfinite(problem.function(x)) & jnp.all(jnp.isfinite(g)) & jnp.all(jnp.isfinite(h))
    return Outer(
        x=x,
        equality=jnp.zeros_like(g),
        inequality=jnp.zeros_like(h),
        penalty=jnp.asarray(strategy.penalty, x.dtype),
        kkt=KKT(infinite, infeasibility(g, h), infinite),
        violation=infinite,
        best=infinite,
        stalled=zero,
        steps=zero,
        inner_steps=zero,
        work=Work.of(values=1),
        reason=Reason.where(finite, Reason.running, Reason.not_finite_at_start),
        trace=ConstrainedTrace(empty, KKT(empty, empty, empty), empty, jnp.zeros(max_steps, jnp.int32)),
    )


def _advance(
    problem: ConstrainedObjective,
    strategy: ConstrainedMethod,
    inner: Method,
    old: Outer,
    tolerance: Any,
    max_steps: int,
    max_inner_steps: int,
) -> Outer:
    lam, mu, rho = old.equality, old.inequality, old.penalty
    if not strategy.keeps_multipliers:
        lam, mu = jnp.zeros_like(lam), jnp.zeros_like(mu)
    # The first problems are far from the constrained one; more digits than this would be lost on them.
    enough = jnp.maximum(tolerance / 2, 10.0 ** -(old.steps + 1).astype(old.x.dtype))
    solved = run(problem.augmented(lam, mu, rho), inner, old.x, enough, max_inner_steps, False)
    # Where the penalty is too small to bound the function, the point before is the better one to go on from.
    lost = (solved.reason == Reason.unbounded) | (solved.reason == Reason.not_finite)
    x = jnp.where(lost, old.x, solved.state.point.x)
    g, h = problem.equality(x), problem.inequality(x)
    lam_next = jnp.where(lost, old.equality, equality_multipliers(lam, g, rho))
    mu_next = jnp.where(lost, old.inequality, inequality_multipliers(mu, h, rho))
    kkt = problem.residuals(x, lam_next, mu_next)
    violation = jnp.maximum(infeasibility(g, jnp.zeros(0, x.dtype)), complementarity_residual(h, mu_next))
    rho_next = jnp.where(lost | strategy.grows(violation, old.violation), strategy.growth * rho, rho)
    worst = jnp.max(jnp.stack(kkt))
    better = worst < 0.9 * old.best
    stalled = jnp.where(better, 0, old.stalled + 1)
    steps = old.steps + 1

    feasible = kkt.feasibility <= tolerance
    reason = Reason.where(steps >= max_steps, Reason.step_limit, Reason.running)
    ended = (rho_next > jnp.finfo(x.dtype).eps ** -0.7) | (stalled >= PATIENCE)
    stuck = Reason.where(feasible, Reason.plateau, Reason.infeasible)
    stuck = Reason.where(lost, solved.reason, stuck)
    reason = Reason.where(ended, stuck, reason)
    reason = Reason.where((worst <= tolerance) & ~lost, Reason.stationary, reason)
    row = old.steps
    trace = ConstrainedTrace(
        old.trace.value.at[row].set(problem.function(x)),
        KKT(*(rows.at[row].set(entry) for rows, entry in zip(old.trace.kkt, kkt, strict=True))),
        old.trace.penalty.at[row].set(rho),
        old.trace.steps.at[row].set(solved.steps),
    )
    work = old.work.plus(solved.work).plus(Work.of(values=2, gradients=1))
    return Outer(
        x,
        lam_next,
        mu_next,
        rho_next,
        kkt,
        violation,
        jnp.minimum(old.best, worst),
        stalled,
        steps,
        old.inner_steps + solved.steps,
        work,
        reason,
        trace,
    )
