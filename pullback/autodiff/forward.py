"""Forward mode for users: `jvp`, with the signature of JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from pullback.autodiff.arguments import check_sequences, check_tangents, trace_function, zero_cotangent
from pullback.autodiff.push import push
from pullback.autodiff.rules import RULES


def jvp(function: Callable[..., Any], primals: Any, tangents: Any, has_aux: bool = False) -> Any:
    r"""The value of a function and its derivative in a direction, in one pass.

    \[ y = f(x_1, \dots, x_n), \qquad \dot y = \sum_i J_i\, \dot x_i, \quad J_i = \partial f / \partial x_i . \]

    Parameters
    ----------
    function : of arrays, or of nested containers of arrays.
    primals, tangents : two tuples or lists of one length, the arguments \(x_i\) and the directions \(\dot x_i\); a
        direction has the structure, shapes and types of its argument (for an integer argument, type `float0`).
    has_aux : whether it returns a pair (result, auxiliary data that is not differentiated).

    Returns
    -------
    `(result, tangent)` or `(result, tangent, auxiliary)`.

    Raises
    ------
    DerivativeError : for a direction of another structure, shape or type than its argument.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> value, tangent = jvp(lambda x, y: x * jnp.sin(y), (2.0, 0.5), (1.0, 0.0))
    >>> print(f"{value:.6f} {tangent:.6f}")
    0.958851 0.479426

    Source: A. Griewank, A. Walther, Evaluating Derivatives, 2nd ed., SIAM 2008, section 3.1.
    """
    check_sequences(primals, tangents)
    traced = trace_function(function, tuple(primals), has_aux)
    if traced is None:
        return jax.jvp(function, primals, tangents, has_aux)
    directions = check_tangents(tuple(tangents), tuple(primals))
    duals = push(RULES, traced.program, traced.leaves, directions)
    count = traced.output_structure.num_leaves
    values = [value for value, _ in duals]
    moved = [zero_cotangent(value) if tangent is None else tangent for value, tangent in duals[:count]]
    result = jax.tree.unflatten(traced.output_structure, values[:count])
    tangent = jax.tree.unflatten(traced.output_structure, moved)
    if not has_aux:
        return result, tangent
    return result, tangent, jax.tree.unflatten(traced.aux, values[count:])
