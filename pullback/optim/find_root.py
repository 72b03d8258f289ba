"""`find_root`: Newton's method in its root form, the secant method, bisection, Brent's method."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, Int

from pullback.core.checks import positive_integer
from pullback.core.errors import ConfigurationError, DerivativeError, unknown_name
from pullback.core.precision import double_precision
from pullback.optim.minimize_arguments import as_arrays, as_start, check_args
from pullback.optim.reason import ended_with, message
from pullback.optim.result_shape import result_shape
from pullback.optim.roots import bisection, brent, newton, secant
from pullback.optim.roots.state import RootReason, RootState
from pullback.optim.throw import raise_unless_converged
from pullback.optim.tolerance import DISTANCE_TO_ROOT, as_tolerance

METHODS: dict[str, ModuleType] = {"newton": newton, "secant": secant, "bisection": bisection, "brent": brent}


class RootResult(NamedTuple):
    r"""What `find_root` returns.

    Parameters
    ----------
    x : the last point, of the structure of the start.
    residual_norm : $\lVert F(x) \rVert$.
    error : estimate of the distance to the root: the last step, or half of the bracket.
    steps : made.
    evaluations : of $F$; Newton's method evaluates the Jacobian once a step beside them.
    reason : member of `RootReason`; its text is the message.
    path : the points as flat rows, the start first; NaN where no step was made.
    """

    x: Any
    residual_norm: Any
    error: Any
    steps: Any
    evaluations: Any
    reason: Any
    path: Any

    @property
    def converged(self) -> Bool[Array | np.ndarray, " *starts"]:
        """Whether it ended at a root."""
        return ended_with(self.reason, RootReason.converged)

    @property
    def message(self) -> str:
        """The reason in words."""
        return message(RootReason, self.reason)

    def __str__(self) -> str:
        if np.ndim(self.steps):
            return f"{np.size(self.steps)} roots: {self.message}"
        return f"{self.message}; |F| = {float(self.residual_norm):.3g} after {int(self.steps)} steps"


def find_root(
    F: Callable[..., Any],
    x0: Any,
    *,
    args: tuple[Any, ...] = (),
    method: str = "newton",
    tolerance: float | None = None,
    max_steps: int = 100,
    throw: bool = False,
) -> RootResult:
    r"""A point where a function, or a system of as many functions as unknowns, is zero.

    $$ F(x^*) = 0, \qquad \text{Newton: } x_{k+1} = x_k - F'(x_k)^{-1} F(x_k), \qquad
       \text{secant: } x_{k+1} = x_k - F(x_k) \frac{x_k - x_{k-1}}{F(x_k) - F(x_{k-1})} $$

    Newton's error is squared in every step near a regular root, the secant's is raised to the power 1.618; both may
    go astray from a poor start. Bisection and Brent's method keep a bracket in which the sign changes and cannot.
    Where Newton's method fails on a system, minimize $\lVert F \rVert^2$ by `levenberg_marquardt`.

    Parameters
    ----------
    F : function of `x0` (and of `args`) written in JAX.
    x0 : for "newton" a number, an array or a container; for "secant" one number, or two to begin with; for
        "bisection" and "brent" the pair of the ends of the bracket. Precision is followed as in `minimize`.
    args : further arguments of `F`.
    method : "newton", "secant", "bisection" or "brent".
    tolerance : on the error, relative to $\max(1, \lVert x \rVert)$; 1e-12 in float64 and 1e-5 in float32 if not
        given. The error is the length of the last step, or half of the bracket.
    max_steps : largest number of steps.
    throw : whether an end without a root raises.

    Raises
    ------
    ConfigurationError
        for an unknown method, or a start that it cannot begin from.
    DerivativeError
        for a system that has not as many equations as unknowns.
    ConvergenceError
        with `throw=True`, if no root was found.

    Examples
    --------
    >>> found = find_root(lambda x: x**2 - 2, 1.0)
    >>> float(found.x), int(found.steps), found.message
    (1.4142135623730951, 6, 'the distance to the root is within the tolerance')
    >>> float(find_root(jnp.cos, (1.0, 2.0), method="brent").x.round(9))
    1.570796327

    References
    ----------
    Ortega, Rheinboldt, "Iterative Solution of Nonlinear Equations in Several Variables" (1970); Brent, "Algorithms
    for Minimization without Derivatives" (1973).
    """
    if method not in METHODS:
        raise unknown_name("method", method, METHODS)
    positive_integer("max_steps", max_steps)
    check_args(args)
    found = _find(F, _starts(as_start(x0), method), args, method, tolerance, max_steps)
    if throw:
        raise_unless_converged(
            found,
            f"no root was found by {method}",
            expected="a root",
            fix="another start or bracket, more steps, or method='brent' with a bracket",
        )
    return found


def _starts(x0: Any, method: str) -> tuple[Any, ...]:
    """One start for Newton's method, two numbers for the others."""
    if method == "newton":
        return (x0,)
    numbers = list(x0) if isinstance(x0, tuple | list) else [x0[k] for k in range(x0.size)] if np.ndim(x0) else [x0]
    wanted = (1, 2) if method == "secant" else (2,)
    if len(numbers) not in wanted or any(np.size(number) != 1 for number in numbers):
        raise ConfigurationError(
            f"{method} cannot begin from this start",
            expected="one number or two" if method == "secant" else "the two ends (a, b) of a bracket",
            got=str(jax.tree.map(np.shape, x0)),
            fix="pass x0=(a, b)" if method != "secant" else "for systems choose method='newton'",
        )
    first = numbers[0]
    # A second point near by, as far as forward differences would go.
    return (first, numbers[1]) if len(numbers) == 2 else (first, first + 1e-4 * (1 + abs(first)))


@double_precision
def _find(
    F: Callable[..., Any], starts: tuple[Any, ...], args: tuple[Any, ...], method: str, tolerance: Any, max_steps: int
) -> RootResult:
    starts = jax.tree.map(jnp.asarray, starts)
    dtype = jnp.result_type(*jax.tree.leaves(starts))
    limit = as_tolerance(tolerance, dtype, DISTANCE_TO_ROOT)
    return _compiled(F, starts, as_arrays(args, dtype), METHODS[method], limit, max_steps)


def _check_equations(F: Callable[..., Any], x0: Any, args: tuple[Any, ...]) -> None:
    """That `F` is a function, and gives as many equations as there are unknowns."""
    unknowns = sum(leaf.size for leaf in jax.tree.leaves(x0))
    equations = sum(leaf.size for leaf in jax.tree.leaves(result_shape(F, x0, args, "F")))
    if equations != unknowns:
        raise DerivativeError(
            "there are not as many equations as unknowns",
            expected=f"{unknowns} numbers from F",
            got=f"{equations}",
            fix="for more equations than unknowns minimize their squares by method='levenberg_marquardt'",
        )


class _Progress(NamedTuple):
    state: RootState
    steps: Int[Array, ""]
    reason: Any
    path: Float[Array, "rows n"]


@eqx.filter_jit
def _compiled(
    F: Callable[..., Any],
    starts: tuple[Any, ...],
    args: tuple[Any, ...],
    method: ModuleType,
    tolerance: Float[Array, ""],
    max_steps: int,
) -> RootResult:
    # Here and not before, so that what is compiled already is not checked again.
    _check_equations(F, starts[0], args)
    unravel = ravel_pytree(starts[0])[1]

    def function(x: Float[Array, " n"]) -> Float[Array, " n"]:
        return ravel_pytree(F(unravel(x), *args))[0]

    def advance(progress: _Progress) -> _Progress:
        old = progress.state
        state = method.step(function, old, tolerance)
        finite = jnp.all(jnp.isfinite(state.x)) & jnp.all(jnp.isfinite(state.value))
        state = jax.tree.map(lambda new, before: jnp.where(finite, new, before), state, old)
        steps = progress.steps + 1
        reason = RootReason.where(steps >= max_steps, RootReason.step_limit, RootReason.running)
        reason = RootReason.where(_reached(state, tolerance), RootReason.converged, reason)
        reason = RootReason.where(state.reason == RootReason.running, reason, state.reason)
        reason = RootReason.where(finite, reason, RootReason.not_finite)
        return _Progress(state, steps, reason, progress.path.at[steps].set(state.x))

    state = method.start(function, *(ravel_pytree(start)[0] for start in starts))
    reason = RootReason.where(_reached(state, tolerance), RootReason.converged, state.reason)
    reason = RootReason.where(jnp.all(jnp.isfinite(state.value)), reason, RootReason.not_finite)
    path = jnp.full((max_steps + 1, state.x.size), jnp.nan, state.x.dtype).at[0].set(state.x)
    first = _Progress(state, jnp.zeros((), jnp.int32), reason, path)
    last = jax.lax.while_loop(lambda progress: progress.reason == RootReason.running, advance, first)
    state = last.state
    norm = jnp.linalg.norm(state.value)
    return RootResult(unravel(state.x), norm, state.error, last.steps, state.evaluations, last.reason, last.path)


def _reached(state: RootState, tolerance: Float[Array, ""]) -> Array:
    scale = jnp.maximum(1, jnp.linalg.norm(state.x))
    without_obstacle = state.reason == RootReason.running
    return ((state.error <= tolerance * scale) & without_obstacle) | jnp.all(state.value == 0)
