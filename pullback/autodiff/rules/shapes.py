r"""Operations that only move elements: each is linear, and its transpose moves them back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jax import lax
from jaxtyping import Array

from pullback.autodiff.parameters import (
    axis,
    broadcast_axes,
    padding,
    permutation,
    pieces,
    reading_order,
    repetitions,
    strided,
)
from pullback.autodiff.rule import Derivative, Point, constant, instantiate, linear, number, zeros_like


def gathered_up(point: Point, cotangent: Array) -> Array:
    """The transpose of repeating: the sum over the copies."""
    shape = point.operands[0].shape
    places = broadcast_axes(point.equation)
    repeated = [place for place, size in zip(places, shape, strict=True) if size == 1 and cotangent.shape[place] != 1]
    extra = [place for place in range(cotangent.ndim) if place not in places]
    total = lax.reduce_sum(cotangent, tuple(sorted(extra + repeated)))
    return lax.reshape(total, shape) if total.shape != shape else total


def tiles_added(point: Point, cotangent: Array) -> Array:
    """The transpose of tiling: the sum over the tiles."""
    shape = point.operands[0].shape
    pairs = zip(repetitions(point.equation), shape, strict=True)
    split = lax.reshape(cotangent, tuple(size for pair in pairs for size in pair))
    return lax.reduce_sum(split, tuple(range(0, 2 * len(shape), 2)))


def put_back(point: Point, cotangent: Array) -> Array:
    """The transpose of a slice: zeros around and between its elements."""
    starts, strides = strided(point.equation)
    edges = []
    for start, stride, size, taken in zip(starts, strides, point.operands[0].shape, cotangent.shape, strict=True):
        spanned = (taken - 1) * stride + 1 if taken else 0
        edges.append((start, size - start - spanned, stride - 1))
    return lax.pad(cotangent, number(0, cotangent), edges)


def joined_tangent(point: Point, tangents: Sequence[Any]) -> list[Any]:
    """An operation that is linear in all its operands together."""
    pairs = zip(tangents, point.operands, strict=True)
    return [point.again(*(instantiate(tangent, value) for tangent, value in pairs))]


def cut_apart(point: Point, cotangents: Sequence[Any]) -> list[Any]:
    """The transpose of a concatenation: to each operand its slice."""
    along, start, found = axis(point.equation), 0, []
    for operand, wanted in zip(point.operands, point.wanted, strict=True):
        stop = start + operand.shape[along]
        found.append(lax.slice_in_dim(cotangents[0], start, stop, axis=along) if wanted else None)
        start = stop
    return found


def layers(point: Point, cotangents: Sequence[Any]) -> list[Any]:
    """The transpose of a stack: to each operand its layer."""
    along = axis(point.equation)
    return [
        lax.index_in_dim(cotangents[0], place, along, keepdims=False) if wanted else None
        for place, wanted in enumerate(point.wanted)
    ]


def several(point: Point, tangents: Sequence[Any]) -> Sequence[Any]:
    """A linear operation with several results."""
    return point.again(*tangents)


def joined(point: Point, cotangents: Sequence[Any]) -> list[Any]:
    """The transpose of a split: the pieces side by side; of one piece alone zeros around it."""
    along, sizes = axis(point.equation), pieces(point.equation)
    given = [place for place, cotangent in enumerate(cotangents) if cotangent is not None]
    if len(given) > 1:
        full = [instantiate(cotangent, value) for cotangent, value in zip(cotangents, point.outputs, strict=True)]
        return [lax.concatenate(full, along)]
    (place,) = given
    edges = [(0, 0, 0)] * cotangents[place].ndim
    edges[along] = (sum(sizes[:place]), sum(sizes[place + 1 :]), 0)
    return [lax.pad(cotangents[place], number(0, cotangents[place]), edges)]


def stacked(point: Point, cotangents: Sequence[Any]) -> list[Any]:
    """The transpose of taking layers apart: the layers on each other."""
    along = axis(point.equation)
    pairs = zip(cotangents, point.outputs, strict=True)
    return [lax.concatenate([lax.expand_dims(instantiate(*pair), [along]) for pair in pairs], along)]


def unpadded(point: Point, cotangent: Array) -> Array:
    """What a cotangent of the padded array says about the array inside."""
    x, edges = point.operands[0], padding(point.equation)
    if 0 in x.shape:
        return zeros_like(x)
    # Negative edges cut elements off; these come back as zeros before the slice takes what lies inside.
    missing = [(max(0, -low), max(0, -high), 0) for low, high, _ in edges]
    if any(low or high for low, high, _ in missing):
        cotangent = lax.pad(cotangent, number(0, cotangent), missing)
    starts = [max(0, low) for low, _, _ in edges]
    stops = [size - max(0, high) for size, (_, high, _) in zip(cotangent.shape, edges, strict=True)]
    return lax.slice(cotangent, starts, stops, [between + 1 for _, _, between in edges])


def pad_cotangent(point: Point, cotangents: Sequence[Any]) -> list[Any]:
    """To the array what lies inside; to the padding value the sum of all that lies around."""
    (cotangent,), x, around = cotangents, point.operands[0], None
    if point.wanted[1]:
        outside = lax.pad(lax.full(x.shape, False), np.asarray(True), padding(point.equation))
        chosen = lax.select(outside, cotangent, zeros_like(cotangent))
        around = lax.reduce_sum(chosen, tuple(range(cotangent.ndim)))
    return [unpadded(point, cotangent) if point.wanted[0] else None, around]


def written_at(x: Any, part: Any, starts: Sequence[Any]) -> Array:
    """An array with a part of it replaced; a place before its start counts from its start, as in the operation."""
    return lax.dynamic_update_slice(x, part, starts, allow_negative_indices=False)


def dynamic_tangent(point: Point, tangents: Sequence[Any]) -> list[Any]:
    """A slice of the tangent from the same place."""
    return [point.again(tangents[0], *point.operands[1:])]


def dynamic_cotangent(point: Point, cotangents: Sequence[Any]) -> list[Any]:
    """The cotangent in its place among zeros."""
    x, *starts = point.operands
    return [written_at(zeros_like(x), cotangents[0], starts), *([None] * len(starts))]


def update_tangent(point: Point, tangents: Sequence[Any]) -> list[Any]:
    """The same update of the tangent of the array by that of the part."""
    x, part, *starts = point.operands
    return [point.again(instantiate(tangents[0], x), instantiate(tangents[1], part), *starts)]


def update_cotangent(point: Point, cotangents: Sequence[Any]) -> list[Any]:
    """To the array the cotangent but for the part, to the part its slice."""
    x, part, *starts = point.operands
    kept = written_at(cotangents[0], zeros_like(part), starts) if point.wanted[0] else None
    own = lax.dynamic_slice(cotangents[0], starts, part.shape, allow_negative_indices=False)
    return [kept, own if point.wanted[1] else None, *([None] * len(starts))]


def reshaped(point: Point, cotangent: Array) -> Array:
    """The same elements in the operand's shape."""
    return lax.reshape(cotangent, point.operands[0].shape)


def read_back(point: Point, cotangent: Array) -> Array:
    """The transpose of reading elements off in some order of the axes and writing them into another shape."""
    shape, order = point.operands[0].shape, reading_order(point.equation)
    if order is None:
        return lax.reshape(cotangent, shape)
    return lax.transpose(lax.reshape(cotangent, [shape[axis] for axis in order]), np.argsort(order).tolist())


def permuted_back(point: Point, cotangent: Array) -> Array:
    """The axes in their first order."""
    return lax.transpose(cotangent, tuple(np.argsort(permutation(point.equation)).tolist()))


SHAPES: dict[str, Derivative] = {
    "broadcast_in_dim": linear(gathered_up, equation=r"\bar x_i = \sum_j \bar z_{ij}"),
    "tile": linear(tiles_added, equation=r"\bar x_i = \sum_t \bar z_{ti}"),
    "reshape": linear(read_back, equation=r"\bar x = \bar z"),
    "squeeze": linear(reshaped, equation=r"\bar x = \bar z"),
    "transpose": linear(permuted_back, equation=r"\bar x = \bar z^{\top}"),
    "rev": linear(lambda at, ct: at.again(ct), equation=r"\bar x_i = \bar z_{n-1-i}"),
    "slice": linear(put_back, equation=r"\bar x_{s + i t} = \bar z_i"),
    "pad": Derivative(
        joined_tangent, pad_cotangent, r"\bar x_i = \bar z_{l + i t},\ \bar y = \sum_{\text{around}} \bar z"
    ),
    "concatenate": Derivative(joined_tangent, cut_apart, r"\bar x = \bar z_{[:m]},\ \bar y = \bar z_{[m:]}"),
    "split": Derivative(several, joined, r"\bar x = [\bar z_1, \dots, \bar z_k]"),
    "stack": Derivative(joined_tangent, layers, r"\bar x_k = \bar z_{[k]}"),
    "unstack": Derivative(several, stacked, r"\bar x_{[k]} = \bar z_k"),
    "dynamic_slice": Derivative(
        dynamic_tangent,
        dynamic_cotangent,
        r"\bar x_{s + i} = \bar z_i",
        "the place is not differentiated; one that reaches over an edge is moved inside, as in the operation",
    ),
    "dynamic_update_slice": Derivative(
        update_tangent,
        update_cotangent,
        r"\bar x_i = \bar z_i\,[i \notin s + I],\ \bar y_i = \bar z_{s + i}",
        "the place is not differentiated",
    ),
    "iota": constant(),
}
