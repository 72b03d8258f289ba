r"""Reading and writing at places that are data: `x[i]`, `x.at[i].add(y)`, `x.at[i].set(y)`, `x.at[i].multiply(y)`.

In each line \(x\) is the array, \(i\) the places, \(y\) what is written. Places have no derivative. Reading is linear,
and its transpose adds to zeros at the places that were read; a place outside, which reads as a constant or is not
written, passes nothing on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array

from pullback.autodiff.parameters import (
    add_gathered,
    gather_again,
    gather_scattered,
    scatter_by,
    scattered_axes,
    writes_each_place_once,
)
from pullback.autodiff.rule import Derivative, Point, add, zeros_like
from pullback.core.errors import DerivativeError


def _gather_tangent(point: Point, tangents: Sequence[Any]) -> list[Any]:
    return [gather_again(point.equation, tangents[0], point.operands[1])]


def _gather_cotangent(point: Point, cotangents: Sequence[Any]) -> list[Any]:
    x, places = point.operands
    return [add_gathered(point.equation, x.shape, places, cotangents[0]), None]


def _read(point: Point, values: Any) -> Array:
    """What stands at the places, in the shape of the updates."""
    return gather_scattered(point.equation, values, point.operands[1], point.operands[2].shape)


def _write(point: Point, function: Any, x: Any, updates: Any) -> Array:
    return scatter_by(function, point.equation, x, point.operands[1], updates)


def _added(sign: int) -> Derivative:
    """Adding to an array or, with `sign` -1, subtracting from it."""
    function = lax.scatter_add if sign > 0 else lax.scatter_sub

    def tangent(point: Point, tangents: Sequence[Any]) -> list[Any]:
        dx, _, dy = tangents
        if dy is None:
            return [dx]
        return [_write(point, function, zeros_like(point.operands[0]) if dx is None else dx, dy)]

    def cotangent(point: Point, cotangents: Sequence[Any]) -> list[Any]:
        (direction,) = cotangents
        dy = _read(point, direction) if point.wanted[2] else None
        return [direction if point.wanted[0] else None, None, dy if dy is None or sign > 0 else lax.neg(dy)]

    name = r"\bar z_i" if sign > 0 else r"-\bar z_i"
    return Derivative(tangent, cotangent, rf"\bar x = \bar z,\ \bar y = {name}")


def _erased(point: Point, direction: Array) -> Array:
    """The direction with zeros at the places that are written."""
    return _write(point, lax.scatter, direction, zeros_like(point.operands[2]))


def _set_tangent(point: Point, tangents: Sequence[Any]) -> list[Any]:
    dx, _, dy = tangents
    moved = zeros_like(point.operands[0]) if dx is None else dx
    return [_write(point, lax.scatter, moved, zeros_like(point.operands[2]) if dy is None else dy)]


def _set_cotangent(point: Point, cotangents: Sequence[Any]) -> list[Any]:
    (direction,) = cotangents
    dx = _erased(point, direction) if point.wanted[0] else None
    if not point.wanted[2]:
        return [dx, None, None]
    dy = _read(point, direction)
    if not writes_each_place_once(point.equation):
        dy = jnp.where(_last_writers(point), dy, jnp.zeros((), dy.dtype))
    return [dx, None, dy]


def _last_writers(point: Point) -> Array:
    """Which updates stand in the result; one that was written over has no influence on it."""
    shape = point.operands[2].shape
    over = scattered_axes(point.equation, len(shape))
    counts = tuple(shape[axis] for axis in over)
    numbers = np.arange(1, 1 + int(np.prod(counts)), dtype=np.int32).reshape(counts)
    numbers = lax.broadcast_in_dim(numbers, shape, over)
    written = _write(point, lax.scatter, jnp.zeros(point.operands[0].shape, jnp.int32), numbers)
    return _read(point, written) == numbers


def _multiplied_tangent(point: Point, tangents: Sequence[Any]) -> list[Any]:
    (x, _, y), (dx, _, dy) = point.operands, tangents
    moved = None if dx is None else _write(point, lax.scatter_mul, dx, y)
    if dy is not None:
        _check_once(point)
        moved = add(moved, lax.mul(x, _write(point, lax.scatter_add, zeros_like(x), dy)))
    return [moved]


def _multiplied_cotangent(point: Point, cotangents: Sequence[Any]) -> list[Any]:
    (direction,), (x, _, y) = cotangents, point.operands
    found: list[Any] = [None, None, None]
    if point.wanted[0]:
        found[0] = _write(point, lax.scatter_mul, direction, y)
    if point.wanted[2]:
        _check_once(point)
        found[2] = _read(point, lax.mul(direction, x))
    return found


def _check_once(point: Point) -> None:
    if not writes_each_place_once(point.equation):
        raise DerivativeError(
            "x.at[i].multiply(y) is differentiated with respect to y, and two of the places i may be the same",
            expected="the promise that all places differ",
            got="unique_indices=False",
            fix="write x.at[i].multiply(y, unique_indices=True) if they do, or multiply in two steps",
        )


INDEXING = {
    "gather": Derivative(_gather_tangent, _gather_cotangent, r"\bar x_j = \sum_{n : i_n = j} \bar z_n"),
    "scatter-add": _added(1),
    "scatter-sub": _added(-1),
    "scatter": Derivative(
        _set_tangent,
        _set_cotangent,
        r"\bar x_j = \bar z_j\ (j \notin i),\ \bar y_n = \bar z_{i_n}",
        "of updates of one place the one that stands in the result",
    ),
    "scatter-mul": Derivative(
        _multiplied_tangent,
        _multiplied_cotangent,
        r"\bar x_j = \bar z_j \prod_{n : i_n = j} y_n,\ \bar y_n = \bar z_{i_n}\, x_{i_n}",
    ),
}
