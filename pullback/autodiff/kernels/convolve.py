r"""Convolution as a bilinear operation, and the two gradients that complete it.

With \(x\) an image, \(k\) a kernel and \(y\) a cotangent of the output, \(T(x, k, y) = \langle x \star k, y \rangle\)
is linear in each of the three. The convolution, the input gradient and the kernel gradient are its partial
derivatives with respect to \(y\), \(x\) and \(k\): each is bilinear, and the transposes of each are the other two. The
table at the end of this file says so, and all derivatives of all orders follow.

On a CPU the operation is rewritten where XLA's own convolution is slow: see `rewritten`. The gradients are the
transposes of the form that was chosen.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from pullback.autodiff.kernels.window import Pairs, Sizes, element, output_sizes, pad, positions
from pullback.autodiff.primitive import Rule, define, transposed

# Channels in one convolution below which Eigen's products are too thin to be fast.
BLOCK_CHANNELS = 16
# Convolutions in one program above which compiling them takes longer than they are worth.
MAXIMUM_BLOCKS = 32
# Positions in a window up to which one slice for each position is worth its compile time.
UNROLLED_POSITIONS = 64


def convolve(
    x: Float[Array, ...],
    kernel: Float[Array, ...],
    *,
    stride: Sizes,
    padding: Pairs,
    dilation: Sizes,
    groups: int = 1,
) -> Float[Array, ...]:
    r"""Cross-correlation \(y[n, o] = \sum_{i, c} x[n s + i d - p, c]\, k[i, c, o]\), with zeros outside.

    `x` is `(..., *spatial, in_channels)`, `kernel` is `(*window, in_channels // groups, out_channels)`, the result is
    `(..., *windows, out_channels)`; one, two or three spatial axes. Output channels of a group see the input
    channels of that group alone.

    Examples
    --------
    >>> settings = dict(stride=(1,), padding=((0, 0),), dilation=(1,))
    >>> x, kernel = jnp.array([1.0, 2.0, 4.0, 8.0]), jnp.array([-1.0, 1.0])
    >>> convolve(x[:, None], kernel[:, None, None], **settings)[:, 0].tolist()
    [1.0, 2.0, 4.0]
    """
    return convolution_p.bind(x, kernel, stride=stride, padding=padding, dilation=dilation, groups=groups)


def direct(x: Array, kernel: Array, *, stride: Sizes, padding: Pairs, dilation: Sizes, groups: int) -> Array:
    """One convolution of XLA."""
    rank = len(stride)
    axes = "DHW"[3 - rank :]
    flat = x.reshape(-1, *x.shape[-1 - rank :])
    y = lax.conv_general_dilated(
        flat,
        kernel,
        stride,
        padding,
        rhs_dilation=dilation,
        dimension_numbers=(f"N{axes}C", f"{axes}IO", f"N{axes}C"),
        feature_group_count=groups,
    )
    return y.reshape(*x.shape[: -1 - rank], *y.shape[1:])


def rewritten(x: Array, kernel: Array, *, groups: int, **settings: Any) -> Array:
    """The form that measures fastest on a CPU (the numbers are in `docs/decisions/primitives.md`)."""
    window = kernel.shape[:-2]
    if groups > 1 and kernel.shape[-2] == 1 and math.prod(window) <= UNROLLED_POSITIONS:
        return depthwise(x, kernel, **settings)
    if groups > 1:
        return by_blocks(x, kernel, groups=groups, **settings)
    if math.prod(window) == 1 and not any(map(any, settings["padding"])):
        return product(x, kernel, settings["stride"])
    if len(window) == 3 and window[0] <= UNROLLED_POSITIONS:
        return by_planes(x, kernel, **settings)
    return direct(x, kernel, groups=groups, **settings)


def product(x: Array, kernel: Array, stride: Sizes) -> Array:
    """A kernel of one position is a matrix."""
    spatial = tuple(slice(None, None, step) for step in stride)
    return x[(..., *spatial, slice(None))] @ kernel.reshape(kernel.shape[-2:])


def depthwise(x: Array, kernel: Array, *, stride: Sizes, padding: Pairs, dilation: Sizes) -> Array:
    """One input channel a group: a sum of shifted images, each times a row of weights, in one fused loop."""
    window = kernel.shape[:-2]
    multiplier = kernel.shape[-1] // x.shape[-1]
    padded = pad(x if multiplier == 1 else jnp.repeat(x, multiplier, axis=-1), padding)
    count = output_sizes(x.shape[-1 - len(window) : -1], window, stride, padding, dilation)
    total = jnp.zeros((), x.dtype)
    for position in positions(window):
        start = tuple(place * spacing for place, spacing in zip(position, dilation, strict=True))
        total = total + element(padded, start, stride, count) * kernel[position][0]
    return total


def by_blocks(x: Array, kernel: Array, *, groups: int, **settings: Any) -> Array:
    """One convolution for each block of groups, thin groups being merged by a block-diagonal kernel."""
    width = kernel.shape[-2]
    merged = next(n for n in range(1, groups + 1) if groups % n == 0 and (n * width >= BLOCK_CHANNELS or n == groups))
    blocks = groups // merged
    if blocks > MAXIMUM_BLOCKS and math.prod(kernel.shape[:-2]) <= UNROLLED_POSITIONS:
        return by_positions(x, kernel, groups=groups, **settings)
    parts = zip(jnp.split(x, blocks, axis=-1), jnp.split(kernel, blocks, axis=-1), strict=True)
    outputs = [rewritten(part, block_diagonal(weights, merged), groups=1, **settings) for part, weights in parts]
    return jnp.concatenate(outputs, axis=-1)


def by_positions(x: Array, kernel: Array, *, stride: Sizes, padding: Pairs, dilation: Sizes, groups: int) -> Array:
    """A sum over the positions of the window, each term one product for each group."""
    *window, width, out_channels = kernel.shape
    padded = pad(x, padding)
    count = output_sizes(x.shape[-1 - len(window) : -1], tuple(window), stride, padding, dilation)
    total = None
    for position in positions(tuple(window)):
        start = tuple(place * spacing for place, spacing in zip(position, dilation, strict=True))
        image = element(padded, start, stride, count)
        image = image.reshape(*image.shape[:-1], groups, width)
        term = jnp.einsum("...gi,igo->...go", image, kernel[position].reshape(width, groups, -1))
        total = term if total is None else total + term
    assert total is not None
    return total.reshape(*total.shape[:-2], out_channels)


def block_diagonal(kernel: Array, groups: int) -> Array:
    """The kernel of one group that does what `kernel` does in `groups` groups: zero from one group to another."""
    *window, width, out_channels = kernel.shape
    apart = kernel.reshape(*window, 1, width, groups, out_channels // groups)
    same = jnp.eye(groups, dtype=bool)[:, None, :, None]
    return jnp.where(same, apart, jnp.zeros((), kernel.dtype)).reshape(*window, groups * width, out_channels)


def by_planes(x: Array, kernel: Array, *, stride: Sizes, padding: Pairs, dilation: Sizes) -> Array:
    """A sum over the depth of the kernel, each term a convolution of planes."""
    window = kernel.shape[:-2]
    padded = pad(x, (padding[0], (0, 0), (0, 0)))
    (count, *_) = output_sizes(x.shape[-4:-1], window, stride, padding, dilation)
    within: dict[str, Any] = dict(stride=stride[1:], padding=padding[1:], dilation=dilation[1:], groups=1)
    total = None
    for depth in range(window[0]):
        start = depth * dilation[0]
        planes = padded[..., start : start + (count - 1) * stride[0] + 1 : stride[0], :, :, :]
        term = rewritten(planes, kernel[depth], **within)
        total = term if total is None else total + term
    assert total is not None
    return total


def _input_gradient(form: Any, y: Array, kernel: Array, *, sizes: Sizes, groups: int, **settings: Any) -> Array:
    shape = (*y.shape[: -1 - len(sizes)], *sizes, kernel.shape[-2] * groups)
    return transposed(lambda x: form(x, kernel, groups=groups, **settings), shape, y)


def _kernel_gradient(form: Any, x: Array, y: Array, *, window: Sizes, groups: int, **settings: Any) -> Array:
    shape = (*window, x.shape[-1] // groups, y.shape[-1])
    return transposed(lambda kernel: form(x, kernel, groups=groups, **settings), shape, y)


def _spatial(x: Any, rank: int) -> Sizes:
    return tuple(x.shape[-1 - rank : -1])


def _merge_into_channels(operand: Array, axis: int | None, size: int) -> Array:
    """The mapped axis, or `size` copies, as the slow half of the channels, which stand last in every operand."""
    spread = jnp.moveaxis(operand, axis, -2) if axis is not None else jnp.stack([operand] * size, axis=-2)
    return spread.reshape(*spread.shape[:-2], -1)


def _batch(primitive: Any) -> Any:
    """A mapped axis becomes groups; kernels mapped over one and the same image become further output channels."""

    def rule(operands: Sequence, axes: Sequence, size: int, *, groups: int, **settings: Any) -> tuple[Array, int]:
        shared_image = axes[0] is None and groups == 1 and "sizes" not in settings
        merged = [
            operand if shared_image and position == 0 else _merge_into_channels(operand, axis, size)
            for position, (operand, axis) in enumerate(zip(operands, axes, strict=True))
        ]
        y = primitive().bind(*merged, groups=groups if shared_image else groups * size, **settings)
        y = y.reshape(*y.shape[:-1], size, -1)
        return y, y.ndim - 2

    return rule


def _platforms(gradient: Any) -> dict[str, Any]:
    """The gradient of XLA's form everywhere, that of the rewritten form on a CPU."""
    return dict(
        implementation=functools.partial(gradient, direct),
        platforms={"cpu": functools.partial(gradient, rewritten)},
    )


convolution_p = define(
    Rule(
        "convolution",
        direct,
        platforms={"cpu": rewritten},
        transposes={
            0: lambda y, x, kernel, **settings: input_gradient_p.bind(
                y, kernel, sizes=_spatial(x, len(settings["stride"])), **settings
            ),
            1: lambda y, x, kernel, **settings: kernel_gradient_p.bind(
                x, y, window=tuple(kernel.shape[:-2]), **settings
            ),
        },
        leading=(0,),
        batch=_batch(lambda: convolution_p),
    )
)

input_gradient_p = define(
    Rule(
        "convolution_input_gradient",
        **_platforms(_input_gradient),
        transposes={
            0: lambda x, y, kernel, *, sizes, **settings: convolution_p.bind(x, kernel, **settings),
            1: lambda x, y, kernel, *, sizes, **settings: kernel_gradient_p.bind(
                x, y, window=tuple(kernel.shape[:-2]), **settings
            ),
        },
        leading=(0,),
        batch=_batch(lambda: input_gradient_p),
    )
)

kernel_gradient_p = define(
    Rule(
        "convolution_kernel_gradient",
        **_platforms(_kernel_gradient),
        transposes={
            0: lambda kernel, x, y, *, window, **settings: input_gradient_p.bind(
                y, kernel, sizes=_spatial(x, len(window)), **settings
            ),
            1: lambda kernel, x, y, *, window, **settings: convolution_p.bind(x, kernel, **settings),
        },
        batch=_batch(lambda: kernel_gradient_p),
    )
)
