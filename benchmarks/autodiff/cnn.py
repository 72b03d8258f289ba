"""A small convolutional network with `lax.conv_general_dilated` and max pooling by `lax.reduce_window`."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from benchmarks.autodiff.arrays import Arrays, cross_entropy, zeros


def build(side: int = 28, batch: int = 64, channels: tuple[int, int] = (32, 64), hidden: int = 128) -> Any:
    """Images are (batch, height, width, channel)."""
    arrays = Arrays()
    first, second = channels
    flat = (side // 4) ** 2 * second
    params = {
        "kernel1": arrays.normal(3, 3, 1, first, deviation=1 / 3), "bias1": zeros(first),
        "kernel2": arrays.normal(3, 3, first, second, deviation=(9 * first) ** -0.5), "bias2": zeros(second),
        "weight3": arrays.weight(flat, hidden), "bias3": zeros(hidden),
        "weight4": arrays.weight(hidden, 10), "bias4": zeros(10),
    }  # fmt: skip
    return cost, (params, arrays.normal(batch, side, side, 1), arrays.integers(10, batch))


def convolve(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """3x3, stride 1, padded."""
    return lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


def max_pool(x: jax.Array) -> jax.Array:
    """Windows of 2x2."""
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def cost(params: Any, x: jax.Array, labels: jax.Array) -> Any:
    """Mean cross-entropy."""
    x = max_pool(jax.nn.relu(convolve(x, params["kernel1"]) + params["bias1"]))
    x = max_pool(jax.nn.relu(convolve(x, params["kernel2"]) + params["bias2"]))
    x = x.reshape(x.shape[0], -1)
    x = jax.nn.relu(x @ params["weight3"] + params["bias3"])
    return cross_entropy(x @ params["weight4"] + params["bias4"], labels)
