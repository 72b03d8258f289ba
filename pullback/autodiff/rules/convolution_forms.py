"""Convolutions of JAX as those of our own kernel, where one platform's table asks for it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jax import lax
from jax.extend.core import JaxprEqn
from jaxtyping import Array

from pullback.autodiff.kernels.convolve import convolution_p, input_gradient_p, kernel_gradient_p
from pullback.autodiff.parameters import array_type, correlation, is_placed
from pullback.autodiff.platform import PLAIN, form


class Channels(NamedTuple):
    """How the arrays of a convolution are ordered to have channels last, and the settings of our kernel."""

    image: tuple[int, ...]
    kernel: tuple[int, ...]
    result: tuple[int, ...]
    settings: dict[str, Any]


def channels_last(equation: JaxprEqn) -> Channels | None:
    """The convolution in the form of our kernel, `None` where it has none or is to stay as it is."""
    at = correlation(equation)
    image, kernel, result = (array_type(atom) for atom in (*equation.invars, *equation.outvars))
    plain = at.batch_groups == 1 and set(at.spacing) == {1} and 1 <= len(at.strides) <= 3
    if form("convolution") == PLAIN or not plain or is_placed(equation) or result.size == 0:
        return None
    if not image.dtype == kernel.dtype == result.dtype:
        return None
    settings = dict(stride=at.strides, padding=at.padding, dilation=at.dilation, groups=at.channel_groups)
    return Channels(_last(at.image), (*at.kernel[2:], at.kernel[1], at.kernel[0]), _last(at.result), settings)


def _last(order: tuple[int, ...]) -> tuple[int, ...]:
    return (order[0], *order[2:], order[1])


def _to(x: Any, order: tuple[int, ...]) -> Array:
    return x if order == tuple(range(x.ndim)) else lax.transpose(x, order)


def _from(x: Any, order: tuple[int, ...]) -> Array:
    return _to(x, tuple(np.argsort(order).tolist()))


def result_fast(equation: JaxprEqn, image: Any, kernel: Any) -> Array | None:
    """The convolution by our kernel."""
    at = channels_last(equation)
    if at is None:
        return None
    return _from(convolution_p.bind(_to(image, at.image), _to(kernel, at.kernel), **at.settings), at.result)


def image_gradient_fast(equation: JaxprEqn, cotangent: Any, kernel: Any) -> Array | None:
    """The cotangent of the image by our kernel."""
    at = channels_last(equation)
    if at is None:
        return None
    sizes = tuple(array_type(equation.invars[0]).shape[axis] for axis in at.image[1:-1])
    found = input_gradient_p.bind(_to(cotangent, at.result), _to(kernel, at.kernel), sizes=sizes, **at.settings)
    return _from(found, at.image)


def kernel_gradient_fast(equation: JaxprEqn, image: Any, cotangent: Any) -> Array | None:
    """The cotangent of the kernel by our kernel."""
    at = channels_last(equation)
    if at is None:
        return None
    window = tuple(array_type(equation.invars[1]).shape[axis] for axis in at.kernel[:-2])
    found = kernel_gradient_p.bind(_to(image, at.image), _to(cotangent, at.result), window=window, **at.settings)
    return _from(found, at.kernel)
