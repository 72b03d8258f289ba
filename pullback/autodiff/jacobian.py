"""Whole Jacobians, by either mode."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from pullback.autodiff.arguments import as_positions, check_inputs, check_outputs
from pullback.autodiff.linearize import linearize
from pullback.autodiff.reverse import vjp
from pullback.core.errors import DerivativeError


def jacobian(
    function: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    mode: str = "reverse",
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
) -> Callable[..., Any]:
    r"""The matrix of all partial derivatives, \(J_{ij} = \partial f_i / \partial x_j\), as a function.

    Forward mode pushes the unit vectors of the input, reverse mode pulls those of the output; the first costs as many
    passes as there are inputs, the second as there are outputs, and each runs its passes as one batch.

    Parameters
    ----------
    function : of arrays, or of nested containers of arrays.
    argnums : position of the variable among the positional arguments, or several positions.
    mode : "forward" for few inputs, "reverse" for few outputs.
    has_aux : whether the function returns a pair (result, auxiliary data); so does the Jacobian then.
    holomorphic : the variables and the result are complex, and the function is promised to be holomorphic.
    allow_int : variables may hold integers, whose derivative is of type `float0` (reverse mode only).

    Returns
    -------
    A function with the arguments of `function`. For each array of the result, of shape `s`, and each array of the
    variable, of shape `t`, it gives an array of shape `s + t`: containers of the result outside, those of the variable
    inside.

    Raises
    ------
    DerivativeError : for another mode, or a variable or result that has no derivative.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> f = lambda x: jnp.stack([x[0] * x[1], x[1] ** 2])
    >>> jacobian(f)(jnp.array([2.0, 3.0])).tolist()
    [[3.0, 2.0], [0.0, 6.0]]

    Source: A. Griewank, A. Walther, Evaluating Derivatives, 2nd ed., SIAM 2008, chapter 3.
    """
    if mode not in ("forward", "reverse"):
        raise DerivativeError(
            "jacobian has no such mode",
            expected="'forward' or 'reverse'",
            got=repr(mode),
            fix="choose 'forward' for few inputs, 'reverse' for few outputs",
        )
    columns = _by_columns if mode == "forward" else _by_rows

    @functools.wraps(function)
    def of_arguments(*args: Any, **kwargs: Any) -> Any:
        positions = as_positions(argnums, len(args))
        variables = tuple(args[position] for position in positions)
        allowed = allow_int and mode == "reverse"
        reverse = mode == "reverse"
        check_inputs(variables, positions, holomorphic=holomorphic, allow_int=allowed, allow_complex=reverse)

        def of_variables(*values: Any) -> Any:
            full = list(args)
            for position, value in zip(positions, values, strict=True):
                full[position] = value
            result = function(*full, **kwargs)
            return result if has_aux else (result, None)

        found, aux = columns(of_variables, variables, holomorphic, isinstance(argnums, int))
        return (found, aux) if has_aux else found

    return of_arguments


def _by_columns(
    function: Callable[..., Any], variables: tuple[Any, ...], holomorphic: bool, single: bool
) -> tuple[Any, Any]:
    value, derivative, aux = linearize(function, *variables, has_aux=True)
    check_outputs(value, holomorphic=holomorphic, function="jacobian")
    leaves, structure = jax.tree.flatten(variables)
    moved = jax.vmap(lambda *unit: derivative(*jax.tree.unflatten(structure, unit)))(*unit_vectors(leaves))
    return jax.tree.map(lambda stack: _columns(stack, leaves, structure, single), moved), aux


def _columns(stack: Array, leaves: list[Any], structure: Any, single: bool) -> Any:
    """One array of the result against all arrays of the variable; the direction is the first axis of the stack."""
    pieces, start = [], 0
    for leaf in leaves:
        size = math.prod(jnp.shape(leaf))
        piece = jnp.moveaxis(stack[start : start + size], 0, -1)
        pieces.append(piece.reshape(*stack.shape[1:], *jnp.shape(leaf)))
        start += size
    tree = jax.tree.unflatten(structure, pieces)
    return tree[0] if single else tree


def _by_rows(
    function: Callable[..., Any], variables: tuple[Any, ...], holomorphic: bool, single: bool
) -> tuple[Any, Any]:
    value, pull, aux = vjp(function, *variables, has_aux=True)
    check_outputs(value, holomorphic=holomorphic, function="jacobian")
    leaves, structure = jax.tree.flatten(value)
    pulled = jax.vmap(lambda *unit: pull(jax.tree.unflatten(structure, unit)))(*unit_vectors(leaves))
    rows, start = [], 0
    for leaf in leaves:
        size = math.prod(jnp.shape(leaf))
        part = functools.partial(_rows, start=start, stop=start + size, shape=jnp.shape(leaf))
        tree = jax.tree.map(part, pulled)
        rows.append(tree[0] if single else tree)
        start += size
    return jax.tree.unflatten(structure, rows), aux


def _rows(stack: Array, *, start: int, stop: int, shape: tuple[int, ...]) -> Array:
    return stack[start:stop].reshape(*shape, *stack.shape[1:])


def unit_vectors(leaves: Sequence[Any]) -> list[Array]:
    r"""The unit vectors \(e_1, \dots, e_n\) of a list of arrays with \(n\) elements in all.

    Examples
    --------
    >>> [stack.tolist() for stack in unit_vectors([jnp.zeros(()), jnp.zeros(1)])]
    [[1.0, 0.0], [[0.0], [1.0]]]
    """
    sizes = [math.prod(jnp.shape(leaf)) for leaf in leaves]
    stacks, start = [], 0
    for leaf, size in zip(leaves, sizes, strict=True):
        stack = jnp.eye(sum(sizes), size, k=-start, dtype=jnp.result_type(leaf))
        stacks.append(stack.reshape(sum(sizes), *jnp.shape(leaf)))
        start += size
    return stacks
