r"""Sliding products \(z[n, o] = \sum_{i, c} x[m, c]\, k[i, c, o]\) over \(m b = n s + i d - p\): convolutions.

The stride is \(s\), the dilation of the kernel \(d\), the spacing of the image \(b\), the padding \(p\). The result
is linear in the image and in the kernel, and each transpose is a sliding product again: of the cotangents with the
reversed kernel, and of the image with the cotangents,

\[ \bar x[m, c] = \sum_{n s + i d - p = m b} \bar z[n, o]\, k[i, c, o], \qquad
   \bar k[i, c, o] = \sum_{n s + i d - p = m b} x[m, c]\, \bar z[n, o] . \]

Strides and spacings change places: what the window skipped becomes distance between cotangents. On a CPU the operation
and its transposes take the forms of our own convolution where they are faster (`platform.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jax.numpy as jnp
from jax import lax
from jax.extend.core import JaxprEqn
from jaxtyping import Array

from pullback.autodiff import fallback
from pullback.autodiff.kernels.window import transposed_padding
from pullback.autodiff.parameters import Correlation, apply, array_type, correlate, correlation, is_placed
from pullback.autodiff.platform import PLAIN, form
from pullback.autodiff.rule import Derivative, Point, add
from pullback.autodiff.rules.convolution_forms import image_gradient_fast, kernel_gradient_fast, result_fast


def _sizes(shape: Sequence[int], order: Sequence[int]) -> list[int]:
    return [shape[axis] for axis in order[2:]]


def _split(x: Any, axis: int, groups: int) -> Array:
    """An axis as two: the group, and the place in it."""
    return lax.reshape(x, (*x.shape[:axis], groups, x.shape[axis] // groups, *x.shape[axis + 1 :]))


def _regrouped(x: Any, source: int, target: int, groups: int) -> Array:
    """The groups that lead one axis moved to the front of another."""
    if groups == 1:
        return x
    apart = jnp.moveaxis(_split(x, source, groups), source, 0)
    moved = jnp.moveaxis(apart, 0, target)
    return lax.reshape(moved, (*moved.shape[:target], groups * moved.shape[target + 1], *moved.shape[target + 2 :]))


def _swapped(order: Sequence[int]) -> tuple[int, ...]:
    """The first two kinds of axes change their parts."""
    return (order[1], order[0], *order[2:])


def _as(x: Any, dtype: Any) -> Array:
    return x if x.dtype == dtype else lax.convert_element_type(x, dtype)


def image_gradient(equation: JaxprEqn, cotangent: Any, kernel: Any) -> Array:
    r"""\(\bar x\): the cotangents, \(s\) apart, with the kernel reversed, its groups on the side of its inputs."""
    at, image = correlation(equation), array_type(equation.invars[0])
    groups = max(at.channel_groups, at.batch_groups)
    reversed_kernel = lax.rev(
        _regrouped(_as(kernel, cotangent.dtype), at.kernel[0], at.kernel[1], groups), at.kernel[2:]
    )
    padding = [
        transposed_padding(size, length, count, stride=stride, low=low, spacing=space, dilation=dilation)
        for size, length, count, stride, (low, _), space, dilation in zip(
            _sizes(image.shape, at.image), _sizes(kernel.shape, at.kernel), _sizes(cotangent.shape, at.result),
            at.strides, at.padding, at.spacing, at.dilation, strict=True,
        )
    ]  # fmt: skip
    change = Correlation(
        at.spacing, tuple(padding), at.strides, at.dilation, at.result, _swapped(at.kernel), at.image, groups, 1
    )
    found = correlate(equation, cotangent, reversed_kernel, change)
    if at.batch_groups > 1:
        found = _regrouped(found, at.image[1], at.image[0], groups)
    return _as(found, image.dtype)


def kernel_gradient(equation: JaxprEqn, image: Any, cotangent: Any) -> Array:
    r"""\(\bar k\): the cotangents, \(s\) apart, slide over the image; batch and channels change their parts."""
    at, kernel = correlation(equation), array_type(equation.invars[1])
    padding = [
        (low, dilation * (length - 1) + stride * (count - 1) - space * (size - 1) - low)
        for size, length, count, stride, (low, _), space, dilation in zip(
            _sizes(image.shape, at.image), _sizes(kernel.shape, at.kernel), _sizes(cotangent.shape, at.result),
            at.strides, at.padding, at.spacing, at.dilation, strict=True,
        )
    ]  # fmt: skip
    change = Correlation(
        at.dilation, tuple(padding), at.spacing, at.strides,
        _swapped(at.image), _swapped(at.result), _swapped(at.kernel), at.batch_groups, at.channel_groups,
    )  # fmt: skip
    if _stays_apart(equation):
        change = doubled(change)
    return _as(correlate(equation, _as(image, cotangent.dtype), cotangent, change), kernel.dtype)


def _stays_apart(equation: JaxprEqn) -> bool:
    """Whether the kernel gradient is one plain convolution that XLA had better not hand to its library."""
    at, window = correlation(equation), array_type(equation.invars[1]).shape
    plain = at.channel_groups == at.batch_groups == 1 and set(at.spacing) == {1} and len(at.strides) == 2
    return form("convolution kernel gradient") != PLAIN and plain and _sizes(window, at.kernel) != [1, 1]


def doubled(at: Correlation) -> Correlation:
    """The same sum with all distances along the first spatial axis doubled.

    XLA's library of fused kernels for CPUs does not take a convolution whose image is spread out; the compiled loop
    that it leaves it to skips what lies between and is up to twice as fast for a kernel gradient.
    """
    (low, high), *rest = at.padding
    strides, spacing, dilation = ((2 * first, *others) for first, *others in (at.strides, at.spacing, at.dilation))
    return replace(at, strides=strides, padding=((2 * low, 2 * high), *rest), spacing=spacing, dilation=dilation)


def evaluate(equation: JaxprEqn, operands: Sequence[Any]) -> list[Any]:
    """The operation, in the form that is fast on this platform."""
    found = result_fast(equation, *operands)
    return apply(equation, operands) if found is None else [found]


def tangent(point: Point, tangents: Sequence[Any]) -> list[Any]:
    r"""\(\dot z = \dot x \star k + x \star \dot k\)."""
    (x, k), (dx, dk) = point.operands, tangents
    first = None if dx is None else evaluate(point.equation, (dx, k))[0]
    second = None if dk is None else evaluate(point.equation, (x, dk))[0]
    return [add(first, second)]


def cotangent(point: Point, cotangents: Sequence[Any]) -> Sequence[Any]:
    """Both transposes, those that are wanted."""
    (direction,), (x, k), equation = cotangents, point.operands, point.equation
    if direction.size == 0:
        return [None, None]
    if is_placed(equation):
        return fallback.cotangent(point, cotangents)
    found: list[Any] = [None, None]
    if point.wanted[0]:
        fast = image_gradient_fast(equation, direction, k)
        found[0] = image_gradient(equation, direction, k) if fast is None else fast
    if point.wanted[1]:
        fast = None if _stays_apart(equation) else kernel_gradient_fast(equation, x, direction)
        found[1] = kernel_gradient(equation, x, direction) if fast is None else fast
    return found


CONVOLUTIONS = {
    "conv_general_dilated": Derivative(
        tangent,
        cotangent,
        r"\bar x[m] = \sum_{n s + i d - p = m b} \bar z[n]\, y[i],"
        r"\ \bar y[i] = \sum_{n s + i d - p = m b} x[m]\, \bar z[n]",
        evaluate=evaluate,
    ),
}
