"""Reverse mode for users: `vjp`, `grad`, `value_and_grad`, with the signatures of JAX."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax import lax

from pullback.autodiff.arguments import (
    Traced,
    as_positions,
    check_cotangent,
    check_inputs,
    check_scalar,
    trace_function,
    zero_cotangent,
)
from pullback.autodiff.record import Tape, Tracked, collect, differentiable
from pullback.autodiff.rules import RULES


def _run(traced: Traced) -> tuple[Tape, list[Tracked], list[Tracked]]:
    """The tape of a traced function at its arguments, its variables and its results."""
    tape = Tape(RULES)
    inputs = [tape.track(leaf) if differentiable(leaf) else Tracked(leaf) for leaf in traced.leaves]
    return tape, inputs, tape.run(traced.program, inputs)


def _gradients(traced: Traced, inputs: Sequence[Tracked], found: dict[int, Any]) -> Any:
    leaves = [
        zero_cotangent(tracked.value)
        if tracked.place is None or found.get(tracked.place) is None
        else found[tracked.place]
        for tracked in inputs
    ]
    return jax.tree.unflatten(traced.structure, leaves)


def vjp(function: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    r"""The value of a function, and the map that pulls a cotangent of it back to the arguments.

    \[ y = f(x_1, \dots, x_n), \qquad \bar y \mapsto \big(J_1^\top \bar y, \dots, J_n^\top \bar y\big),
       \quad J_i = \partial f / \partial x_i . \]

    Parameters
    ----------
    function : of arrays, or of nested containers of arrays.
    primals : its arguments \(x_i\).
    has_aux : whether it returns a pair (result, auxiliary data that is not differentiated).

    Returns
    -------
    `(result, pull)` or `(result, pull, auxiliary)`; `pull(cotangent)`, with a cotangent of the structure, shapes and
    types of the result, is a tuple with one cotangent an argument.

    Raises
    ------
    DerivativeError : for a cotangent of another structure, shape or type than the result.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> value, pull = vjp(lambda x, y: x * jnp.sin(y), 2.0, 0.5)
    >>> print(f"{value:.6f}", *(f"{cotangent:.6f}" for cotangent in pull(jnp.float32(1.0))))
    0.958851 0.479426 1.755165

    Source: A. Griewank, A. Walther, Evaluating Derivatives, 2nd ed., SIAM 2008, chapter 3.
    """
    traced = trace_function(function, primals, has_aux)
    if traced is None:
        return jax.vjp(function, *primals, has_aux=has_aux)
    tape, inputs, outputs = _run(traced)
    count = traced.output_structure.num_leaves
    results = outputs[:count]
    value = jax.tree.unflatten(traced.output_structure, [tracked.value for tracked in results])

    def pull(cotangent: Any) -> Any:
        leaves = check_cotangent(cotangent, value)
        found = tape.pull(collect(zip(results, leaves, strict=True)))
        return _gradients(traced, inputs, found)

    if not has_aux:
        return value, pull
    return value, pull, jax.tree.unflatten(traced.aux, [tracked.value for tracked in outputs[count:]])


def value_and_grad(
    function: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
) -> Callable[..., tuple[Any, Any]]:
    r"""The function that gives \(f(x)\) and \(\nabla f(x)\) together, by reverse mode.

    The cost is a small multiple of that of \(f\) itself, however many variables there are.

    Parameters
    ----------
    function : whose result is one real number.
    argnums : position of the variable among the positional arguments, or several positions. All other arguments
        are passed on as they are and may be of any kind.
    has_aux : whether it returns a pair (number, auxiliary data); the value is then that pair.
    holomorphic : the variables and the result are complex, and the function is promised to be holomorphic.
    allow_int : variables may hold integers, whose gradient is an array of type `float0`.

    Raises
    ------
    DerivativeError : for a variable that is no real number, a result that is no scalar, a loop of unknown length.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> value, gradient = value_and_grad(lambda x: jnp.sum(x**2))(jnp.array([1.0, 3.0]))
    >>> float(value), gradient.tolist()
    (10.0, [2.0, 6.0])

    Source: A. Griewank, A. Walther, Evaluating Derivatives, 2nd ed., SIAM 2008, chapters 3 and 4.
    """
    return _with_gradient(function, argnums, has_aux, holomorphic, allow_int, "value_and_grad")


def _with_gradient(
    function: Callable[..., Any],
    argnums: int | Sequence[int],
    has_aux: bool,
    holomorphic: bool,
    allow_int: bool,
    name: str,
) -> Callable[..., tuple[Any, Any]]:
    @functools.wraps(function)
    def value_and_gradient(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        positions = as_positions(argnums, len(args))
        variables = [args[position] for position in positions]
        check_inputs(variables, positions, holomorphic=holomorphic, allow_int=allow_int)

        def of_variables(*values: Any) -> Any:
            full = list(args)
            for position, value in zip(positions, values, strict=True):
                full[position] = value
            return function(*full, **kwargs)

        value, gradient, aux = _scalar_gradient(of_variables, variables, has_aux, holomorphic, name)
        chosen = gradient[0] if isinstance(argnums, int) else gradient
        return ((value, aux) if has_aux else value), chosen

    return value_and_gradient


def _scalar_gradient(
    function: Callable[..., Any], variables: Sequence[Any], has_aux: bool, holomorphic: bool, name: str
) -> tuple[Any, Any, Any]:
    traced = trace_function(function, variables, has_aux)
    if traced is None:
        return _scalar_gradient_by_jax(function, variables, has_aux, holomorphic, name)
    count = traced.output_structure.num_leaves
    shown = [variable.aval for variable in traced.program.jaxpr.outvars[:count]]
    check_scalar(jax.tree.unflatten(traced.output_structure, shown), holomorphic=holomorphic, function=name)
    tape, inputs, outputs = _run(traced)
    result = outputs[0]
    one = lax.full_like(result.value, 1, dtype=jax.typeof(result.value).dtype)
    found = tape.pull(collect([(result, one)]))
    aux = jax.tree.unflatten(traced.aux, [tracked.value for tracked in outputs[count:]]) if has_aux else None
    return result.value, _gradients(traced, inputs, found), aux


def _scalar_gradient_by_jax(
    function: Callable[..., Any], variables: Sequence[Any], has_aux: bool, holomorphic: bool, name: str
) -> tuple[Any, Any, Any]:
    """The same for a function that decides in Python on values, which has no program."""
    value, pull, aux = jax.vjp(function if has_aux else lambda *v: (function(*v), None), *variables, has_aux=True)
    check_scalar(value, holomorphic=holomorphic, function=name)
    return value, pull(lax.full_like(value, 1)), aux


def grad(
    function: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
) -> Callable[..., Any]:
    r"""The gradient \(\nabla f\) as a function, by reverse mode; `value_and_grad` without the value.

    With `has_aux` the result is a pair (gradient, auxiliary data).

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> f = lambda x: jnp.sin(x) * x
    >>> print(f"{grad(f)(1.0):.6f}", f"{grad(grad(f))(1.0):.6f}")
    1.381773 0.239134

    Source: A. Griewank, A. Walther, Evaluating Derivatives, 2nd ed., SIAM 2008, chapter 3.
    """
    with_value = _with_gradient(function, argnums, has_aux, holomorphic, allow_int, "grad")

    @functools.wraps(function)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, found = with_value(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return gradient
