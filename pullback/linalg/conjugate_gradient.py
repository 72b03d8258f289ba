"""Conjugate gradients for symmetric systems: preconditioned, and inside a trust region."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from pullback.core.checks import non_negative, positive, positive_integer
from pullback.core.errors import ConfigurationError
from pullback.core.precision import double_precision
from pullback.linalg.iteration_reason import IterationReason
from pullback.linalg.product import Product, Vector, as_product, as_vector, checked_map

RUNNING = -1


class ConjugateGradientResult(NamedTuple):
    r"""What `conjugate_gradient` returns.

    Attributes
    ----------
    x : the last iterate, shape (n,).
    residual_norm : $\|b - A x\|_2$ computed anew, or by recursion where `verify=False`.
    steps : products with the matrix inside the iteration.
    reason : an `IterationReason` as an integer.
    direction : the direction of zero or negative curvature where one was met, else zeros, shape (n,).
    residual_norms : by recursion, before the first step and after each, shape (max_steps + 1,); then NaN.
    alpha, beta : the coefficients of each step, shape (max_steps,); then NaN.
    """

    x: Any
    residual_norm: Any
    steps: Any
    reason: Any
    direction: Any
    residual_norms: Any
    alpha: Any
    beta: Any


class _State(NamedTuple):
    x: Float[Array, " n"]
    r: Float[Array, " n"]
    p: Float[Array, " n"]
    rho: Float[Array, ""]
    # Squares of the norms of x and p, and their product, in the metric of the preconditioner.
    xx: Float[Array, ""]
    xp: Float[Array, ""]
    pp: Float[Array, ""]
    steps: Int[Array, ""]
    reason: Int[Array, ""]
    direction: Float[Array, " n"]
    residual_norms: Float[Array, " m+1"]
    alpha: Float[Array, " m"]
    beta: Float[Array, " m"]


@double_precision
def conjugate_gradient(
    product: Product,
    b: Vector,
    x0: Vector | None = None,
    *,
    preconditioner: Callable[[Any], Any] | None = None,
    tolerance: Any = None,
    absolute_tolerance: Any = 0.0,
    max_steps: int | None = None,
    radius: Any = None,
    curvature_tolerance: float = 0.0,
    verify: bool = True,
) -> ConjugateGradientResult:
    r"""The solution of $A x = b$ for a symmetric positive definite $A$, by products $A v$ alone.

    $$ \alpha_k = \frac{r_k^\top z_k}{p_k^\top A p_k}, \quad x_{k+1} = x_k + \alpha_k p_k, \quad
       r_{k+1} = r_k - \alpha_k A p_k, \quad z_k = M^{-1} r_k, \quad
       \beta_k = \frac{r_{k+1}^\top z_{k+1}}{r_k^\top z_k}, \quad p_{k+1} = z_{k+1} + \beta_k p_k $$

    With the condition number $\kappa$ of $M^{-1} A$ the error in the norm of $A$ falls by at least
    $2 \big( (\sqrt\kappa - 1) / (\sqrt\kappa + 1) \big)^k$; in exact arithmetic the iteration ends after as many steps
    as $M^{-1} A$ has distinct eigenvalues.

    Parameters
    ----------
    product : $A$, a symmetric matrix of shape (n, n), or a function of a vector that returns $A v$.
    b : shape (n,).
    x0 : the start, zeros by default.
    preconditioner : a function $r \mapsto M^{-1} r$, symmetric positive definite, such as `jacobi(matrix)`.
    tolerance, absolute_tolerance : ends when $\|r\|_2 \le \max(\text{tolerance} \cdot \|b\|_2, \text{absolute})$;
        the default of the first is the square root of the machine epsilon.
    max_steps : the default is 10 n, at most 10,000.
    radius : $\Delta$ of a trust region $\|x\| \le \Delta$ (in the norm $\sqrt{x^\top M x}$ of the preconditioner): the
        path of iterates ends where it crosses the boundary, and a direction of negative curvature is followed to it.
    curvature_tolerance : $p^\top A p \le \text{curvature\_tolerance} \cdot p^\top p$ counts as no curvature.
    verify : compute $b - A x$ anew at the end (one more product), so that "converged" is true of it.

    Returns
    -------
    A `ConjugateGradientResult`; it works under `jit` and `vmap`, and nothing is raised for a numerical failure.

    Raises
    ------
    ShapeError, DataError
        for shapes that do not fit, a matrix that is not symmetric, entries that are not finite.
    ConfigurationError
        for a setting out of its range, or a radius together with a start other than zero.

    Examples
    --------
    >>> import numpy as np
    >>> result = conjugate_gradient(np.array([[4.0, 1.0], [1.0, 3.0]]), np.array([1.0, 2.0]))
    >>> result.x.round(6).tolist(), int(result.steps), IterationReason(int(result.reason)).name
    ([0.090909, 0.636364], 2, 'CONVERGED')

    References
    ----------
    Hestenes and Stiefel, "Methods of conjugate gradients for solving linear systems", J. Res. NBS 49 (1952).
    Steihaug, "The conjugate gradient method and trust regions in large scale optimization", SIAM J. Numer. Anal. 20
    (1983): the radius. Conn, Gould and Toint, Trust-Region Methods, SIAM 2000, section 7.5.1: its norm.
    """
    b = as_vector("b", b)
    if x0 is not None and radius is not None:
        raise ConfigurationError(
            "a trust region is measured from zero",
            expected="x0 = None where a radius is given",
            got="both",
            fix="solve A d = b - A x0 for the step d from x0",
        )
    start = None if x0 is None else as_vector("x0", x0, b.size).astype(b.dtype)
    operator = as_product(product, b.dtype, b.size)
    if preconditioner is not None:
        checked_map("preconditioner", preconditioner, b.dtype, b.size)
    limits = _limits(b, tolerance, absolute_tolerance, radius, curvature_tolerance)
    steps = min(10 * b.size, 10_000) if max_steps is None else positive_integer("max_steps", max_steps)
    return _solve(operator, preconditioner, b, start, limits, steps, verify)


class _Limits(NamedTuple):
    """The settings that may be arrays; a radius of None is no trust region."""

    tolerance: Any
    absolute_tolerance: Any
    curvature: Any
    radius: Any


def _limits(b: Array, tolerance: Any, absolute: Any, radius: Any, curvature: float) -> _Limits:
    if tolerance is None:
        tolerance = float(jnp.finfo(b.dtype).eps) ** 0.5
    for name, value in (("tolerance", tolerance), ("absolute_tolerance", absolute), ("curvature_tolerance", curvature)):
        if isinstance(value, int | float):
            non_negative(name, value)
    if isinstance(radius, int | float):
        positive("radius", radius)
    values = _Limits(tolerance, absolute, curvature, radius)
    return jax.tree.map(lambda value: jnp.asarray(value).astype(b.dtype), values)


@eqx.filter_jit
def _solve(
    product: Callable[[Any], Any],
    preconditioner: Callable[[Any], Any] | None,
    b: Float[Array, " n"],
    x0: Float[Array, " n"] | None,
    limits: _Limits,
    max_steps: int,
    verify: bool,
) -> ConjugateGradientResult:
    precondition = preconditioner if preconditioner is not None else lambda r: r
    scale = power_of_two(jax.lax.stop_gradient(b)) if x0 is None else jnp.ones((), b.dtype)
    b, radius = b / scale, None if limits.radius is None else limits.radius / scale
    limits = limits._replace(absolute_tolerance=limits.absolute_tolerance / scale, radius=radius)
    target = jnp.maximum(limits.tolerance * jnp.linalg.norm(b), limits.absolute_tolerance)
    start = _start(product, precondition, b, x0, target, max_steps)
    state = jax.lax.while_loop(
        lambda state: (state.reason == RUNNING) & (state.steps < max_steps),
        lambda state: _step(product, precondition, limits, target, state),
        start,
    )
    reason = jnp.where(state.reason == RUNNING, IterationReason.STEP_LIMIT, state.reason)
    residual_norm = state.residual_norms[state.steps]
    if verify:
        residual_norm = jnp.linalg.norm(b - product(state.x))
        # The recursion gains a rounding error at each step; twice the target is still the same number of digits.
        drifted = (reason == IterationReason.CONVERGED) & ~(residual_norm <= 2 * target)
        reason = jnp.where(drifted, IterationReason.ROUNDING, reason)
    return ConjugateGradientResult(
        x=scale * state.x,
        residual_norm=scale * residual_norm,
        steps=state.steps,
        reason=reason,
        direction=scale * state.direction,
        residual_norms=scale * state.residual_norms,
        alpha=state.alpha,
        beta=state.beta,
    )


def power_of_two(b: Float[Array, " n"]) -> Float[Array, ""]:
    """The size of `b` to a power of two: dividing by it rounds nothing and keeps squares within range."""
    largest = jnp.max(jnp.abs(b), initial=0.0)
    exponent = jnp.frexp(largest)[1] - 1
    return jnp.where((largest > 0) & jnp.isfinite(largest), jnp.ldexp(jnp.ones_like(largest), exponent), 1.0)


def _start(
    product: Callable[[Any], Any],
    precondition: Callable[[Any], Any],
    b: Float[Array, " n"],
    x0: Float[Array, " n"] | None,
    target: Float[Array, ""],
    max_steps: int,
) -> _State:
    x = jnp.zeros_like(b) if x0 is None else x0
    r = b if x0 is None else b - product(x)
    z = precondition(r)
    rho, norm = r @ z, jnp.linalg.norm(r)
    zero = jnp.zeros((), b.dtype)
    empty = jnp.full((max_steps,), jnp.nan, b.dtype)
    norms = jnp.full((max_steps + 1,), jnp.nan, b.dtype).at[0].set(norm)
    reason = _reason_of_residual(norm, rho, target)
    return _State(x, r, z, rho, zero, zero, rho, jnp.int32(0), reason, jnp.zeros_like(b), norms, empty, empty)


def _reason_of_residual(norm: Float[Array, ""], rho: Float[Array, ""], target: Float[Array, ""]) -> Int[Array, ""]:
    """Whether a new residual ends the iteration, the first case that holds."""
    cases = [
        ~(jnp.isfinite(norm) & jnp.isfinite(rho)),
        norm <= target,
        rho <= 0,
    ]
    reasons = [IterationReason.NOT_FINITE, IterationReason.CONVERGED, IterationReason.BREAKDOWN]
    return jnp.select(cases, [jnp.int32(reason) for reason in reasons], jnp.int32(RUNNING))


def _step(
    product: Callable[[Any], Any],
    precondition: Callable[[Any], Any],
    limits: _Limits,
    target: Float[Array, ""],
    state: _State,
) -> _State:
    image = product(state.p)
    curvature = state.p @ image
    flat = curvature <= limits.curvature * (state.p @ state.p)
    alpha = state.rho / curvature
    length, crosses = _length_inside(limits.radius, state, alpha, flat)
    x, r = state.x + length * state.p, state.r - length * image
    z = precondition(r)
    rho, norm = r @ z, jnp.linalg.norm(r)
    beta = rho / state.rho
    broken = ~(jnp.isfinite(curvature) & jnp.isfinite(norm) & jnp.isfinite(rho))
    reason = jnp.select(
        [broken, flat, crosses],
        [jnp.int32(IterationReason.NOT_FINITE), jnp.int32(IterationReason.NEGATIVE_CURVATURE),
         jnp.int32(IterationReason.BOUNDARY)],
        _reason_of_residual(norm, rho, target),
    )  # fmt: skip
    xp = state.xp + length * state.pp
    return _State(
        x=jnp.where(broken, state.x, x),
        r=r,
        p=z + beta * state.p,
        rho=rho,
        xx=state.xx + length * (state.xp + xp),
        xp=beta * xp,
        pp=rho + beta**2 * state.pp,
        steps=state.steps + 1,
        reason=reason,
        direction=jnp.where(flat & ~broken, state.p, state.direction),
        residual_norms=state.residual_norms.at[state.steps + 1].set(norm),
        alpha=state.alpha.at[state.steps].set(alpha),
        beta=state.beta.at[state.steps].set(beta),
    )


def _length_inside(
    radius: Float[Array, ""] | None, state: _State, alpha: Float[Array, ""], flat: Bool[Array, ""]
) -> tuple[Float[Array, ""], Bool[Array, ""]]:
    """How far to go along the direction, and whether that meets the boundary."""
    if radius is None:
        return jnp.where(flat, jnp.zeros_like(alpha), alpha), jnp.zeros_like(flat)
    room = radius**2 - state.xx
    crosses = flat | (alpha * (2 * state.xp + alpha * state.pp) >= room)
    # The positive root in the form that subtracts nothing: x.p never is negative along the iteration.
    to_boundary = room / (state.xp + jnp.sqrt(state.xp**2 + state.pp * room))
    return jnp.where(crosses, to_boundary, alpha), crosses
