"""From a kernel to the traced program of which the equation is a view."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import jaxtyping
from jax.extend.core import ClosedJaxpr

from pullback.core.errors import EquationError, PullbackError
from pullback.explain.arguments import Arguments, candidates, name_of, passed, plain_function, signature_of
from pullback.explain.expression import Node
from pullback.explain.settings import numbers_from_setting, odd_values


@dataclass(frozen=True)
class Trace:
    """A traced kernel: its program in double precision, the name of each of its inputs, and what it was traced with.

    Of the numbers among the arguments, those in `symbols` are inputs of the program, and those in `settings` occur in
    it: `numbers` says what a number of the program is in terms of them.
    """

    name: str
    program: ClosedJaxpr
    inputs: tuple[str, ...]
    arguments: Arguments
    symbols: tuple[str, ...]
    order: tuple[str, ...]
    settings: tuple[str, ...] = ()
    numbers: Mapping[float, Node] = dataclasses.field(default_factory=dict)


@contextlib.contextmanager
def _annotations_at_rest() -> Iterator[None]:
    """A scalar of a program stands where an annotation asks for a Python number: annotations are not executed."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        jaxtyping.config.update("jaxtyping_disable", before)


def trace(kernel: Callable[..., Any], examples: Sequence[Any]) -> Trace:
    """Trace with the examples, or with the first of the shapes allowed by the annotations that the kernel accepts."""
    failure: Exception | None = None
    with jax.enable_x64(True), _annotations_at_rest():
        for arguments in candidates(kernel, examples):
            try:
                return _with_symbols(kernel, arguments)
            except Exception as error:
                failure = failure or error
    assert failure is not None
    if isinstance(failure, PullbackError) or examples:
        raise failure
    raise EquationError(
        f"{name_of(kernel)} does not accept arrays of any shape tried from its annotations",
        expected="an example for every argument whose size the annotations leave open",
        got=f"{type(failure).__name__}: {str(failure).splitlines()[0]}",
        fix=f"call equation({name_of(kernel)}, ...) with arrays in the order of the arguments",
    ) from failure


def _with_symbols(kernel: Callable[..., Any], arguments: Arguments) -> Trace:
    """The trace in which as many numbers as possible are symbols."""
    chosen = _scalars(kernel, arguments)
    values, known = dict(arguments.numbers), {}
    for name in [name for name, value in values.items() if isinstance(value, float) and name not in chosen]:
        with contextlib.suppress(Exception):
            odd = odd_values(values[name])
            first, second = (_traced(kernel, arguments, chosen, {**values, name: value}).program for value in odd)
            found = numbers_from_setting(name, odd, (first, second))
            if found is not None:
                values[name] = odd[0]
                known |= found
    settings = tuple(name for name, value in values.items() if value != arguments.numbers[name])
    return dataclasses.replace(_traced(kernel, arguments, chosen, values), settings=settings, numbers=known)


def _scalars(kernel: Callable[..., Any], arguments: Arguments) -> list[str]:
    """Numbers that the kernel accepts as scalars of the program."""
    names = list(arguments.numbers)
    with contextlib.suppress(Exception):
        _traced(kernel, arguments, names, arguments.numbers)
        return names
    chosen: list[str] = []
    for name in names:
        with contextlib.suppress(Exception):
            _traced(kernel, arguments, [*chosen, name], arguments.numbers)
            chosen.append(name)
    return chosen


def _traced(
    kernel: Callable[..., Any], arguments: Arguments, symbols: Sequence[str], values: Mapping[str, float]
) -> Trace:
    function = plain_function(kernel)
    order = list(signature_of(kernel).parameters)
    named = {name: jax.tree.map(_double, value) for name, value in arguments.arrays.items()}
    named |= {name: values[name] for name in symbols}
    kept = passed(arguments, {name: value for name, value in values.items() if name not in symbols})
    inputs = [name for name in order if name in named]

    def call(*values: Any) -> Any:
        known = kept | dict(zip(inputs, values, strict=True))
        return call_with(function, order, known)

    program = jax.make_jaxpr(call)(*(named[name] for name in inputs))
    leaves = [f"{name}{_suffix(path)}" for name in inputs for path, _ in jax.tree.flatten_with_path(named[name])[0]]
    return Trace(
        name_of(kernel), _unwrapped(program, name_of(kernel)), tuple(leaves), arguments, tuple(symbols), tuple(order)
    )


def call_with(function: Callable[..., Any], order: Sequence[str], known: Mapping[str, Any]) -> Any:
    """The function of arguments known by name, in the order of a signature."""
    positional, named = [], {}
    parameters = inspect.signature(function).parameters
    skipped = False
    for name in order:
        skipped = skipped or name not in known
        if name not in known:
            continue
        kind = parameters[name].kind if name in parameters else inspect.Parameter.KEYWORD_ONLY
        if kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD) and not skipped:
            positional.append(known[name])
        elif kind is inspect.Parameter.VAR_POSITIONAL:
            positional.extend(known[name])
        else:
            named[name] = known[name]
    return function(*positional, **named)


def _double(value: Any) -> jax.ShapeDtypeStruct:
    dtype = jnp.dtype(value.dtype)
    return jax.ShapeDtypeStruct(value.shape, jnp.dtype("float64") if dtype.kind == "f" else dtype)


def _suffix(path: tuple[Any, ...]) -> str:
    """Where a leaf stands in its argument: `[1]` is 2, counted from one."""
    parts = []
    for entry in path:
        key = getattr(entry, "key", getattr(entry, "name", None))
        parts.append(str(key) if key is not None else str(entry.idx + 1))
    return "".join(f".{part}" for part in parts)


def _unwrapped(program: ClosedJaxpr, name: str) -> ClosedJaxpr:
    """The program of a compiled kernel itself, without the call that it is wrapped in."""
    jaxpr = program.jaxpr
    if len(jaxpr.eqns) != 1 or jaxpr.eqns[0].primitive.name not in ("jit", "pjit"):
        return program
    (equation,) = jaxpr.eqns
    same = list(equation.invars) == list(jaxpr.invars) and list(equation.outvars) == list(jaxpr.outvars)
    if same and equation.params["name"] == name:
        return _unwrapped(equation.params["jaxpr"], name)
    return program


def is_transformed(kernel: Callable[..., Any]) -> bool:
    """Whether the function carries the name of another, whose derivative it is, say."""
    inner = plain_function(kernel)
    inner = inner.func if isinstance(inner, functools.partial) else inner
    if not hasattr(inner, "__wrapped__"):
        return False
    of_annotations = str(Path(jaxtyping.__file__).parent)
    return not inner.__code__.co_filename.startswith(of_annotations)
