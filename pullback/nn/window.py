"""Windows that slide over the spatial axes of `(..., *spatial, channels)`: their settings and checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array

from pullback.autodiff.kernels.window import Pairs, Sizes, output_sizes
from pullback.core.checks import positive_integer
from pullback.core.errors import ConfigurationError, ShapeError
from pullback.nn.inputs import describe


def per_axis(name: str, value: int | Sequence[int], rank: int) -> Sizes:
    """One positive integer for each spatial axis; a single number stands for all of them.

    Examples
    --------
    >>> per_axis("stride", 2, 3), per_axis("stride", (1, 2), 2)
    ((2, 2, 2), (1, 2))
    """
    values = (value,) * rank if isinstance(value, int) else tuple(value)
    if len(values) != rank:
        raise ConfigurationError(
            f"{name} has {len(values)} entries for {rank} spatial axes",
            expected=f"one integer or {rank} of them",
            got=repr(value),
            fix=f"give {name} one entry for each spatial axis",
        )
    return tuple(positive_integer(name, entry) for entry in values)


def padding_pairs(padding: Any, rank: int) -> Pairs:
    """Zeros or more before and after each spatial axis, from an integer, integers, or pairs of them.

    Examples
    --------
    >>> padding_pairs(1, 2), padding_pairs((0, (2, 1)), 2)
    (((1, 1), (1, 1)), ((0, 0), (2, 1)))
    """
    values = (padding,) * rank if isinstance(padding, int) else tuple(padding)
    pairs = tuple((value, value) if isinstance(value, int) else tuple(value) for value in values)
    valid = all(len(pair) == 2 and all(isinstance(end, int) and end >= 0 for end in pair) for pair in pairs)
    if len(pairs) != rank or not valid:
        raise ConfigurationError(
            f"this padding does not fit {rank} spatial axes",
            expected=f"an integer >= 0, or {rank} entries, each an integer or a pair (before, after)",
            got=repr(padding),
            fix="give the padding of each spatial axis",
        )
    return pairs


def check_spatial(
    layer: str, x: Array, rank: int, *, channels: int | None = None, dtype: DTypeLike | None = None
) -> None:
    """`x` is a floating-point array `(..., *spatial, channels)` with `rank` spatial axes."""
    names = ", ".join("depth height width".split()[3 - rank :] if rank > 1 else ["length"])
    expected = f"(..., {names}, {'channels' if channels is None else channels})"
    if x.ndim < rank + 1 or (channels is not None and x.shape[-1] != channels):
        raise ShapeError(
            f"{layer} cannot take this shape",
            expected=expected,
            got=describe(x),
            fix="put the channels last and give the layer their number; a gray image has one channel: x[..., None]",
        )
    wanted = None if dtype is None else jnp.dtype(dtype)
    if x.dtype != wanted if wanted is not None else not jnp.issubdtype(x.dtype, jnp.floating):
        kind = str(wanted) if wanted is not None else "float32"
        raise ShapeError(
            f"{layer} cannot take {x.dtype}",
            expected=f"{expected} {wanted if wanted is not None else 'of a floating-point dtype'}",
            got=describe(x),
            fix=f"convert the input with x.astype('{kind}')",
        )


def check_windows(layer: str, x: Array, window: Sizes, stride: Sizes, padding: Pairs, dilation: Sizes) -> None:
    """At least one window fits into the padded spatial axes of `x`."""
    sizes = tuple(x.shape[-1 - len(window) : -1])
    if min(output_sizes(sizes, window, stride, padding, dilation)) < 1:
        spans = tuple(spacing * (length - 1) + 1 for spacing, length in zip(dilation, window, strict=True))
        raise ShapeError(
            f"the window of {layer} is larger than its padded input",
            expected=f"spatial axes of at least {spans} after padding {padding}",
            got=describe(x),
            fix="take a smaller window or dilation, more padding, or fewer pooling layers before this one",
        )


def pooling_settings(window: Any, stride: Any, padding: Any) -> tuple[Sizes, Sizes, Pairs]:
    """Window, stride and padding of a pooling layer, one entry an axis."""
    if isinstance(window, int) or not 1 <= len(window) <= 3:
        raise ConfigurationError(
            "a pooling window needs one size for each spatial axis",
            expected="one, two or three integers, for example (2, 2)",
            got=repr(window),
            fix="write the window as a tuple",
        )
    rank = len(window)
    window = per_axis("window", window, rank)
    pairs = padding_pairs(padding, rank)
    if any(max(pair) > length // 2 for pair, length in zip(pairs, window, strict=True)):
        raise ConfigurationError(
            "the padding is more than half the window",
            expected=f"at most {tuple(length // 2 for length in window)}",
            got=repr(padding),
            fix="take less padding: a window of nothing but padding has no value",
        )
    return window, per_axis("stride", window if stride is None else stride, rank), pairs
