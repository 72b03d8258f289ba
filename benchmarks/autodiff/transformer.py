"""Transformer blocks on arrays of (batch, place, feature): causal attention and a perceptron, both after a norm."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.autodiff.arrays import Arrays, zeros

HEADS = 4


def build(layers: int, batch: int = 8, places: int = 128, features: int = 256) -> Any:
    """Regression of the last block's output on noise."""
    arrays = Arrays()
    params = [_block(arrays, features) for _ in range(layers)]
    shape = (batch, places, features)
    return cost, (params, arrays.normal(*shape), arrays.normal(*shape))


def cost(params: Any, x: jax.Array, target: jax.Array) -> Any:
    """Mean square."""
    for block in params:
        x = x + attention(block, layer_norm(x, block["scale1"], block["shift1"]))
        y = layer_norm(x, block["scale2"], block["shift2"])
        x = x + jax.nn.gelu(y @ block["up"] + block["up_bias"]) @ block["down"] + block["down_bias"]
    return jnp.mean((x - target) ** 2)


def attention(block: Any, x: jax.Array) -> jax.Array:
    """Causal attention of several heads."""
    batch, places, features = x.shape
    shape = (batch, places, HEADS, features // HEADS)
    q, k, v = (part.reshape(shape) for part in jnp.split(x @ block["qkv"] + block["qkv_bias"], 3, axis=-1))
    scores = jnp.einsum("bqhd,bkhd->bhqk", q, k) / shape[-1] ** 0.5
    scores = jnp.where(jnp.tril(jnp.ones((places, places), bool)), scores, -1e9)
    mixed = jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(scores, axis=-1), v)
    return mixed.reshape(x.shape) @ block["out"] + block["out_bias"]


def layer_norm(x: jax.Array, scale: jax.Array, shift: jax.Array) -> jax.Array:
    """Mean zero and variance one over the features, then scale and shift."""
    mean = jnp.mean(x, axis=-1, keepdims=True)
    variance = jnp.var(x, axis=-1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(variance + 1e-5) * scale + shift


def _block(arrays: Arrays, features: int) -> dict[str, jax.Array]:
    return {
        "scale1": zeros(features) + 1, "shift1": zeros(features),
        "qkv": arrays.weight(features, 3 * features), "qkv_bias": zeros(3 * features),
        "out": arrays.weight(features, features), "out_bias": zeros(features),
        "scale2": zeros(features) + 1, "shift2": zeros(features),
        "up": arrays.weight(features, 4 * features), "up_bias": zeros(4 * features),
        "down": arrays.weight(4 * features, features), "down_bias": zeros(features),
    }  # fmt: skip
