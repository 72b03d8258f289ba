"""`minimize`: the door to every method of deterministic optimization."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.core
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array

from pullback.core.checks import positive_integer
from pullback.core.precision import double_precision
from pullback.optim.loop import Progress, run, run_many
from pullback.optim.methods import get_method
from pullback.optim.methods.method import Method
from pullback.optim.minimize_arguments import (
    as_arrays,
    as_box,
    as_start,
    check_args,
    check_function,
    check_gradient,
    check_starts,
    shapes_of,
)
from pullback.optim.objective import Bounds, Objective
from pullback.optim.reason import Reason
from pullback.optim.result import OptimizationResult, leading_rows
from pullback.optim.throw import raise_unless_converged
from pullback.optim.tolerance import as_tolerance


def minimize(
    f: Any,
    x0: Any,
    *,
    args: Any = (),
    method: Any = "bfgs",
    tolerance: float | None = None,
    max_steps: int = 1000,
    bounds: Any = None,
    gradient: Any = None,
    many: bool = False,
    keep_path: bool = False,
    throw: bool = False,
) -> OptimizationResult:
    r"""The point where a function is least, from a start, by a method of one's choice.

    $$ x^* = \arg\min_x f(x, \text{args}), \qquad \text{ended by } \lVert \nabla f(x_k) \rVert \le \text{tolerance} $$

    Parameters
    ----------
    f : function of `x0` (and of `args`) written in JAX, with a real number as result. The methods for sums of squares
        (`gauss_newton`, `levenberg_marquardt`) take the residuals $r(x)$, an array of any shape, and minimize
        $f = \tfrac12 \lVert r \rVert^2$.
    x0 : start: a number, an array, or a nested container of arrays. From NumPy arrays and Python numbers the work is
        done in float64 and NumPy is returned; JAX arrays are followed in their own precision.
    args : tuple of the further arguments of `f`: arrays, and floats, which count as arrays: other values of them do
        not compile the program again. Integers stay what they are, and do.
    method : a name of `pullback.optim.METHODS`, or a method with options, such as `BFGS(form="direct")`.
    tolerance : on the gradient norm (Euclidean); 1e-6 in float64 and 1e-3 in float32 if not given.
    max_steps : largest number of steps.
    bounds : pair of lower and upper bounds, each a number or of the structure of `x0`, infinite for none; not a pair
        for each unknown.
    gradient : $\nabla f$ with the arguments of `f`, if it is not to be derived.
    many : whether `x0` carries a first axis of starting points, all run in one compiled program.
    keep_path : whether `trace.x` keeps every point.
    throw : whether an end without convergence raises.

    Returns
    -------
    `OptimizationResult`: point, value, gradient norm, reason, trace. Whatever the reason, the point where it ended is
    given, and it is finite if the start was.

    Raises
    ------
    ConfigurationError
        for an unknown method, bounds that cross, a method that cannot keep bounds.
    DataError
        for a start that is not a finite real number.
    DerivativeError
        for a function that does not return one real number, a gradient of another structure than `x0`.
    ConvergenceError
        with `throw=True`, if it did not converge.

    Examples
    --------
    >>> def rosenbrock(x):
    ...     return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
    >>> found = minimize(rosenbrock, [-1.2, 1.0])
    >>> found.x.round(6).tolist(), found.message
    ([1.0, 1.0], 'the gradient norm reached the tolerance')

    References
    ----------
    Nocedal, Wright, "Numerical Optimization", 2nd edition, Springer (2006).
    """
    chosen = get_method(method)
    positive_integer("max_steps", max_steps)
    check_args(args)
    start = as_start(x0)
    found = _minimize(f, start, args, chosen, tolerance, max_steps, bounds, gradient, many, keep_path)
    if isinstance(found.value, jax.core.Tracer):
        # Names and functions among the options cannot leave a compiled program.
        found = dataclasses.replace(found, method=eqx.filter(chosen, eqx.is_array_like))
    else:
        found = dataclasses.replace(found, method=chosen, trace=leading_rows(found.trace, found.steps + 1))
    if throw:
        raise_unless_converged(
            found,
            f"{type(chosen).__name__} did not converge",
            expected="a stationary point",
            fix="more steps, another start, another method, or a larger tolerance",
        )
    return found


@double_precision
def _minimize(
    f: Any,
    start: Any,
    args: tuple[Any, ...],
    method: Method,
    tolerance: float | None,
    max_steps: int,
    bounds: Any,
    gradient: Any,
    many: bool,
    keep_path: bool,
) -> OptimizationResult:
    if many:
        check_starts(start)
    dtype = jnp.result_type(*jax.tree.leaves(start))
    box = None if bounds is None else as_box(bounds, shapes_of(start, many), method)
    limit = as_tolerance(tolerance, dtype)
    method, args = as_arrays((method, args), dtype)
    return _compiled(f, gradient, start, args, method, limit, box, max_steps, many, keep_path)


@eqx.filter_jit
def _compiled(
    f: Any,
    gradient: Any,
    start: Any,
    args: tuple[Any, ...],
    method: Method,
    tolerance: Array,
    box: Bounds | None,
    max_steps: int,
    many: bool,
    keep_path: bool,
) -> OptimizationResult:
    # Here and not before, so that what is compiled already is not checked again.
    one = shapes_of(start, many)
    check_function(f, one, args, method.squares)
    if gradient is not None:
        check_gradient(gradient, one, args, method)

    unravel = ravel_pytree(jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), one))[1]
    objective = Objective.of(f, unravel, args, squares=method.squares, gradient=gradient, bounds=box)

    def flat(x0: Any) -> Array:
        return ravel_pytree(x0)[0]

    def result(progress: Progress) -> OptimizationResult:
        return _result(progress, objective, method, unravel)

    if many:
        return jax.vmap(result)(run_many(objective, method, jax.vmap(flat)(start), tolerance, max_steps, keep_path))
    return result(run(objective, method, flat(start), tolerance, max_steps, keep_path))


def _result(
    progress: Progress, objective: Objective, method: Method, unravel: Callable[[Array], Any]
) -> OptimizationResult:
    point = progress.state.point
    gradient, norm = point.gradient, progress.stationarity
    if method.gradient_free:
        # Asked for once, so that the caller sees how stationary the point is.
        gradient = objective.gradient(point.x)
        norm = jnp.linalg.norm(gradient)
    reason = progress.reason
    if method.any_stationary:
        saddle = (reason == Reason.converged) & _has_negative_curvature(objective, point.x)
        reason = Reason.where(saddle, Reason.saddle, reason)
    return OptimizationResult(
        x=unravel(point.x),
        value=point.value,
        gradient=unravel(gradient),
        gradient_norm=norm,
        steps=progress.steps,
        work=progress.work,
        reason=reason,
        trace=progress.trace._replace(x=None if progress.trace.x is None else jax.vmap(unravel)(progress.trace.x)),
        # A method with names among its options cannot leave a batched program; the caller puts it back.
        method=None,
    )


def _has_negative_curvature(objective: Objective, x: Array) -> Array:
    eigenvalues = jnp.linalg.eigvalsh(objective.hessian(x))
    # A Hessian that is singular at the minimum has eigenvalues of zero, up to rounding.
    return eigenvalues[0] < -jnp.sqrt(jnp.finfo(x.dtype).eps) * jnp.max(jnp.abs(eigenvalues))
