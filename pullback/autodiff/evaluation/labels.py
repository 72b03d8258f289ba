"""Names that a traced program carries for its reader: of its parts, of its functions, of their arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn

from pullback.core.trees import path_string


def scopes(equation: JaxprEqn) -> tuple[str, ...]:
    """Names under which an operation was written (`jax.named_scope`), outermost first; layers stand as `<path>`."""
    stack = equation.source_info.name_stack.stack
    names = (entry.name.removeprefix("<").removesuffix(">") for entry in stack if type(entry).__name__ == "Scope")
    return tuple(name for name in names if name)


def argument_names(program: ClosedJaxpr, count: int) -> tuple[str, ...]:
    """Names of the inputs of an inner program, empty where an input is no argument."""
    names = getattr(program.jaxpr.debug_info, "arg_names", None)
    if names is None or len(names) != count:
        return ("",) * count
    return tuple(name or "" for name in names)


def program_name(program: ClosedJaxpr | Jaxpr, otherwise: str) -> str:
    """The name of the function that a program was traced from; another one where it has no public name."""
    jaxpr = program.jaxpr if isinstance(program, ClosedJaxpr) else program
    name = getattr(jaxpr.debug_info, "func_name", None) or ""
    return name if name.isidentifier() and not name.startswith("_") else otherwise


def function_name(function: Callable[..., Any]) -> str:
    """The name of a function, of the one that it wraps, or of an object's class."""
    function = getattr(function, "func", function)
    name = getattr(function, "__name__", type(function).__name__)
    return "f" if name == "<lambda>" else name


def parameter_names(function: Callable[..., Any], count: int) -> list[str]:
    """Names of the first positional arguments of a function."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return [f"x{position + 1}" for position in range(count)]
    names: list[str] = []
    for parameter in parameters:
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            names += [f"{parameter.name}[{index}]" for index in range(count - len(names))]
        elif parameter.kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD):
            names.append(parameter.name)
    return [*names, *(f"x{position + 1}" for position in range(len(names), count))][:count]


def leaf_names(names: Sequence[str], arguments: Sequence[Any]) -> list[str]:
    """Names of all arrays in some arguments: `params.weight`, `layers[0]`."""
    found = []
    for name, argument in zip(names, arguments, strict=True):
        for path, _ in jax.tree_util.tree_leaves_with_path(argument):
            inside = path_string(path)
            found.append(name + (inside if not inside or inside.startswith("[") else f".{inside}"))
    return found


def closed_over(function: Callable[..., Any]) -> dict[int, str]:
    """Names of arrays that a function takes from outside its arguments, by identity."""
    inner = inspect.unwrap(getattr(function, "func", function))
    try:
        outside = inspect.getclosurevars(inner)
    except TypeError:
        return {}
    found: dict[int, str] = {}
    for name, value in {**outside.globals, **outside.nonlocals}.items():
        if inspect.ismodule(value) or inspect.isclass(value):
            continue
        for path, leaf in jax.tree_util.tree_leaves_with_path(value):
            if hasattr(leaf, "shape"):
                inside = path_string(path)
                found[id(leaf)] = name + (inside if not inside or inside.startswith("[") else f".{inside}")
    return found
