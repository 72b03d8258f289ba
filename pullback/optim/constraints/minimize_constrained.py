"""`minimize_constrained`: the door to minimization under equations and inequalities."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array

from pullback.core.checks import positive_integer
from pullback.core.errors import ConfigurationError, DerivativeError
from pullback.core.precision import double_precision
from pullback.optim.constraints.constrained_loop import ConstrainedObjective, Outer, run_constrained
from pullback.optim.constraints.constrained_result import ConstrainedResult, Multipliers
from pullback.optim.constraints.strategies import ConstrainedMethod, get_constrained_method
from pullback.optim.methods import get_method
from pullback.optim.methods.method import Method
from pullback.optim.minimize_arguments import as_arrays, as_box, as_start, check_args, check_function, shapes_of
from pullback.optim.objective import Bounds, Objective
from pullback.optim.result import leading_rows
from pullback.optim.result_shape import result_shape
from pullback.optim.throw import raise_unless_converged
from pullback.optim.tolerance import as_tolerance


def minimize_constrained(
    f: Callable[..., Any],
    x0: Any,
    *,
    equality: Callable[..., Any] | None = None,
    inequality: Callable[..., Any] | None = None,
    bounds: tuple[Any, Any] | None = None,
    args: tuple[Any, ...] = (),
    method: str | ConstrainedMethod = "augmented_lagrangian",
    inner: str | Method = "lbfgs",
    tolerance: float | None = None,
    max_steps: int = 50,
    max_inner_steps: int = 1000,
    throw: bool = False,
) -> ConstrainedResult:
    r"""A point where a function is least among those that fulfill equations and inequalities.

    $$ \min_x f(x) \quad \text{with} \quad g(x) = 0, \quad h(x) \ge 0, \quad l \le x \le u $$

    Parameters
    ----------
    f : function of `x0` (and of `args`) written in JAX, with a real number as result.
    x0 : start: a number, an array, or a nested container of arrays; it may violate the constraints.
    equality, inequality : $g$ and $h$, with the arguments of `f`; each returns an array of any shape.
    bounds : pair of lower and upper bounds, as in `minimize`; kept at every step by the inner method.
    args : further arguments.
    method : "augmented_lagrangian", "penalty", or one of these with options.
    inner : method of `minimize` for the unconstrained problems, by name or with options.
    tolerance : on the three residuals of the optimality conditions; 1e-6 in float64 and 1e-3 in float32.
    max_steps, max_inner_steps : most unconstrained problems, and steps in each.
    throw : whether an end without convergence raises.

    Returns
    -------
    `ConstrainedResult`: point, value, multipliers, residuals, reason, trace.

    Raises
    ------
    ConfigurationError, DataError, DerivativeError
        as `minimize` does; DerivativeError also for constraints that are no real numbers.
    ConvergenceError
        with `throw=True`, if it did not converge.

    Examples
    --------
    >>> found = minimize_constrained(
    ...     lambda x: x[0] + x[1], [0.5, 0.0], equality=lambda x: x[0] ** 2 + x[1] ** 2 - 2
    ... )
    >>> found.x.round(5).tolist(), found.multipliers.equality.round(5).tolist()
    ([-1.0, -1.0], [-0.5])

    References
    ----------
    Nocedal, Wright, "Numerical Optimization" (2006), chapters 12 and 17; Birgin, Martínez, "Practical Augmented
    Lagrangian Methods for Constrained Optimization" (2014).
    """
    strategy = get_constrained_method(method)
    chosen = get_method(inner)
    if chosen.squares:
        raise ConfigurationError(
            f"{type(chosen).__name__} cannot be the inner method",
            expected="a method for functions with one number as result",
            got=repr(inner),
            fix="choose inner='lbfgs' or inner='bfgs'",
        )
    positive_integer("max_steps", max_steps)
    check_args(args)
    positive_integer("max_inner_steps", max_inner_steps)
    start = as_start(x0)
    found = _minimize(
        f, equality, inequality, start, args, strategy, chosen, bounds, tolerance, max_steps, max_inner_steps
    )
    if not isinstance(found.value, jax.core.Tracer):
        found = dataclasses.replace(found, trace=leading_rows(found.trace, found.steps))
    if throw:
        raise_unless_converged(
            found,
            "minimize_constrained did not converge",
            expected="a point that fulfills the optimality conditions",
            fix="more steps, another start, another inner method, or a larger tolerance",
        )
    return found


@double_precision
def _minimize(
    f: Callable[..., Any],
    equality: Callable[..., Any] | None,
    inequality: Callable[..., Any] | None,
    start: Any,
    args: tuple[Any, ...],
    strategy: ConstrainedMethod,
    inner: Method,
    bounds: Any,
    tolerance: float | None,
    max_steps: int,
    max_inner_steps: int,
) -> ConstrainedResult:
    dtype = jnp.result_type(*jax.tree.leaves(start))
    box = as_box(bounds, shapes_of(start), inner)
    limit = as_tolerance(tolerance, dtype)
    strategy, inner, args = as_arrays((strategy, inner, args), dtype)
    return _compiled(f, equality, inequality, start, args, strategy, inner, limit, box, max_steps, max_inner_steps)


@eqx.filter_jit
def _compiled(
    f: Callable[..., Any],
    equality: Callable[..., Any] | None,
    inequality: Callable[..., Any] | None,
    start: Any,
    args: tuple[Any, ...],
    strategy: ConstrainedMethod,
    inner: Method,
    tolerance: Array,
    box: Bounds | None,
    max_steps: int,
    max_inner_steps: int,
) -> ConstrainedResult:
    # Here and not before, so that what is compiled already is not checked again.
    check_function(f, shapes_of(start), args)
    for name, constraint in (("equality", equality), ("inequality", inequality)):
        _check_constraint(name, constraint, shapes_of(start), args)
    x, unravel = ravel_pytree(start)

    def flat(constraint: Callable[..., Any] | None) -> Callable[[Array], Array]:
        if constraint is None:
            return lambda x: jnp.zeros(0, x.dtype)
        return lambda x: ravel_pytree(constraint(unravel(x), *args))[0]

    problem = ConstrainedObjective(Objective.of(f, unravel, args).function, flat(equality), flat(inequality), box)
    outer = run_constrained(problem, strategy, inner, x, tolerance, max_steps, max_inner_steps)
    return _result(problem, outer, unravel)


def _result(problem: ConstrainedObjective, outer: Outer, unravel: Callable[[Array], Any]) -> ConstrainedResult:
    lower, upper = problem.bound_multipliers(outer.x, outer.equality, outer.inequality)
    return ConstrainedResult(
        x=unravel(outer.x),
        value=problem.function(outer.x),
        multipliers=Multipliers(outer.equality, outer.inequality, unravel(lower), unravel(upper)),
        kkt=outer.kkt,
        steps=outer.steps,
        inner_steps=outer.inner_steps,
        work=outer.work,
        reason=outer.reason,
        trace=outer.trace,
    )


def _check_constraint(name: str, constraint: Callable[..., Any] | None, start: Any, args: tuple[Any, ...]) -> None:
    if constraint is None:
        return
    leaves = jax.tree.leaves(result_shape(constraint, start, args, name))
    kinds = {str(np.dtype(leaf.dtype)) for leaf in leaves}
    if not leaves or not all(jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in leaves):
        raise DerivativeError(
            f"{name} does not return real numbers",
            expected="floating numbers: zero where an equation holds, not negative where an inequality does",
            got=", ".join(sorted(kinds)) or "nothing",
            fix=f"return the two sides' difference from {name}, not a comparison",
        )
