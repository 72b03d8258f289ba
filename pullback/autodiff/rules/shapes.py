r"""Operations that only move elements: each is linear, and its transpose moves them back."""

from __future__ import annotations

import numpy as np
from jax import lax
from jaxtyping import Array

from pullback.autodiff.parameters import broadcast_axes, permutation, reading_order
from pullback.autodiff.rule import Point, linear


def gathered_up(point: Point, cotangent: Array) -> Array:
    """The transpose of repeating: the sum over the copies."""
    shape = point.operands[0].shape
    places = broadcast_axes(point.equation)
    repeated = [place for place, size in zip(places, shape, strict=True) if size == 1 and cotangent.shape[place] != 1]
    extra = [place for place in range(cotangent.ndim) if place not in places]
    total = lax.reduce_sum(cotangent, tuple(sorted(extra + repeated)))
    return lax.reshape(total, shape) if total.shape != shape else total


def read_back(point: Point, cotangent: Array) -> Array:
    """The transpose of reading the elements off in some order of the axes and writing them into another shape."""
    shape, order = point.operands[0].shape, reading_order(point.equation)
    if order is None:
        return lax.reshape(cotangent, shape)
    return lax.transpose(lax.reshape(cotangent, [shape[axis] for axis in order]), np.argsort(order).tolist())


SHAPES = {
    "broadcast_in_dim": linear(gathered_up, equation=r"\bar x_i = \sum_j \bar z_{ij}"),
    "reshape": linear(read_back),
    "squeeze": linear(lambda at, ct: lax.reshape(ct, at.operands[0].shape)),
    "expand_dims": linear(lambda at, ct: lax.reshape(ct, at.operands[0].shape)),
    "transpose": linear(lambda at, ct: lax.transpose(ct, tuple(np.argsort(permutation(at.equation)).tolist()))),
    "convert_element_type": linear(lambda at, ct: lax.convert_element_type(ct, at.operands[0].dtype)),
}
