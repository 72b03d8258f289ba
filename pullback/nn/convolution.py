r"""Convolution layers over one, two and three spatial axes, one implementation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from pullback.autodiff.kernels.convolve import convolve
from pullback.autodiff.kernels.window import Pairs, Sizes
from pullback.core.checks import positive_integer
from pullback.core.errors import ConfigurationError, ShapeError, unknown_name
from pullback.nn.initializers import Initializer, fan_in_uniform, uniform
from pullback.nn.inputs import describe
from pullback.nn.window import check_spatial, check_windows, padding_pairs, per_axis

Padding = int | Sequence[int | tuple[int, int]] | str

# Our names, which are PyTorch's, and those of `jax.numpy.pad`.
PADDING_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def convolution(
    x: Float[Array, "*batch in_channels"],
    kernel: Float[Array, "*window in_channels_per_group out_channels"],
    bias: Float[Array, " out_channels"] | None = None,
    *,
    stride: Sizes,
    padding: Pairs,
    dilation: Sizes,
    groups: int = 1,
    padding_mode: str = "zeros",
    flip: bool = False,
) -> Float[Array, "*windows out_channels"]:
    r"""\(y[n, o] = b_o + \sum_{i, c} x[n s + i d - p, c]\, k[i, c, o]\); `flip` reverses \(k\) along its window."""
    rank = len(stride)
    if flip:
        kernel = jnp.flip(kernel, tuple(range(rank)))
    if padding_mode != "zeros" and any(map(any, padding)):
        widths = ((0, 0),) * (x.ndim - 1 - rank) + padding + ((0, 0),)
        x = jnp.pad(x, widths, mode=PADDING_MODES[padding_mode])
        padding = ((0, 0),) * rank
    y = convolve(x, kernel, stride=stride, padding=padding, dilation=dilation, groups=groups)
    return y if bias is None else y + bias


class Convolution(eqx.Module):
    r"""What `Conv1d`, `Conv2d` and `Conv3d` share; they differ in the number of spatial axes alone.

    Parameters
    ----------
    in_channels, out_channels : channels of the input and of the output.
    kernel_size : size of the window, one integer or one an axis.
    stride, dilation : distance of neighboring windows, and of neighboring positions inside a window.
    padding : an integer, one an axis, a pair (before, after) an axis; `"valid"`: none; `"same"`: as many windows as
        positions, the odd one after (stride 1 only, as in PyTorch); `"causal"`: all of it before, so that no output
        sees a later input (one spatial axis).
    padding_mode : what stands outside: `"zeros"`, `"reflect"` (without the edge), `"replicate"` (the edge),
        `"circular"`.
    groups : number of groups of channels that do not see each other.
    use_bias : whether there is a \(b\).
    flip : reverse the kernel. The default is cross-correlation, which PyTorch, JAX and Keras call convolution; with
        `flip` it is the convolution of mathematics and of `scipy.signal.convolve`.
    kernel_initializer : how the kernel starts; by default \(U(-1/\sqrt f, 1/\sqrt f)\) with the fan-in \(f\), PyTorch's
        choice. The bias always starts from that law.
    dtype : of the parameters and of the input.
    key : random key of the starting values.

    Call
    ----
    `layer(x)`: `x` of shape `(..., *spatial, in_channels)` gives `(..., *windows, out_channels)`. The kernel has shape
    `(*kernel_size, in_channels // groups, out_channels)`; PyTorch's is the same with the last two axes first, reversed.
    """

    rank: ClassVar[int]

    kernel: Float[Array, "*window in_channels_per_group out_channels"]
    bias: Float[Array, " out_channels"] | None
    stride: Sizes = eqx.field(static=True)
    padding: Pairs = eqx.field(static=True)
    dilation: Sizes = eqx.field(static=True)
    groups: int = eqx.field(static=True)
    padding_mode: str = eqx.field(static=True)
    flip: bool = eqx.field(static=True)

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        *,
        stride: int | Sequence[int] = 1,
        padding: Padding = 0,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        padding_mode: str = "zeros",
        use_bias: bool = True,
        flip: bool = False,
        kernel_initializer: Initializer = fan_in_uniform,
        dtype: DTypeLike = jnp.float32,
        key: Array,
    ) -> None:
        window = per_axis("kernel_size", kernel_size, self.rank)
        self.stride = per_axis("stride", stride, self.rank)
        self.dilation = per_axis("dilation", dilation, self.rank)
        self.padding = _padding(padding, window, self.stride, self.dilation)
        self.groups = _groups(groups, in_channels, out_channels)
        if padding_mode not in PADDING_MODES:
            raise unknown_name("padding mode", padding_mode, PADDING_MODES)
        self.padding_mode = padding_mode
        self.flip = flip
        kernel_key, bias_key = jax.random.split(key)
        shape = (*window, in_channels // groups, out_channels)
        self.kernel = kernel_initializer(kernel_key, shape, dtype, layout="kernel_in_out")
        bound = 1.0 / math.sqrt(math.prod(shape[:-1]))
        self.bias = uniform(bias_key, (out_channels,), dtype, bound=bound) if use_bias else None

    def __call__(self, x: Array, *, key: Array | None = None, training: bool = False) -> Array:
        in_channels, window = self.kernel.shape[-2] * self.groups, tuple(self.kernel.shape[:-2])
        name = f"{type(self).__name__}({in_channels}, {self.kernel.shape[-1]})"
        check_spatial(name, x, self.rank, channels=in_channels, dtype=self.kernel.dtype)
        check_windows(name, x, window, self.stride, self.padding, self.dilation)
        _check_wrap(name, x, self.padding, self.padding_mode)
        return convolution(
            x,
            self.kernel,
            self.bias,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
            padding_mode=self.padding_mode,
            flip=self.flip,
        )


class Conv1d(Convolution):
    """Convolution of `(..., length, in_channels)`; the arguments are those of `Convolution`.

    Examples
    --------
    >>> layer = Conv1d(2, 4, 3, padding="causal", key=jax.random.key(0))
    >>> layer(jnp.ones((5, 10, 2))).shape, layer.kernel.shape
    ((5, 10, 4), (3, 2, 4))
    """

    rank: ClassVar[int] = 1
    # Said here because a type checker would make a constructor out of the fields otherwise.
    __init__ = Convolution.__init__


class Conv2d(Convolution):
    """Convolution of `(..., height, width, in_channels)`; the arguments are those of `Convolution`.

    Examples
    --------
    >>> layer = Conv2d(1, 8, 3, stride=2, padding=1, key=jax.random.key(0))
    >>> layer(jnp.ones((5, 28, 28, 1))).shape, layer.kernel.shape
    ((5, 14, 14, 8), (3, 3, 1, 8))
    """

    rank: ClassVar[int] = 2
    # Said here because a type checker would make a constructor out of the fields otherwise.
    __init__ = Convolution.__init__


class Conv3d(Convolution):
    """Convolution of `(..., depth, height, width, in_channels)`; the arguments are those of `Convolution`.

    Examples
    --------
    >>> Conv3d(1, 4, 3, padding="same", key=jax.random.key(0))(jnp.ones((2, 4, 8, 8, 1))).shape
    (2, 4, 8, 8, 4)
    """

    rank: ClassVar[int] = 3
    # Said here because a type checker would make a constructor out of the fields otherwise.
    __init__ = Convolution.__init__


def _padding(padding: Padding, window: Sizes, stride: Sizes, dilation: Sizes) -> Pairs:
    if not isinstance(padding, str):
        return padding_pairs(padding, len(window))
    reach = tuple(spacing * (length - 1) for spacing, length in zip(dilation, window, strict=True))
    rules = {
        "valid": tuple((0, 0) for _ in reach),
        "same": tuple((span // 2, span - span // 2) for span in reach),
        "causal": tuple((span, 0) for span in reach),
    }
    if padding not in rules:
        raise unknown_name("padding", padding, rules)
    if padding == "same" and any(step != 1 for step in stride):
        raise ConfigurationError(
            "padding 'same' has no single meaning with a stride",
            expected="stride 1, or the padding as numbers",
            got=f"padding='same', stride={stride}",
            fix=f"for an odd window, padding={tuple(span // 2 for span in reach)} halves the image with stride 2",
        )
    if padding == "causal" and len(window) > 1:
        raise ConfigurationError(
            "padding 'causal' needs one axis that is time",
            expected="Conv1d",
            got=f"{len(window)} spatial axes",
            fix=f"give the pairs: padding={(rules['causal'][0], *rules['same'][1:])} is causal along the first axis",
        )
    return rules[padding]


def _groups(groups: int, in_channels: int, out_channels: int) -> int:
    positive_integer("in_channels", in_channels)
    positive_integer("out_channels", out_channels)
    positive_integer("groups", groups)
    if in_channels % groups or out_channels % groups:
        raise ConfigurationError(
            "the groups do not divide the channels",
            expected=f"in_channels and out_channels divisible by groups={groups}",
            got=f"in_channels={in_channels}, out_channels={out_channels}",
            fix="choose channels that are multiples of groups",
        )
    return groups


def _check_wrap(name: str, x: Array, padding: Pairs, padding_mode: str) -> None:
    """A reflection or a circle cannot reach further than the image itself."""
    room = {"reflect": -1, "circular": 0}.get(padding_mode)
    sizes = x.shape[-1 - len(padding) : -1]
    if room is not None and any(max(pair) > size + room for pair, size in zip(padding, sizes, strict=True)):
        raise ShapeError(
            f"{name} with padding_mode='{padding_mode}' pads more than the image holds",
            expected=f"spatial axes of at least {tuple(max(pair) - room for pair in padding)}",
            got=describe(x),
            fix="take less padding, or padding_mode='replicate'",
        )
