"""Affine maps."""

from __future__ import annotations

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from pullback.core.checks import positive_integer
from pullback.nn.initializers import Initializer, fan_in_uniform, uniform
from pullback.nn.inputs import check_features


def linear(
    x: Float[Array, "*batch in_features"],
    weight: Float[Array, "out_features in_features"],
    bias: Float[Array, " out_features"] | None = None,
) -> Float[Array, "*batch out_features"]:
    r"""\(y = x W^\top + b\)."""
    y = x @ weight.T
    return y if bias is None else y + bias


class Linear(eqx.Module):
    r"""Affine map \(y = x W^\top + b\) of the last axis.

    Parameters
    ----------
    in_features, out_features : width of the input and of the output.
    use_bias : whether there is a \(b\).
    weight_initializer : how the weight starts; by default \(U(-1/\sqrt{n}, 1/\sqrt{n})\), \(n\) = `in_features`,
        PyTorch's choice. The bias always starts from that law.
    dtype : of the parameters and of the input.
    key : random key of the starting values.

    Call
    ----
    `layer(x)`: `x` of shape `(..., in_features)` gives `(..., out_features)`; any other shape or dtype is a
    `ShapeError`. The weight has shape `(out_features, in_features)`, as in PyTorch.

    Examples
    --------
    >>> layer = Linear(3, 2, key=jax.random.key(0))
    >>> layer(jnp.ones((5, 3))).shape, layer.weight.shape
    ((5, 2), (2, 3))
    """

    weight: Float[Array, "out_features in_features"]
    bias: Float[Array, " out_features"] | None
    in_features: int = eqx.field(static=True)
    out_features: int = eqx.field(static=True)

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        use_bias: bool = True,
        weight_initializer: Initializer = fan_in_uniform,
        dtype: DTypeLike = jnp.float32,
        key: Array,
    ) -> None:
        self.in_features = positive_integer("in_features", in_features)
        self.out_features = positive_integer("out_features", out_features)
        weight_key, bias_key = jax.random.split(key)
        self.weight = weight_initializer(weight_key, (out_features, in_features), dtype, layout="out_in")
        bound = 1.0 / math.sqrt(in_features)
        self.bias = uniform(bias_key, (out_features,), dtype, bound=bound) if use_bias else None

    def __call__(self, x: Array, *, key: Array | None = None, training: bool = False) -> Array:
        check_features(f"Linear({self.in_features}, {self.out_features})", x, self.in_features, self.weight.dtype)
        return linear(x, self.weight, self.bias)
