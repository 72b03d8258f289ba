"""What the public functions do with their arguments before anything is differentiated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr

from pullback.autodiff.parameters import aval_struct, without_unused
from pullback.core.errors import DerivativeError
from pullback.core.trees import path_string


@dataclass(frozen=True)
class Traced:
    """A function of some of its arguments as a program over their leaves."""

    program: ClosedJaxpr
    leaves: list[Any]
    structure: Any
    output_structure: Any
    aux: Any


def trace_function(function: Callable[..., Any], variables: Sequence[Any], has_aux: bool = False) -> Traced | None:
    """The program of `function(*variables)`; with `has_aux` its auxiliary results follow the others in the program.

    `None` for a function that decides in Python on the values of its variables, where these are known: there is no
    one program of such a function, and JAX differentiates the operations as they happen.
    """
    leaves, structure = jax.tree.flatten(tuple(variables))
    leaves = [leaf if isinstance(leaf, jax.Array) else jnp.asarray(leaf) for leaf in leaves]
    found: list[Any] = []

    def flat(*values: Any) -> list[Any]:
        result = function(*jax.tree.unflatten(structure, values))
        if has_aux:
            result, aux = _with_aux(result)
            flat_aux, aux_structure = jax.tree.flatten(aux)
        else:
            flat_aux, aux_structure = [], None
        flat_result, result_structure = jax.tree.flatten(result)
        found[:] = [result_structure, aux_structure]
        return [*flat_result, *flat_aux]

    try:
        program = jax.make_jaxpr(flat)(*(aval_struct(jax.typeof(leaf)) for leaf in leaves))
    except jax.errors.ConcretizationTypeError as error:
        if not any(isinstance(leaf, jax.core.Tracer) for leaf in leaves):
            return None
        raise DerivativeError(
            "the function decides in Python on the value of an array that is not known yet",
            expected="control flow that a compiled program can follow",
            got="an `if`, `while`, `float()` or `int()` on a value that depends on the variables",
            fix="write jnp.where or jax.lax.cond for the choice, jax.lax.scan for the loop, or call without jax.jit",
        ) from error
    return Traced(without_unused(program), leaves, structure, found[0], found[1])


def described(value: Any) -> str:
    """What a value is, in words: its containers with the shapes of their arrays."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {described(item)}" for key, item in value.items()) + "}"
    if isinstance(value, tuple | list):
        opening, closing = "()" if isinstance(value, tuple) else "[]"
        return opening + ", ".join(map(described, value)) + closing
    shape = getattr(value, "shape", () if isinstance(value, int | float | complex) else None)
    return type(value).__name__ if shape is None else f"array of shape {tuple(shape)}"


def _with_aux(result: Any) -> tuple[Any, Any]:
    if not isinstance(result, tuple) or len(result) != 2:
        raise DerivativeError(
            "the function does not return its result and auxiliary data",
            expected="a pair (result, auxiliary data), since has_aux=True",
            got=f"{described(result)}",
            fix="return (result, auxiliary data), or leave has_aux out",
        )
    return result


def as_positions(argnums: int | Sequence[int], count: int) -> tuple[int, ...]:
    """`argnums` as positions among `count` arguments."""
    positions = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    for position in positions:
        if not isinstance(position, int) or not -count <= position < count:
            raise DerivativeError(
                "argnums names an argument that the call does not have",
                expected=f"a position from 0 to {count - 1} (the call has {count} positional arguments)",
                got=repr(argnums),
                fix="pass the variable by position, and its position as argnums",
            )
    return tuple(position % count for position in positions)


def check_inputs(
    variables: Sequence[Any],
    positions: Sequence[int],
    *,
    holomorphic: bool,
    allow_int: bool,
    allow_complex: bool = True,
) -> None:
    """Refuse variables that have no derivative; the error names the argument."""
    for position, variable in zip(positions, variables, strict=True):
        for path, leaf in jax.tree_util.tree_leaves_with_path(variable):
            name = f"argument {position}{path_string(path) and ' at ' + path_string(path)}"
            _check_input(name, leaf, holomorphic, allow_int, allow_complex)


def _check_input(name: str, leaf: Any, holomorphic: bool, allow_int: bool, allow_complex: bool) -> None:
    try:
        dtype = jax.typeof(leaf).dtype if isinstance(leaf, jax.Array) else jnp.result_type(leaf)
    except TypeError:
        raise DerivativeError(
            f"{name} is not a number or an array",
            expected="arrays of real or complex numbers",
            got=type(leaf).__name__,
            fix="take it out of the differentiated arguments, for example by argnums or functools.partial",
        ) from None
    if jnp.issubdtype(dtype, jnp.complexfloating):
        if not (holomorphic or allow_complex):
            raise DerivativeError(
                f"{name} is complex",
                expected="real numbers",
                got=str(dtype),
                fix="pass holomorphic=True if the function is holomorphic, or differentiate by real and imaginary part",
            )
    elif holomorphic:
        raise DerivativeError(
            f"{name} is not complex",
            expected="complex numbers, since holomorphic=True",
            got=str(dtype),
            fix="leave holomorphic out, or pass complex numbers",
        )
    elif not jnp.issubdtype(dtype, jnp.floating) and not allow_int:
        raise DerivativeError(
            f"{name} has no derivative",
            expected="real numbers (float16, bfloat16, float32 or float64)",
            got=str(dtype),
            fix=f"convert it, for example x.astype(float), or leave argument {name.split()[1]} out of argnums",
        )


def check_scalar(value: Any, *, holomorphic: bool, function: str) -> None:
    """Refuse a function whose result is not one number."""
    leaves = jax.tree.leaves(value)
    shape = tuple(jnp.shape(leaves[0])) if len(leaves) == 1 else None
    if len(leaves) != 1 or jax.tree.structure(value) != jax.tree.structure(0) or shape != ():
        raise DerivativeError(
            f"{function} needs a function whose result is one number",
            expected="a scalar, of shape ()",
            got=f"shape {shape}" if shape is not None else described(value),
            fix="reduce it, for example with jnp.sum or jnp.mean, or use jacobian or vjp",
        )
    dtype = jnp.result_type(leaves[0])
    wanted = jnp.complexfloating if holomorphic else jnp.floating
    if not jnp.issubdtype(dtype, wanted):
        raise DerivativeError(
            f"the result of the function given to {function} has no derivative",
            expected="a complex number, since holomorphic=True" if holomorphic else "a real number",
            got=str(dtype),
            fix="return a complex number"
            if holomorphic
            else "return a real number, for example by .astype(float) "
            "or by jnp.real; pass holomorphic=True for a holomorphic function of complex numbers",
        )


def zero_cotangent(value: Any) -> Any:
    """The cotangent of a value that nothing depends on."""
    aval = jax.typeof(value)
    if jnp.issubdtype(aval.dtype, jnp.inexact):
        return jnp.zeros(aval.shape, aval.dtype)
    return np.zeros(aval.shape, jax.dtypes.float0)


def check_cotangent(cotangent: Any, value: Any) -> list[Any]:
    """The leaves of a cotangent that fits a result; integers have none."""
    return _fitting(cotangent, value, "cotangent", "result of the function")


def check_tangents(tangents: Any, primals: Any) -> list[Any]:
    """The leaves of tangents that fit the arguments; integers have none."""
    return _fitting(tangents, primals, "tangent", "arguments")


def _fitting(direction: Any, value: Any, kind: str, owner: str) -> list[Any]:
    if jax.tree.structure(direction) != jax.tree.structure(value):
        raise DerivativeError(
            f"the {kind} is not built like the {owner}",
            expected=described(value),
            got=described(direction),
            fix=f"pass a {kind} with the containers of the {owner}",
        )
    named = jax.tree_util.tree_leaves_with_path(value)
    pairs = zip(named, jax.tree.leaves(direction), strict=True)
    return [_fitting_leaf(kind, path_string(path), leaf, given) for (path, leaf), given in pairs]


def _fitting_leaf(kind: str, path: str, leaf: Any, given: Any) -> Any:
    leaf_shape, leaf_dtype = jnp.shape(leaf), jnp.result_type(leaf)
    if not jnp.issubdtype(leaf_dtype, jnp.inexact):
        return None
    given_dtype = getattr(given, "dtype", None)
    if given_dtype is None:
        given = jnp.asarray(given, leaf_dtype)
    if jnp.shape(given) != leaf_shape or given.dtype != leaf_dtype:
        raise DerivativeError(
            f"the {kind}{' at ' + path if path else ''} does not fit",
            expected=f"{leaf_dtype} of shape {leaf_shape}",
            got=f"{given.dtype} of shape {jnp.shape(given)}",
            fix=f"pass a {kind} of the same shape and type",
        )
    return jnp.asarray(given)


def check_sequences(primals: Any, tangents: Any) -> None:
    """Refuse primals and tangents that are not tuples or lists of one length."""
    if not isinstance(primals, tuple | list) or not isinstance(tangents, tuple | list) or len(primals) != len(tangents):
        raise DerivativeError(
            "primals and tangents do not match",
            expected="two tuples or lists of one length, an argument and a direction for each",
            got=f"{_described(primals)} and {_described(tangents)}",
            fix="write jvp(f, (x, y), (dx, dy))",
        )


def _described(value: Any) -> str:
    return f"{type(value).__name__} of {len(value)}" if isinstance(value, tuple | list) else type(value).__name__


def check_outputs(value: Any, *, holomorphic: bool, function: str) -> None:
    """Refuse results that have no derivative, such as integers."""
    wanted = jnp.complexfloating if holomorphic else jnp.floating
    for path, leaf in jax.tree_util.tree_leaves_with_path(value):
        dtype = jnp.result_type(leaf)
        if not jnp.issubdtype(dtype, wanted):
            place = f" (at {path_string(path)})" if path else ""
            raise DerivativeError(
                f"a result of the function given to {function} has no derivative{place}",
                expected="complex numbers, since holomorphic=True" if holomorphic else "real numbers",
                got=str(dtype),
                fix="return it as auxiliary data (has_aux=True), or convert it; for complex results holomorphic=True",
            )
