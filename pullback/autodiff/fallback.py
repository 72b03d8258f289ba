"""The derivative of one equation by JAX, for operations without a rule of ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from pullback.autodiff.parameters import apply
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
    _, pull = jax.vjp(_varied(point, positions), *(point.operands[position] for position in positions))
    pairs = zip(cotangents, point.outputs, strict=True)
    found = pull([instantiate(direction, output) for direction, output in pairs if _inexact(output)])
    result: list[Any] = [None] * len(point.operands)
    for position, value in zip(positions, found, strict=True):
        result[position] = value
    return result


FALLBACK = Derivative(tangent, cotangent)
