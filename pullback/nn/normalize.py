r"""Normalization: subtract the mean, divide by the standard deviation, over any axes.

Batch and layer normalization are this kernel over different axes. With weights \(p_i = w_i / \sum_j w_j\) (all equal
without weights), \(\mu = \sum_i p_i x_i\), \(\sigma^2 = \sum_i p_i (x_i - \mu)^2\),
\(r = 1/\sqrt{\sigma^2 + \epsilon}\) and \(\hat x = (x - \mu) r\), the derivative is the linear map

\[ \dot{\hat x} = r \Big(\dot x - \sum_i p_i \dot x_i - \hat x \sum_i p_i \hat x_i \dot x_i\Big), \qquad
   \bar x = r \Big(\bar y - p \sum_i \bar y_i - p\, \hat x \sum_i \hat x_i \bar y_i\Big), \]

a projection off the constants and off \(\hat x\), and its transpose. Both keep \(x\), \(\mu\) and \(r\) and nothing of
the size of \(x\) beside.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from pullback.autodiff.kernels.window import Sizes
from pullback.autodiff.primitive import Rule, define


def normalize(
    x: Float[Array, ...], axes: Sequence[int], epsilon: float = 1e-5, weights: Float[Array, ...] | None = None
) -> tuple[Float[Array, ...], Float[Array, ...], Float[Array, ...]]:
    r"""\(\hat x = (x - \mu)/\sqrt{\sigma^2 + \epsilon}\), mean \(\mu\) and biased variance \(\sigma^2\) over `axes`.

    Returns \(\hat x, \mu, \sigma^2\); mean and variance keep the reduced axes with size one, and are float32 for
    half-precision `x`. `weights`, of the rank of `x` and broadcast against it, weigh the elements: one of weight zero
    counts for nothing in the statistics, and they pass nothing on to it in reverse. Some weight must not be zero.

    Examples
    --------
    >>> x_hat, mean, variance = normalize(jnp.array([[1.0, 1.0, 5.0, 5.0]]), (-1,), epsilon=0.0)
    >>> print(mean, variance, x_hat)
    [[3.]] [[4.]] [[-1. -1.  1.  1.]]
    """
    counted = tuple(sorted(axis - x.ndim if axis >= 0 else axis for axis in axes))
    operands = (x,) if weights is None else (x, weights)
    x_hat, mean, variance = normalize_p.bind(*operands, axes=counted, epsilon=epsilon)
    return x_hat, mean, variance


def statistics_dtype(dtype: DTypeLike) -> Any:
    """Single precision for the half-precision kinds, whose sums lose too much; else `dtype` itself."""
    return jnp.dtype(jnp.float32) if jnp.finfo(dtype).bits < 32 else jnp.dtype(dtype)


def _wide(x: Array) -> Array:
    return x.astype(statistics_dtype(x.dtype))


def _total(x: Array, axes: Sizes) -> Array:
    return jnp.sum(x, axis=axes, keepdims=True)


def _shares(x: Array, weights: Array | None, axes: Sizes) -> Array:
    r"""\(p_i\), of a shape that broadcasts against `x`; an axis of size one stands for as many as `x` has."""
    dtype = _wide(x).dtype
    if weights is None:
        return jnp.asarray(1.0 / math.prod(x.shape[axis] for axis in axes), dtype)
    repeats = math.prod(x.shape[axis] for axis in axes if weights.shape[axis] == 1)
    weights = _wide(weights)
    return weights / (_total(weights, axes) * jnp.asarray(repeats, weights.dtype))


def _normalize(x: Array, weights: Array | None = None, *, axes: Sizes, epsilon: float) -> tuple[Array, Array, Array]:
    mean, variance = _moments(x, weights, axes)
    x_hat = (_wide(x) - mean) * _inverse_deviation(variance, epsilon)
    return x_hat.astype(x.dtype), mean, variance


def _moments(x: Array, weights: Array | None, axes: Sizes) -> tuple[Array, Array]:
    share, wide = _shares(x, weights, axes), _wide(x)
    mean = _total(wide * share, axes)
    # Two passes: the mean of squares less the square of the mean loses all digits where the mean is large.
    return mean, _total(jnp.square(wide - mean) * share, axes)


def _inverse_deviation(variance: Array, epsilon: float) -> Array:
    return lax.rsqrt(variance + jnp.asarray(epsilon, variance.dtype))


def _project(x_dot: Array, x: Array, mean: Array, scale: Array, weights: Array | None = None, *, axes: Sizes) -> Array:
    r"""\(\dot{\hat x}\), where `scale` is \(r\)."""
    share, centered, wide = _shares(x, weights, axes), _wide(x) - mean, _wide(x_dot)
    along = _total(wide * centered * share, axes) * jnp.square(scale)
    return (scale * (wide - _total(wide * share, axes) - centered * along)).astype(x_dot.dtype)


def _project_back(y: Array, x: Array, mean: Array, scale: Array, weights: Array | None = None, *, axes: Sizes) -> Array:
    r"""\(\bar x\), the transpose of `_project`."""
    share, centered, wide = _shares(x, weights, axes), _wide(x) - mean, _wide(y)
    along = _total(wide * centered, axes) * jnp.square(scale)
    return (scale * (wide - share * (_total(wide, axes) + centered * along))).astype(y.dtype)


def _tangent(outputs: tuple, operands: tuple, tangents: tuple, *, axes: Sizes, epsilon: float) -> tuple:
    _, mean, variance = outputs
    scale = _inverse_deviation(variance, epsilon)
    x, *known = operands
    weights = known[0] if known else None
    changes = []
    if tangents[0] is not None:
        x_dot, share = _wide(tangents[0]), _shares(x, weights, axes)
        mean_dot = _total(x_dot * share, axes)
        variance_dot = 2 * _total(x_dot * (_wide(x) - mean) * share, axes)
        changes.append((project_p.bind(tangents[0], x, mean, scale, *known, axes=axes), mean_dot, variance_dot))
    if weights is not None and tangents[1] is not None:
        changes.append(_change_with_weights(x, mean, scale, weights, tangents[1], axes))
    return tuple(sum(terms[1:], terms[0]) for terms in zip(*changes, strict=True))


def _change_with_weights(
    x: Array, mean: Array, scale: Array, weights: Array, weights_dot: Array, axes: Sizes
) -> tuple[Array, Array, Array]:
    """Tangents of the outputs where it is the weights that move."""
    _, (mean_dot, variance_dot) = jax.jvp(lambda weights: _moments(x, weights, axes), (weights,), (weights_dot,))
    along = jnp.square(scale) * variance_dot / 2
    return (-scale * (mean_dot + (_wide(x) - mean) * along)).astype(x.dtype), mean_dot, variance_dot


project_p = define(
    Rule(
        "normalize_project",
        _project,
        transposes={0: lambda y, _, *known, **settings: project_back_p.bind(y, *known, **settings)},
        leading=(0, 1, 2, 3, 4),
    )
)
project_back_p = define(
    Rule(
        "normalize_project_back",
        _project_back,
        transposes={0: lambda x_bar, _, *known, **settings: project_p.bind(x_bar, *known, **settings)},
        leading=(0, 1, 2, 3, 4),
    )
)
normalize_p = define(Rule("normalize", _normalize, tangent=_tangent, leading=(0, 1), multiple_results=True))
