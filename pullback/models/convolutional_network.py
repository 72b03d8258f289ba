"""A small convolutional network for images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array

from pullback.core.checks import positive_integer
from pullback.core.errors import ConfigurationError
from pullback.models.sizes import positive_integers
from pullback.nn.activation import Activation
from pullback.nn.batch_norm import BatchNorm
from pullback.nn.convolution import Conv2d
from pullback.nn.dropout import Dropout
from pullback.nn.flatten import Flatten
from pullback.nn.linear import Linear
from pullback.nn.max_pool import MaxPool
from pullback.nn.sequential import call_in_order


class ConvolutionalNetwork(eqx.Module):
    r"""Blocks of convolution, relu and 2x2 max pooling, then hidden layers and a linear head.

    A block keeps height and width in its convolution (zero padding) and halves them, rounded down, in its pooling.
    After the last block the image is flattened. With batch normalization each convolution and each hidden layer is
    normalized before its relu and has no bias, which the normalization would subtract again.

    Parameters
    ----------
    in_shape : height, width and channels of an image.
    num_classes : width of the output.
    channels : channels after each block.
    kernel_size : odd size of the square window.
    hidden : widths of the hidden layers.
    dropout : rate after each hidden layer, in [0, 1).
    batch_norm : whether there is batch normalization; the model then has memory.

    Call
    ----
    `y = model(x)`, `x` of shape `(..., height, width, channels)`, gives `(..., num_classes)` logits; with batch
    normalization `y, state = model(x, state)`.

    Errors
    ------
    `ConfigurationError` if the image is too small for so many blocks or the window has an even size.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> model = ConvolutionalNetwork((8, 8, 1), 10, channels=(4, 8), hidden=(16,), key=jax.random.key(0))
    >>> model(jnp.zeros((5, 8, 8, 1))).shape
    (5, 10)

    Source: LeCun, Bottou, Bengio, Haffner, Proceedings of the IEEE 86, 1998.
    """

    layers: tuple[eqx.Module, ...]
    in_shape: tuple[int, int, int] = eqx.field(static=True)
    num_classes: int = eqx.field(static=True)
    channels: tuple[int, ...] = eqx.field(static=True)
    kernel_size: int = eqx.field(static=True)
    hidden: tuple[int, ...] = eqx.field(static=True)
    dropout: float = eqx.field(static=True)
    batch_norm: bool = eqx.field(static=True)

    def __init__(
        self,
        in_shape: Sequence[int] = (8, 8, 1),
        num_classes: int = 10,
        *,
        channels: Sequence[int] = (32, 64),
        kernel_size: int = 3,
        hidden: Sequence[int] = (128,),
        dropout: float = 0.0,
        batch_norm: bool = False,
        key: Array,
    ) -> None:
        self.channels = positive_integers("channels", channels)
        self.in_shape = _image_shape(in_shape, len(self.channels))
        self.num_classes = positive_integer("num_classes", num_classes)
        self.kernel_size = _odd(kernel_size)
        self.hidden = positive_integers("hidden", hidden)
        self.dropout = dropout
        self.batch_norm = batch_norm
        blocks_key, dense_key = jax.random.split(key)
        self.layers = (*self._blocks(blocks_key), Flatten(-3), *self._dense(dense_key))

    def _blocks(self, key: Array) -> list[eqx.Module]:
        layers: list[eqx.Module] = []
        inputs = self.in_shape[2]
        for outputs, layer_key in zip(self.channels, jax.random.split(key, len(self.channels)), strict=True):
            layers.append(
                Conv2d(
                    inputs,
                    outputs,
                    self.kernel_size,
                    padding="same",
                    use_bias=not self.batch_norm,
                    key=layer_key,
                )
            )
            layers += [BatchNorm(outputs)] if self.batch_norm else []
            layers += [Activation("relu"), MaxPool((2, 2))]
            inputs = outputs
        return layers

    def _dense(self, key: Array) -> list[eqx.Module]:
        layers: list[eqx.Module] = []
        height, width, image_channels = self.in_shape
        halvings = 2 ** len(self.channels)
        inputs = math.prod((height // halvings, width // halvings, (image_channels, *self.channels)[-1]))
        *hidden_keys, head_key = jax.random.split(key, len(self.hidden) + 1)
        for outputs, layer_key in zip(self.hidden, hidden_keys, strict=True):
            layers.append(Linear(inputs, outputs, use_bias=not self.batch_norm, key=layer_key))
            layers += [BatchNorm(outputs)] if self.batch_norm else []
            layers.append(Activation("relu"))
            layers += [Dropout(self.dropout)] if self.dropout else []
            inputs = outputs
        return [*layers, Linear(inputs, self.num_classes, key=head_key)]

    def __call__(
        self, x: Array, state: dict[str, Any] | None = None, *, key: Array | None = None, training: bool = False
    ) -> Any:
        return call_in_order(self.layers, x, state, key=key, training=training)


def _image_shape(in_shape: Sequence[int], blocks: int) -> tuple[int, int, int]:
    sizes = positive_integers("in_shape", in_shape)
    if len(sizes) != 3:
        raise ConfigurationError(
            "in_shape of a convolutional network has three entries",
            expected="(height, width, channels)",
            got=sizes,
            fix="add the channel axis; a gray image has one channel",
        )
    if min(sizes[:2]) < 2**blocks:
        raise ConfigurationError(
            f"{blocks} poolings leave nothing of an image of {sizes[0]} by {sizes[1]}",
            expected=f"height and width of at least {2**blocks}",
            got=sizes,
            fix="give fewer channels, one entry a block",
        )
    return sizes


def _odd(kernel_size: int) -> int:
    if positive_integer("kernel_size", kernel_size) % 2 == 0:
        raise ConfigurationError(
            "kernel_size must be odd, so that the convolution keeps height and width",
            expected="1, 3, 5, ...",
            got=kernel_size,
            fix=f"choose {kernel_size + 1}",
        )
    return kernel_size
