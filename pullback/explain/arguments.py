r"""What a kernel is traced with: arrays of the caller's examples, or of shapes that its annotations allow.

An annotation such as `Float[Array, "*batch in_features"]` says rank and sizes up to names; every name becomes a small
size of its own. A setting (a Python number) is traced as a scalar, so that it stays a symbol in the formula, and is
kept as the number it is where the program needs its value.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from pullback.core.errors import ConfigurationError

# Sizes of named axes, in order of appearance: no two alike, so that no two axes are mixed up; two is left out, since
# one half times a sum of two numbers is not meant as a mean.
SIZES = (3, 5, 4, 7, 6, 11, 8, 13)
# Ranks tried for axes like "*shape", the most telling first.
RANKS = (1, 0, 2, 3)
# Stands for a setting without a default while its type is all that is known.
ANY_NUMBER = 0.5


@dataclass(frozen=True)
class Arguments:
    """Values for one call: arrays as shapes, numbers that may become symbols, and everything else as it is.

    Those in `defaults` are what the kernel takes by itself.
    """

    arrays: dict[str, Any]
    numbers: dict[str, int | float]
    fixed: dict[str, Any]
    defaults: set[str]


def passed(arguments: Arguments, numbers: Mapping[str, int | float]) -> dict[str, Any]:
    """Settings to call with: those that the kernel does not take by itself, with `numbers` for the own ones."""
    own = arguments.fixed | arguments.numbers
    values = arguments.fixed | dict(numbers)
    return {name: value for name, value in values.items() if name not in arguments.defaults or value is not own[name]}


def plain_function(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """The function under `jax.jit` and `functools.partial`, whose settings need not be known in advance."""
    if isinstance(kernel, functools.partial):
        return functools.partial(plain_function(kernel.func), *kernel.args, **kernel.keywords)
    compiled = type(jax.jit(lambda: None))
    inner: Any = kernel
    return inner.__wrapped__ if isinstance(kernel, compiled) else kernel


def signature_of(kernel: Callable[..., Any]) -> inspect.Signature:
    """The signature with its annotations as types, as strings where they cannot be looked up."""
    inner = (
        functools.partial(inspect.unwrap(kernel.func), *kernel.args, **kernel.keywords)
        if isinstance(kernel, functools.partial)
        else inspect.unwrap(kernel)
    )
    try:
        return inspect.signature(inner, eval_str=True)
    except Exception:
        return inspect.signature(inner)


def candidates(kernel: Callable[..., Any], examples: Sequence[Any]) -> Iterator[Arguments]:
    """Ways to call the kernel: the one that the examples say, or those that its annotations allow, likeliest first."""
    signature = signature_of(kernel)
    try:
        given = signature.bind_partial(*examples).arguments
    except TypeError:
        raise ConfigurationError(
            f"{name_of(kernel)} takes fewer arguments than there are examples",
            expected=f"at most {len(signature.parameters)} examples, for {', '.join(signature.parameters)}",
            got=f"{len(examples)} examples",
            fix="give one example an argument, in order",
        ) from None
    preset = kernel.keywords if isinstance(kernel, functools.partial) else {}
    ranks = (
        RANKS if any(_is_variadic(p.annotation) for n, p in signature.parameters.items() if n not in given) else (0,)
    )
    for rank in ranks:
        sizes = _sizes(rank)
        found = Arguments({}, {}, {}, set())
        for name, parameter in signature.parameters.items():
            if name in preset and name not in given:
                continue
            value = given[name] if name in given else _representative(kernel, name, parameter, sizes)
            if name not in given and value is parameter.default:
                found.defaults.add(name)
            _sort(found, name, value)
        yield found


def name_of(kernel: Callable[..., Any]) -> str:
    """Name of a function, of the one inside a partial application, or of an object's class."""
    inner = kernel.func if isinstance(kernel, functools.partial) else kernel
    return getattr(inner, "__name__", type(inner).__name__)


def _sizes(rank: int) -> Callable[[str], tuple[int, ...]]:
    """The axes that one word of an annotation stands for."""
    known: dict[str, int] = {}
    unused = iter(SIZES[1:])

    def axes(word: str) -> tuple[int, ...]:
        word = word.partition("=")[2] or word
        if word.startswith("*"):
            return (*(() if rank == 0 else (SIZES[0],)), *itertools.repeat(4, max(rank - 1, 0)))
        word = word.lstrip("#?")
        if word.isdigit():
            return (int(word),)
        if word not in known:
            known[word] = next(unused)
        return (known[word],)

    return axes


def _array_types(annotation: Any) -> list[Any]:
    """The array types of an annotation such as `Float[Array, "n"] | None`."""
    union = isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union
    members = typing.get_args(annotation) if union else (annotation,)
    return [member for member in members if hasattr(member, "dim_str")]


def _is_variadic(annotation: Any) -> bool:
    return any("*" in member.dim_str for member in _array_types(annotation))


def _representative(
    kernel: Callable[..., Any], name: str, parameter: inspect.Parameter, sizes: Callable[[str], tuple[int, ...]]
) -> Any:
    """An array or setting that the annotation of a parameter allows; an optional array is there."""
    arrays = _array_types(parameter.annotation)
    if arrays:
        words = arrays[0].dim_str.split()
        if all(word.lstrip("*#?").replace("=", "").isidentifier() or word.isdigit() for word in words):
            shape = tuple(size for word in words for size in sizes(word))
            return jax.ShapeDtypeStruct(shape, _dtype(arrays[0]))
    if not arrays and parameter.default is not inspect.Parameter.empty:
        return parameter.default
    if parameter.annotation in (int, float):
        return parameter.annotation(ANY_NUMBER + 0.5) if parameter.annotation is int else ANY_NUMBER
    raise ConfigurationError(
        f"the shape of the argument {name!r} of {name_of(kernel)} is not known",
        expected='an example for every argument, or an annotation with sizes such as Float[Array, "batch features"]',
        got=f"no example, and {_described(parameter.annotation)}",
        fix=f"call equation({name_of(kernel)}, ...) with arrays or jax.ShapeDtypeStruct, one an argument, in order",
    )


def _described(annotation: Any) -> str:
    if annotation is inspect.Parameter.empty:
        return "no annotation"
    return f"the annotation {getattr(annotation, '__name__', annotation)}"


def _dtype(annotation: Any) -> Any:
    """Double precision if the annotation allows it, else an integer, else a truth value."""
    allowed = annotation.dtypes
    for dtype in ("float64", "float32", "int32", "uint8", "bool"):
        if isinstance(allowed, str) or any(dtype == str(kind) for kind in allowed):
            return jnp.dtype(dtype)
    raise ConfigurationError(
        "an equation is about real numbers, integers and truth values",
        expected="an argument of such a type",
        got=f"an argument of type {annotation.__name__}",
        fix="write the kernel as a function of real numbers",
    )


def _sort(found: Arguments, name: str, value: Any) -> None:
    """Put a value among the arrays, the numbers or the rest."""
    leaves = jax.tree.leaves(value)
    arrays = [leaf for leaf in leaves if isinstance(leaf, jax.Array | np.ndarray | jax.ShapeDtypeStruct)]
    if isinstance(value, int | float) and not isinstance(value, bool):
        found.numbers[name] = value
    elif arrays and len(arrays) == len(leaves):
        found.arrays[name] = value
    else:
        found.fixed[name] = value
