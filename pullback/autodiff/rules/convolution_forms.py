r"""Convolutions of JAX as those of our own kernel, where the table of the platform asks for it.

An ordinary convolution is `convolution_p`. One whose image is spread out (a transposed convolution) is the input
gradient of a strided one with the kernel reversed and its channels exchanged, and its own transposes are then that
strided convolution and its kernel gradient: of the operations that XLA derives by itself, the last is a hundred times
slower.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jax import lax
from jax.extend.core import JaxprEqn
from jaxtyping import Array

from pullback.autodiff.kernels.convolve import convolution_p, input_gradient_p, kernel_gradient_p
from pullback.autodiff.kernels.window import Pairs
from pullback.autodiff.parameters import Correlation, array_type, correlation, is_placed
from pullback.autodiff.platform import PLAIN, form


@dataclass(frozen=True)
class Ordinary:
    """The convolution itself: sizes of its image and window, and the settings of our kernel."""

    sizes: tuple[int, ...]
    window: tuple[int, ...]
    settings: dict[str, Any]

    def value(self, image: Any, kernel: Any) -> Array:
        return convolution_p.bind(image, kernel, **self.settings)

    def image_gradient(self, cotangent: Any, kernel: Any) -> Array:
        return input_gradient_p.bind(cotangent, kernel, sizes=self.sizes, **self.settings)

    def kernel_gradient(self, image: Any, cotangent: Any) -> Array:
        return kernel_gradient_p.bind(image, cotangent, window=self.window, **self.settings)


@dataclass(frozen=True)
class Spread:
    """The input gradient of a strided convolution, whose image is the result."""

    sizes: tuple[int, ...]
    window: tuple[int, ...]
    settings: dict[str, Any]

    def value(self, image: Any, kernel: Any) -> Array:
        return input_gradient_p.bind(image, self._reversed(kernel), sizes=self.sizes, **self.settings)

    def image_gradient(self, cotangent: Any, kernel: Any) -> Array:
        return convolution_p.bind(cotangent, self._reversed(kernel), **self.settings)

    def kernel_gradient(self, image: Any, cotangent: Any) -> Array:
        return self._reversed(kernel_gradient_p.bind(cotangent, image, window=self.window, **self.settings))

    def _reversed(self, kernel: Any) -> Array:
        """The kernel backward, inputs and outputs exchanged within each group; doing so twice changes nothing."""
        *window, width, count = kernel.shape
        groups = self.settings["groups"]
        rank = len(window)
        apart = lax.reshape(lax.rev(kernel, range(rank)), (*window, width, groups, count // groups))
        exchanged = lax.transpose(apart, (*range(rank), rank + 2, rank + 1, rank))
        return lax.reshape(exchanged, (*window, count // groups, groups * width))


@dataclass(frozen=True)
class Orders:
    """How image, kernel and result are ordered to have channels last."""

    image: tuple[int, ...]
    kernel: tuple[int, ...]
    result: tuple[int, ...]


def fast_form(equation: JaxprEqn) -> Ordinary | Spread | None:
    """The convolution in the form of our kernel, `None` where it has none or is to stay as it is."""
    at = correlation(equation)
    image, kernel, result = (array_type(atom) for atom in (*equation.invars, *equation.outvars))
    one_kind = image.dtype == kernel.dtype == result.dtype
    unusual = is_placed(equation) or at.batch_groups > 1 or not 1 <= len(at.strides) <= 3
    if form("convolution") == PLAIN or unusual or not one_kind or image.size == 0 or result.size == 0:
        return None
    window = _chosen(kernel.shape, at.kernel)
    settings: dict[str, Any] = dict(dilation=at.dilation, groups=at.channel_groups)
    if set(at.spacing) == {1}:
        return Ordinary(_chosen(image.shape, at.image), window, settings | dict(stride=at.strides, padding=at.padding))
    if set(at.strides) != {1}:
        return None
    sizes = _chosen(result.shape, at.result)
    padding = _padding_around_result(at, sizes, window, _chosen(image.shape, at.image))
    return Spread(sizes, window, settings | dict(stride=at.spacing, padding=padding))


def _chosen(shape: Sequence[int], order: Sequence[int]) -> tuple[int, ...]:
    return tuple(shape[axis] for axis in order[2:])


def _padding_around_result(
    at: Correlation, sizes: Sequence[int], window: Sequence[int], counts: Sequence[int]
) -> Pairs:
    """What the strided convolution needs to have as many windows as the spread image has elements."""
    padding = []
    for axis, (size, length, count) in enumerate(zip(sizes, window, counts, strict=True)):
        reach = at.dilation[axis] * (length - 1)
        before = reach - at.padding[axis][0]
        padding.append((before, at.spacing[axis] * (count - 1) + reach + 1 - size - before))
    return tuple(padding)


def orders(equation: JaxprEqn) -> Orders:
    """The orders of axes that put the channels last, as our kernel has them."""
    at = correlation(equation)
    return Orders(_last(at.image), (*at.kernel[2:], at.kernel[1], at.kernel[0]), _last(at.result))


def _last(order: tuple[int, ...]) -> tuple[int, ...]:
    return (order[0], *order[2:], order[1])


def _to(x: Any, order: tuple[int, ...]) -> Any:
    return x if order == tuple(range(x.ndim)) else lax.transpose(x, order)


def _from(x: Array, order: tuple[int, ...]) -> Array:
    return _to(x, tuple(np.argsort(order).tolist()))


def result_fast(equation: JaxprEqn, image: Any, kernel: Any) -> Array | None:
    """The convolution by our kernel."""
    at, order = fast_form(equation), orders(equation)
    return None if at is None else _from(at.value(_to(image, order.image), _to(kernel, order.kernel)), order.result)


def image_gradient_fast(equation: JaxprEqn, cotangent: Any, kernel: Any) -> Array | None:
    """The cotangent of the image by our kernel."""
    at, order = fast_form(equation), orders(equation)
    if at is None:
        return None
    return _from(at.image_gradient(_to(cotangent, order.result), _to(kernel, order.kernel)), order.image)


def kernel_gradient_fast(equation: JaxprEqn, image: Any, cotangent: Any) -> Array | None:
    """The cotangent of the kernel by our kernel."""
    at, order = fast_form(equation), orders(equation)
    if at is None:
        return None
    return _from(at.kernel_gradient(_to(image, order.image), _to(cotangent, order.result)), order.kernel)
