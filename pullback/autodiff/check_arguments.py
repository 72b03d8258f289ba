"""From a function and its arguments to the comparison of its derivatives."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from pullback.autodiff.arguments import as_positions
from pullback.autodiff.compared import Compared
from pullback.autodiff.coordinates import Coordinates, coordinates, kind
from pullback.autodiff.vector_function import vector_function
from pullback.core.errors import DerivativeError


def prepare_comparison(function: Callable[..., Any], args: tuple[Any, ...], argnums: Any) -> Compared:
    """The comparison of `function(*args)` in the arguments that move."""
    moving = range(len(args)) if argnums is None else as_positions(argnums, len(args))
    names = _argument_names(function, args)
    inputs = coordinates({names[position]: args[position] for position in moving})
    if not len(inputs.vector):
        raise DerivativeError(
            "no argument can move",
            expected="at least one real number among the arguments" + ("" if argnums is None else " of argnums"),
            got=", ".join(type(arg).__name__ for arg in args) or "no arguments",
            fix="pass real arrays, for example x.astype(float)",
        )

    def of_tree(tree: dict[str, Any]) -> Any:
        values = [tree[names[position]] if position in moving else args[position] for position in range(len(args))]
        return function(*jax.tree.map(_in_double, values))

    return Compared(vector_function(of_tree, inputs), _flat(of_tree, inputs))


def _flat(of_tree: Callable[[Any], Any], inputs: Coordinates) -> Callable[[Any], Any]:
    """From the vector of the arguments to that of all real results, as one program."""

    def flat(vector: Any) -> Any:
        leaves = [leaf for leaf in jax.tree.leaves(of_tree(inputs.tree(vector))) if kind(leaf) == "real"]
        return jnp.concatenate([jnp.ravel(jnp.asarray(leaf)).astype(jnp.float64) for leaf in leaves])

    return flat


def _argument_names(function: Callable[..., Any], args: tuple[Any, ...]) -> list[str]:
    """The parameters' names where Python knows them."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return [f"argument {position}" for position in range(len(args))]
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)][: len(args)]
    rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), "argument")
    return names + [f"{rest}[{number}]" for number in range(len(args) - len(names))]


def _in_double(leaf: Any) -> Any:
    """An argument as the function expects it from JAX, its real numbers in float64; Python's integers stay."""
    if kind(leaf) == "real":
        return jnp.asarray(leaf, jnp.float64)
    return jnp.asarray(leaf) if isinstance(leaf, np.ndarray) else leaf
