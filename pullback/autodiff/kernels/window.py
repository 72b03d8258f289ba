"""Windows that slide over the spatial axes of `(..., *spatial, channels)`: their number, positions and elements."""

from __future__ import annotations

import itertools

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

Sizes = tuple[int, ...]
Pairs = tuple[tuple[int, int], ...]


def output_sizes(sizes: Sizes, window: Sizes, stride: Sizes, padding: Pairs, dilation: Sizes) -> Sizes:
    r"""Number of windows along each axis, \(\lfloor (n + p - d(k-1) - 1)/s \rfloor + 1\).

    Examples
    --------
    >>> output_sizes((28, 28), (3, 3), (2, 2), ((1, 1), (0, 0)), (1, 1))
    (14, 13)
    """
    return tuple(
        (size + low + high - spacing * (length - 1) - 1) // step + 1
        for size, length, step, (low, high), spacing in zip(sizes, window, stride, padding, dilation, strict=True)
    )


def transposed_padding(
    size: int, length: int, count: int, *, stride: int, low: int, spacing: int, dilation: int
) -> tuple[int, int]:
    r"""The padding with which the transpose of a sliding sum is a sliding sum again.

    Forward, \(y[n] = \sum_i k[i]\, x[m]\) over \(n s + i d - p = m b\); the transpose slides the reversed window over
    cotangents that stand \(s\) apart, in steps of \(b\), after padding by \(d(k-1) - p\) and what is left of the image.

    Examples
    --------
    >>> transposed_padding(28, 3, 28, stride=1, low=1, spacing=1, dilation=1)
    (1, 1)
    """
    before = dilation * (length - 1) - low
    return before, spacing * (size - 1) + low - stride * (count - 1)


def positions(window: Sizes) -> list[Sizes]:
    """Positions inside a window in row-major order; the number of a position is its place in this list."""
    return list(itertools.product(*(range(length) for length in window)))


def pad(x: Array, padding: Pairs, value: float = 0.0) -> Array:
    """`x` with `value` around its spatial axes, which stand before the channels."""
    leading = x.ndim - 1 - len(padding)
    spatial = [(low, high, 0) for low, high in padding]
    return lax.pad(x, jnp.asarray(value, x.dtype), [(0, 0, 0)] * leading + spatial + [(0, 0, 0)])


def element(x: Array, position: Sizes, stride: Sizes, count: Sizes) -> Array:
    """What every window has at `position`: one strided slice, of `count` windows along each axis."""
    spatial = tuple(
        slice(start, start + (number - 1) * step + 1, step)
        for start, step, number in zip(position, stride, count, strict=True)
    )
    return x[(..., *spatial, slice(None))]
