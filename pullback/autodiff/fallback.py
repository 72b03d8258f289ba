"""The derivative of one equation by JAX, for operations without a rule of ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import JaxprEqn

from pullback.autodiff.parameters import apply, array_type
from pullback.autodiff.rule import Derivative, Point, instantiate


def _inexact(value: Any) -> bool:
    return jnp.issubdtype(jax.typeof(value).dtype, jnp.inexact)


def _varied(point: Point, positions: Sequence[int]) -> Any:
    """The operation as a function of some operands, giving the outputs that have a derivative."""

    def function(*values: Any) -> list[Any]:
        operands = list(point.operands)
        for position, value in zip(positions, values, strict=True):
            operands[position] = value
        return [output for output in apply(point.equation, operands) if _inexact(output)]

    return function


def _spread(point: Point, found: Sequence[Any]) -> list[Any]:
    values = iter(found)
    return [next(values) if _inexact(output) else None for output in point.outputs]


def tangent(point: Point, tangents: Sequence[Any]) -> list[Any]:
    """JAX's tangent map of the equation."""
    positions = [position for position, direction in enumerate(tangents) if direction is not None]
    primals = [point.operands[position] for position in positions]
    _, found = jax.jvp(_varied(point, positions), primals, [tangents[position] for position in positions])
    return _spread(point, found)


def cotangent(point: Point, cotangents: Sequence[Any]) -> list[Any]:
    """JAX's cotangent map of the equation."""
    positions = [position for position, wanted in enumerate(point.wanted) if wanted]
    pull = point.residuals
    if pull is None:
        _, pull = jax.vjp(_varied(point, positions), *(point.operands[position] for position in positions))
    pairs = zip(cotangents, point.outputs, strict=True)
    found = pull([instantiate(direction, output) for direction, output in pairs if _inexact(output)])
    result: list[Any] = [None] * len(point.operands)
    for position, value in zip(positions, found, strict=True):
        result[position] = value
    return result


def augmented(table: Any, equation: JaxprEqn, operands: Sequence[Any], active: Sequence[bool]) -> tuple[Any, Any]:
    """The results and JAX's map back, from one evaluation.

    For a function with a way back of its own the results are then those of its forward function, as in JAX; a second
    derivative sees that function, and not the rule again.
    """
    positions = [position for position, wanted in enumerate(active) if wanted]

    def function(*values: Any) -> tuple[list[Any], list[Any]]:
        full = list(operands)
        for position, value in zip(positions, values, strict=True):
            full[position] = value
        outputs = apply(equation, full)
        return [output for output in outputs if _inexact(output)], [o for o in outputs if not _inexact(o)]

    real, pull, rest = jax.vjp(function, *(operands[position] for position in positions), has_aux=True)
    parts = iter(real), iter(rest)
    kinds = [jnp.issubdtype(array_type(variable).dtype, jnp.inexact) for variable in equation.outvars]
    return [next(parts[0] if kind else parts[1]) for kind in kinds], pull


FALLBACK = Derivative(tangent, cotangent, augmented=augmented)
