r"""Reductions over windows that slide along the axes: \(z_n = \bigoplus_i x_{n s + i d - p}\).

On a CPU sums and maxima take the kernels of our layers (`platform.py`); elsewhere, and where a window is too large to
write out position by position, they stay XLA's operations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from jax import lax
from jax.extend.core import JaxprEqn
from jaxtyping import Array

from pullback.autodiff.kernels.window import transposed_padding
from pullback.autodiff.kernels.window_sum import spread_sum, window_sum
from pullback.autodiff.parameters import Windows, apply, array_type, windows
from pullback.autodiff.rule import Derivative, Point
from pullback.autodiff.rules.window_fold import FOLD
from pullback.autodiff.rules.window_layout import as_image, spatial_axes, spatial_settings, takes_slices
from pullback.autodiff.rules.window_maximum import WINDOW_MAXIMUM


def _by_slices(equation: JaxprEqn) -> bool:
    return takes_slices(equation, "window sum", max(windows(equation).sizes, default=0))


def _sums(x: Any, at: Windows, slices: bool) -> Array:
    """The sum of each window, with zeros outside."""
    borders = [(low, high, space - 1) for (low, high), space in zip(at.padding, at.spacing, strict=True)]
    x = lax.pad(x, np.zeros((), x.dtype), borders)
    if not slices:
        return lax.reduce_window(
            x, np.zeros((), x.dtype), lax.add, at.sizes, at.strides, "VALID", window_dilation=at.dilation
        )
    inner = replace(at, padding=((0, 0),) * x.ndim, spacing=(1,) * x.ndim)
    first, last = spatial_axes(inner)
    y = window_sum(as_image(x, inner), dilation=at.dilation[first:last], **spatial_settings(inner))
    return lax.reshape(y, (*y.shape[:last], *x.shape[last:]))


def evaluate(equation: JaxprEqn, operands: Sequence[Any]) -> list[Any]:
    """The sums, by slices where that is faster."""
    return [_sums(operands[0], windows(equation), True)] if _by_slices(equation) else apply(equation, operands)


def tangent(point: Point, tangents: Sequence[Any]) -> Sequence[Any]:
    r"""\(\dot z_n = \sum_i \dot x_{n s + i d - p}\)."""
    return evaluate(point.equation, tangents)


def cotangent(point: Point, cotangents: Sequence[Any]) -> list[Any]:
    """A sum over windows of the cotangents, or copies of them where windows do not meet."""
    at, shape = windows(point.equation), array_type(point.equation.invars[0]).shape
    (direction,) = cotangents
    if direction.size == 0:
        return [None]
    plain = zip(at.padding, at.spacing, at.dilation, strict=True)
    if at.sizes == at.strides and all(entry == ((0, 0), 1, 1) for entry in plain):
        first, last = spatial_axes(at)
        spread = spread_sum(as_image(direction, at), at.sizes[first:last], shape[first:last])
        return [lax.reshape(spread, shape)]
    return [_sums(direction, _transposed(at, shape, direction.shape), _by_slices(point.equation))]


def _transposed(at: Windows, shape: Sequence[int], count: Sequence[int]) -> Windows:
    padding = [
        transposed_padding(size, length, number, stride=stride, low=low, spacing=space, dilation=dilation)
        for size, length, number, stride, (low, _), space, dilation in zip(
            shape, at.sizes, count, at.strides, at.padding, at.spacing, at.dilation, strict=True
        )
    ]
    return Windows(at.sizes, at.spacing, tuple(padding), at.strides, at.dilation)


WINDOWS = {
    "reduce_window_sum": Derivative(
        tangent, cotangent, r"\bar x_j = \sum_{n, i : n s + i d - p = j} \bar z_n", evaluate=evaluate
    ),
    **WINDOW_MAXIMUM,
    "reduce_window": FOLD,
}
