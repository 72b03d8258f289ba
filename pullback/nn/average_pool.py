r"""Average pooling: the mean of each window."""

from __future__ import annotations

import math
from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.autodiff.kernels.window import Pairs, Sizes
from pullback.autodiff.kernels.window_sum import window_sum
from pullback.nn.window import check_spatial, check_windows, pooling_settings


def average_pool(
    x: Float[Array, ...],
    window: Sizes,
    stride: Sizes | None = None,
    padding: Pairs | None = None,
    *,
    count_padding: bool = True,
) -> Float[Array, ...]:
    r"""\(y[n, c] = \frac{1}{|N|} \sum_i x[n s + i - p, c]\), with zeros outside.

    `x` is `(..., *spatial, channels)`. \(|N|\) is the size of the window, or without `count_padding` the number of its
    positions that lie inside `x`.

    Examples
    --------
    >>> average_pool(jnp.array([1.0, 3.0, 2.0, 0.0])[:, None], (2,))[:, 0].tolist()
    [2.0, 1.0]
    """
    stride = window if stride is None else stride
    padding = ((0, 0),) * len(window) if padding is None else padding
    if window == stride and not any(map(any, padding)):
        return _block_means(x, window)
    total = window_sum(x, window, stride, padding)
    if count_padding or not any(map(any, padding)):
        return total / jnp.asarray(math.prod(window), x.dtype)
    inside = jnp.ones((*x.shape[-1 - len(window) : -1], 1), x.dtype)
    return total / window_sum(inside, window, stride, padding)


def _block_means(x: Array, window: Sizes) -> Array:
    """Windows that do not meet are an axis of their own; its mean spreads evenly in reverse, with nothing to add."""
    leading = x.ndim - 1 - len(window)
    count = tuple(size // length for size, length in zip(x.shape[leading:-1], window, strict=True))
    covered = tuple(slice(0, number * length) for number, length in zip(count, window, strict=True))
    split = [size for pair in zip(count, window, strict=True) for size in pair]
    blocks = x[(..., *covered, slice(None))].reshape(*x.shape[:leading], *split, x.shape[-1])
    return jnp.mean(blocks, axis=tuple(leading + 2 * axis + 1 for axis in range(len(window))))


class AveragePool(eqx.Module):
    r"""Mean of each window, channel by channel.

    Parameters
    ----------
    window : size along each spatial axis; its length is the number of spatial axes (one, two or three).
    stride : distance of neighboring windows, one integer or one an axis; the window's size by default.
    padding : of zeros, one integer, one an axis, or a pair (before, after) an axis; at most half the window.
    count_padding : whether the padding counts in the mean, PyTorch's `count_include_pad` and its default; Keras and
        TensorFlow do not count it.

    Call
    ----
    `layer(x)`, `x` of shape `(..., *spatial, channels)` gives `(..., *windows, channels)` with
    \(\lfloor (n + p - k)/s \rfloor + 1\) windows along an axis: what does not fill a window is left out, as in PyTorch.

    Examples
    --------
    >>> AveragePool((2, 2))(jnp.arange(16.0).reshape(1, 4, 4, 1))[0, :, :, 0].tolist()
    [[2.5, 4.5], [10.5, 12.5]]
    """

    window: Sizes = eqx.field(static=True)
    stride: Sizes = eqx.field(static=True)
    padding: Pairs = eqx.field(static=True)
    count_padding: bool = eqx.field(static=True)

    def __init__(
        self,
        window: Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int | tuple[int, int]] = 0,
        *,
        count_padding: bool = True,
    ) -> None:
        self.window, self.stride, self.padding = pooling_settings(window, stride, padding)
        self.count_padding = count_padding

    def __call__(self, x: Array, *, key: Array | None = None, training: bool = False) -> Array:
        check_spatial("AveragePool", x, len(self.window))
        check_windows("AveragePool", x, self.window, self.stride, self.padding, (1,) * len(self.window))
        return average_pool(x, self.window, self.stride, self.padding, count_padding=self.count_padding)
