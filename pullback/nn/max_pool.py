r"""Max pooling: the largest value in each window, as a layer."""

from __future__ import annotations

from collections.abc import Sequence

import equinox as eqx
from jaxtyping import Array

from pullback.autodiff.kernels.max_pool import max_pool
from pullback.autodiff.kernels.window import Pairs, Sizes
from pullback.nn.window import check_spatial, check_windows, pooling_settings


class MaxPool(eqx.Module):
    r"""Largest value in each window, channel by channel.

    Parameters
    ----------
    window : size along each spatial axis; its length is the number of spatial axes (one, two or three).
    stride : distance of neighboring windows, one integer or one an axis; the window's size by default.
    padding : of minus infinity, one integer, one an axis, or a pair (before, after) an axis; at most half the window.

    Call
    ----
    `layer(x)`, `x` of shape `(..., *spatial, channels)` gives `(..., *windows, channels)` with
    \(\lfloor (n + p - k)/s \rfloor + 1\) windows along an axis: what does not fill a window is left out, as in PyTorch.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> MaxPool((2, 2))(jnp.arange(16.0).reshape(1, 4, 4, 1))[0, :, :, 0].tolist()
    [[5.0, 7.0], [13.0, 15.0]]
    """

    window: Sizes = eqx.field(static=True)
    stride: Sizes = eqx.field(static=True)
    padding: Pairs = eqx.field(static=True)

    def __init__(
        self,
        window: Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int | tuple[int, int]] = 0,
    ) -> None:
        self.window, self.stride, self.padding = pooling_settings(window, stride, padding)

    def __call__(self, x: Array, *, key: Array | None = None, training: bool = False) -> Array:
        check_spatial("MaxPool", x, len(self.window))
        check_windows("MaxPool", x, self.window, self.stride, self.padding, (1,) * len(self.window))
        return max_pool(x, self.window, self.stride, self.padding)
