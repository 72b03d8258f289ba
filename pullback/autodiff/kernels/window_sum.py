"""The sum of each window, without weights."""

from __future__ import annotations

import math

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from pullback.autodiff.kernels.window import Pairs, Sizes, element, output_sizes, pad, positions

# Positions in a window from which it is cheaper to sum one axis after another, with a pass over the data for each.
POSITIONS_AT_ONCE = 9


def window_sum(x: Array, window: Sizes, stride: Sizes, padding: Pairs, dilation: Sizes | None = None) -> Array:
    r"""\(y[n, c] = \sum_i x[n s + i d - p, c]\) over the positions \(i\) of the window, with zeros outside.

    `x` is `(..., *spatial, channels)`, the result `(..., *windows, channels)`.

    Examples
    --------
    >>> window_sum(jnp.array([1.0, 3.0, 2.0, 0.0])[:, None], (2,), (1,), ((1, 0),))[:, 0].tolist()
    [1.0, 4.0, 5.0, 2.0]
    """
    dilation = (1,) * len(window) if dilation is None else dilation
    padded = pad(x, padding)
    if math.prod(window) <= POSITIONS_AT_ONCE:
        return _sum_at_once(padded, window, stride, dilation)
    rank = len(window)
    for axis in range(rank):
        alone = tuple(window[axis] if place == axis else 1 for place in range(rank))
        step = tuple(stride[axis] if place == axis else 1 for place in range(rank))
        padded = _sum_at_once(padded, alone, step, dilation)
    return padded


def _sum_at_once(x: Array, window: Sizes, stride: Sizes, dilation: Sizes) -> Array:
    count = output_sizes(x.shape[-1 - len(window) : -1], window, stride, ((0, 0),) * len(window), dilation)
    total = jnp.zeros((), x.dtype)
    for position in positions(window):
        start = tuple(place * spacing for place, spacing in zip(position, dilation, strict=True))
        total = total + element(x, start, stride, count)
    return total


def spread_sum(y: Array, window: Sizes, sizes: Sizes) -> Array:
    r"""The transpose for windows that neither meet nor leave the image: \(\bar x[n s + i, c] = \bar y[n, c]\).

    Examples
    --------
    >>> spread_sum(jnp.array([[1.0], [4.0]]), (2,), (5,))[:, 0].tolist()
    [1.0, 1.0, 4.0, 4.0, 0.0]
    """
    leading = y.ndim - 1 - len(window)
    count = y.shape[leading:-1]
    split = [size for pair in zip(count, window, strict=True) for size in pair]
    kept = [*range(leading), *(leading + 2 * axis for axis in range(len(window))), leading + 2 * len(window)]
    repeated = lax.broadcast_in_dim(y, (*y.shape[:leading], *split, y.shape[-1]), kept)
    covered = [number * length for number, length in zip(count, window, strict=True)]
    rest = tuple((0, size - part) for size, part in zip(sizes, covered, strict=True))
    return pad(repeated.reshape(*y.shape[:leading], *covered, y.shape[-1]), rest)
