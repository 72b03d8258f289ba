r"""Max pooling: the largest value in each window.

The derivative is a selection: each window passes on the tangent of its largest element. Which element that is, the
number of its position as one byte, is all that reverse mode keeps; ties go to the first position in row-major order,
as in PyTorch.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from pullback.autodiff.kernels.window import Pairs, Sizes, element, output_sizes, pad, positions
from pullback.autodiff.primitive import Rule, define

# Positions a window may have for its number to fit into one signed byte.
BYTE_POSITIONS = 127


def max_pool(
    x: Float[Array, ...], window: Sizes, stride: Sizes | None = None, padding: Pairs | None = None
) -> Float[Array, ...]:
    r"""\(y[n, c] = \max_i x[n s + i - p, c]\) over the positions \(i\) of the window, with \(-\infty\) outside.

    `x` is `(..., *spatial, channels)`; the stride defaults to the window, the padding to none. A NaN in the window is
    the result.

    Examples
    --------
    >>> max_pool(jnp.array([1.0, 3.0, 2.0, 0.0])[:, None], (2,))[:, 0].tolist()
    [3.0, 2.0]
    """
    stride = window if stride is None else stride
    padding = ((0, 0),) * len(window) if padding is None else padding
    return max_pool_p.bind(x, window=window, stride=stride, padding=padding)[0]


def _max_and_index(x: Array, *, window: Sizes, stride: Sizes, padding: Pairs) -> tuple[Array, Array]:
    count = _count(x, window, stride, padding)
    padded = pad(x, padding, -jnp.inf)
    values = [element(padded, position, stride, count) for position in positions(window)]
    largest = values[0]
    for value in values[1:]:
        largest = jnp.maximum(largest, value)
    dtype = jnp.int8 if len(values) <= BYTE_POSITIONS else jnp.int32
    index = jnp.full(largest.shape, len(values) - 1, dtype)
    for number in reversed(range(len(values) - 1)):
        index = jnp.where(values[number] == largest, jnp.asarray(number, dtype), index)
    return largest, index


def _count(x: Array, window: Sizes, stride: Sizes, padding: Pairs) -> Sizes:
    return output_sizes(x.shape[-1 - len(window) : -1], window, stride, padding, (1,) * len(window))


def _select(
    x: Float[Array, ...], index: Int[Array, ...], *, window: Sizes, stride: Sizes, padding: Pairs, sizes: Sizes
) -> Float[Array, ...]:
    """The element of each window that `index` names."""
    padded = pad(x, padding)
    count = tuple(index.shape[-1 - len(window) : -1])
    chosen = jnp.zeros(index.shape, x.dtype)
    for number, position in enumerate(positions(window)):
        chosen = jnp.where(index == number, element(padded, position, stride, count), chosen)
    return chosen


def _place(
    y: Float[Array, ...], index: Int[Array, ...], *, window: Sizes, stride: Sizes, padding: Pairs, sizes: Sizes
) -> Float[Array, ...]:
    """The transpose of the selection: each value goes back to where it came from, values that meet add up."""
    if window == stride and not any(map(any, padding)):
        return _place_apart(y, index, window, sizes)
    count = tuple(index.shape[-1 - len(window) : -1])
    zero = jnp.zeros((), y.dtype)
    total = zero
    for number, position in enumerate(positions(window)):
        spatial = []
        for axis, start in enumerate(position):
            first = start - padding[axis][0]
            covered = (count[axis] - 1) * stride[axis] + 1
            spatial.append((first, sizes[axis] - first - covered, stride[axis] - 1))
        configuration = [(0, 0, 0)] * (y.ndim - 1 - len(window)) + spatial + [(0, 0, 0)]
        total = total + lax.pad(jnp.where(index == number, y, zero), zero, configuration)
    return total


def _place_apart(y: Array, index: Array, window: Sizes, sizes: Sizes) -> Array:
    """The same for windows that do not meet: each place compares its own number with the index, and nothing adds."""
    leading = y.ndim - 1 - len(window)
    within = tuple(leading + 2 * axis + 1 for axis in range(len(window)))
    numbers = jnp.arange(len(positions(window)), dtype=index.dtype).reshape(window)
    numbers = jnp.expand_dims(numbers, tuple(axis for axis in range(y.ndim + len(window)) if axis not in within))
    chosen = jnp.expand_dims(index, within) == numbers
    placed = jnp.where(chosen, jnp.expand_dims(y, within), jnp.zeros((), y.dtype))
    covered = tuple(number * length for number, length in zip(y.shape[leading:-1], window, strict=True))
    rest = tuple((0, size - part) for size, part in zip(sizes, covered, strict=True))
    return pad(placed.reshape(*y.shape[:leading], *covered, y.shape[-1]), rest)


def _tangent(outputs: tuple, operands: tuple, tangents: tuple, **settings: Any) -> tuple:
    (x,), (x_dot,) = operands, tangents
    sizes = tuple(x.shape[-1 - len(settings["window"]) : -1])
    return select_p.bind(x_dot, outputs[1], sizes=sizes, **settings), None


select_p = define(
    Rule(
        "max_pool_select",
        _select,
        transposes={0: lambda ct, _, index, **settings: place_p.bind(ct, index, **settings)},
        leading=(0, 1),
    )
)
place_p = define(
    Rule(
        "max_pool_place",
        _place,
        transposes={0: lambda ct, _, index, **settings: select_p.bind(ct, index, **settings)},
        leading=(0, 1),
    )
)
max_pool_p = define(Rule("max_pool", _max_and_index, tangent=_tangent, leading=(0,), multiple_results=True))
