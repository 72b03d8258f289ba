"""The multilayer perceptron."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array

from pullback.core.checks import positive_integer
from pullback.models.sizes import positive_integers
from pullback.nn.activation import Activation
from pullback.nn.batch_norm import BatchNorm
from pullback.nn.dropout import Dropout
from pullback.nn.flatten import Flatten
from pullback.nn.linear import Linear
from pullback.nn.sequential import call_in_order


class MultilayerPerceptron(eqx.Module):
    r"""\(h_0 = x,\; h_i = \phi(W_i h_{i-1} + b_i),\; y = W_n h_{n-1} + b_n\).

    Each hidden layer is linear, then batch normalization if asked for (the linear map then has no bias, which the
    normalization would subtract again), the activation, and dropout if its rate is above zero. The output is raw:
    logits for a classification loss.

    Parameters
    ----------
    in_shape : shape of one example; all its axes are flattened.
    out_features : width of the output.
    hidden : widths of the hidden layers; `()` gives a linear model.
    activation : name of \(\phi\).
    dropout : rate after each hidden layer, in [0, 1).
    batch_norm : whether hidden layers are normalized; the model then has memory.

    Call
    ----
    `y = model(x)`, with `x` of shape `(..., *in_shape)`; with batch normalization `y, state = model(x, state)`.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> model = MultilayerPerceptron((8, 8, 1), 10, hidden=(32,), key=jax.random.key(0))
    >>> model(jnp.zeros((5, 8, 8, 1))).shape
    (5, 10)

    Source: Rumelhart, Hinton, Williams, Nature 323, 1986.
    """

    layers: tuple[eqx.Module, ...]
    in_shape: tuple[int, ...] = eqx.field(static=True)
    out_features: int = eqx.field(static=True)
    hidden: tuple[int, ...] = eqx.field(static=True)
    activation: str = eqx.field(static=True)
    dropout: float = eqx.field(static=True)
    batch_norm: bool = eqx.field(static=True)

    def __init__(
        self,
        in_shape: int | Sequence[int],
        out_features: int,
        *,
        hidden: Sequence[int] = (128, 128),
        activation: str = "relu",
        dropout: float = 0.0,
        batch_norm: bool = False,
        key: Array,
    ) -> None:
        self.in_shape = positive_integers("in_shape", (in_shape,) if isinstance(in_shape, int) else in_shape)
        self.out_features = positive_integer("out_features", out_features)
        self.hidden = positive_integers("hidden", hidden)
        self.activation = activation
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.layers = tuple(self._layers(key))

    def _layers(self, key: Array) -> list[eqx.Module]:
        layers: list[eqx.Module] = [Flatten(-len(self.in_shape))] if len(self.in_shape) > 1 else []
        width = math.prod(self.in_shape)
        *hidden_keys, head_key = jax.random.split(key, len(self.hidden) + 1)
        for out_width, layer_key in zip(self.hidden, hidden_keys, strict=True):
            layers.append(Linear(width, out_width, use_bias=not self.batch_norm, key=layer_key))
            layers += [BatchNorm(out_width)] if self.batch_norm else []
            layers.append(Activation(self.activation))
            layers += [Dropout(self.dropout)] if self.dropout else []
            width = out_width
        return [*layers, Linear(width, self.out_features, key=head_key)]

    def __call__(
        self, x: Array, state: dict[str, Any] | None = None, *, key: Array | None = None, training: bool = False
    ) -> Any:
        return call_in_order(self.layers, x, state, key=key, training=training)
