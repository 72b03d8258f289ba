r"""Products summed over shared axes: \(z_{bij} = \sum_k x_{bik}\, y_{bjk}\), any number of axes of each kind."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from jax import lax
from jax.extend.core import JaxprEqn
from jaxtyping import Array

from pullback.autodiff.parameters import Contraction, apply, contract, contraction, is_placed_contraction
from pullback.autodiff.rule import Derivative, Point, add


def free_axes(rank: int, *used: Sequence[int]) -> tuple[int, ...]:
    """The axes of an operand that are neither summed over nor shared."""
    taken = {axis for group in used for axis in group}
    return tuple(axis for axis in range(rank) if axis not in taken)


def product(like: JaxprEqn, left: Any, right: Any, axes: Contraction, dtype: Any = None) -> Array:
    """The contraction; without shared axes it is one product of two matrices where a reshape makes it one.

    A product of `(batch, time, feature)` by `(feature, out)` is one of `(batch * time, feature)` by `(feature, out)`,
    and XLA's matrix product on a CPU reaches its speed only on the second.
    """
    if not axes.left_batch and _merges(left.ndim, axes.left) and _merges(right.ndim, axes.right):
        if _in_order(axes.left) and _in_order(axes.right):
            return _matrix_product(like, left, right, axes, dtype)
    return contract(like, left, right, axes, dtype)


def _in_order(axes: Sequence[int]) -> bool:
    return all(after == before + 1 for before, after in zip(axes, axes[1:], strict=False))


def _merges(rank: int, summed: tuple[int, ...]) -> bool:
    """Whether the summed axes are one block at one end, so that merging axes moves no element."""
    return bool(summed) and (sorted(summed)[0] == 0 or sorted(summed)[-1] == rank - 1) and len(summed) < rank


def _matrix_product(like: JaxprEqn, left: Any, right: Any, axes: Contraction, dtype: Any) -> Array:
    operands, positions, shape = [], [], []
    for operand, summed in ((left, axes.left), (right, axes.right)):
        free = tuple(operand.shape[axis] for axis in free_axes(operand.ndim, summed))
        inner = math.prod(operand.shape[axis] for axis in summed)
        first = summed[0] == 0
        operands.append(_reshaped(operand, (inner, math.prod(free)) if first else (math.prod(free), inner)))
        positions.append(0 if first else 1)
        shape.extend(free)
    flat = contract(like, operands[0], operands[1], Contraction((positions[0],), (positions[1],), (), ()), dtype)
    return _reshaped(flat, tuple(shape))


def _reshaped(operand: Array, shape: tuple[int, ...]) -> Array:
    return operand if operand.shape == shape else lax.reshape(operand, shape)


def evaluate(equation: JaxprEqn, operands: Sequence[Any]) -> list[Any]:
    """The contraction of an equation, by one matrix product where it is one."""
    if is_placed_contraction(equation):
        return apply(equation, operands)
    return [product(equation, operands[0], operands[1], contraction(equation))]


def tangent(point: Point, tangents: Sequence[Any]) -> list[Any]:
    r"""\(\dot z = \dot x \cdot y + x \cdot \dot y\)."""
    (x, y), (dx, dy) = point.operands, tangents
    first = None if dx is None else evaluate(point.equation, (dx, y))[0]
    second = None if dy is None else evaluate(point.equation, (x, dy))[0]
    return [add(first, second)]


def cotangent(point: Point, cotangents: Sequence[Any]) -> list[Any]:
    r"""\(\bar x_{bik} = \sum_j \bar z_{bij}\, y_{bjk}\) and \(\bar y_{bjk} = \sum_i \bar z_{bij}\, x_{bik}\)."""
    (direction,) = cotangents
    x, y = point.operands
    at = contraction(point.equation)
    shared = len(at.left_batch)
    left_free = free_axes(x.ndim, at.left, at.left_batch)
    right_free = free_axes(y.ndim, at.right, at.right_batch)
    batch = tuple(range(shared))
    left_places = tuple(range(shared, shared + len(left_free)))
    right_places = tuple(range(shared + len(left_free), direction.ndim))
    found: list[Any] = [None, None]
    if point.wanted[0]:
        order = (*at.left_batch, *left_free, *_following(at.right, at.left))
        axes = Contraction(right_places, right_free, batch, at.right_batch)
        found[0] = _ordered(product(point.equation, direction, y, axes, x.dtype), order)
    if point.wanted[1]:
        order = (*at.right_batch, *_following(at.left, at.right), *right_free)
        axes = Contraction(left_free, left_places, at.left_batch, batch)
        found[1] = _ordered(product(point.equation, x, direction, axes, y.dtype), order)
    return found


def _following(leading: tuple[int, ...], partners: tuple[int, ...]) -> tuple[int, ...]:
    """The partners of some axes, in the order in which those axes stand in their own array."""
    return tuple(partner for _, partner in sorted(zip(leading, partners, strict=True)))


def _ordered(value: Array, order: Sequence[int]) -> Array:
    """Axis `i` of the value moved to place `order[i]`."""
    inverse = tuple(np.argsort(order).tolist())
    return value if inverse == tuple(range(value.ndim)) else lax.transpose(value, inverse)


CONTRACTIONS = {
    "dot_general": Derivative(
        tangent,
        cotangent,
        r"\bar x_{bik} = \sum_j \bar z_{bij} y_{bjk},\ \bar y_{bjk} = \sum_i \bar z_{bij} x_{bik}",
        evaluate=evaluate,
    ),
}
