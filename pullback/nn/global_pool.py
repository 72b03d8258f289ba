r"""Global pooling: one number a channel from a whole image."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.core.checks import positive_integer
from pullback.nn.window import check_spatial


def global_average_pool(x: Float[Array, ...], spatial_axes: int = 2) -> Float[Array, ...]:
    r"""\(y_c = \frac{1}{|N|} \sum_n x[n, c]\) over the axes \(n\) before the channels.

    Examples
    --------
    >>> global_average_pool(jnp.arange(8.0).reshape(2, 2, 2)).tolist()
    [3.0, 4.0]
    """
    return jnp.mean(x, axis=tuple(range(-1 - spatial_axes, -1)))


def global_max_pool(x: Float[Array, ...], spatial_axes: int = 2) -> Float[Array, ...]:
    r"""\(y_c = \max_n x[n, c]\) over the axes \(n\) before the channels.

    Examples
    --------
    >>> global_max_pool(jnp.arange(8.0).reshape(2, 2, 2)).tolist()
    [6.0, 7.0]
    """
    return jnp.max(x, axis=tuple(range(-1 - spatial_axes, -1)))


class GlobalAveragePool(eqx.Module):
    r"""Mean over all spatial axes, \(y_c = \frac{1}{|N|} \sum_n x[n, c]\).

    Parameters
    ----------
    spatial_axes : how many axes before the channels are averaged over.

    Call
    ----
    `layer(x)`: `x` of shape `(..., *spatial, channels)` gives `(..., channels)`.

    Examples
    --------
    >>> GlobalAveragePool()(jnp.arange(8.0).reshape(1, 2, 2, 2)).tolist()
    [[3.0, 4.0]]
    """

    spatial_axes: int = eqx.field(static=True)

    def __init__(self, spatial_axes: int = 2) -> None:
        self.spatial_axes = positive_integer("spatial_axes", spatial_axes)

    def __call__(self, x: Array, *, key: Array | None = None, training: bool = False) -> Array:
        check_spatial("GlobalAveragePool", x, self.spatial_axes)
        return global_average_pool(x, self.spatial_axes)


class GlobalMaxPool(eqx.Module):
    r"""Maximum over all spatial axes, \(y_c = \max_n x[n, c]\).

    Equal maxima share the gradient, as in PyTorch's `amax`.

    Parameters
    ----------
    spatial_axes : how many axes before the channels the maximum is taken over.

    Call
    ----
    `layer(x)`: `x` of shape `(..., *spatial, channels)` gives `(..., channels)`.

    Examples
    --------
    >>> GlobalMaxPool()(jnp.arange(8.0).reshape(1, 2, 2, 2)).tolist()
    [[6.0, 7.0]]
    """

    spatial_axes: int = eqx.field(static=True)

    def __init__(self, spatial_axes: int = 2) -> None:
        self.spatial_axes = positive_integer("spatial_axes", spatial_axes)

    def __call__(self, x: Array, *, key: Array | None = None, training: bool = False) -> Array:
        check_spatial("GlobalMaxPool", x, self.spatial_axes)
        return global_max_pool(x, self.spatial_axes)
