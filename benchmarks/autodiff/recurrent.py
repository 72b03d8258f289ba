"""Recurrent networks by `lax.scan`, one product with the input and one with the state in each step."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from benchmarks.autodiff.arrays import Arrays, cross_entropy, zeros


def lstm_classifier(**sizes: int) -> Any:
    """Class of a sequence from the last state."""
    return _classifier(lstm, 4, **sizes)


def gru_classifier(**sizes: int) -> Any:
    """Class of a sequence from the last state."""
    return _classifier(gru, 3, **sizes)


def lstm_language(**sizes: int) -> Any:
    """The next token at every step."""
    return _language(lstm, 4, **sizes)


def gru_language(**sizes: int) -> Any:
    """The next token at every step."""
    return _language(gru, 3, **sizes)


def lstm(params: Any, x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Last state and all states, for (time, batch, feature)."""
    hidden = params["recurrent"].shape[0]

    def step(carry: Any, x_t: jax.Array) -> Any:
        h, c = carry
        i, f, g, o = jnp.split(x_t @ params["input"] + h @ params["recurrent"] + params["bias"], 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    start = zeros(x.shape[1], hidden)
    (last, _), states = lax.scan(step, (start, start), x)
    return last, states


def gru(params: Any, x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Last state and all states, for (time, batch, feature); the reset gate acts after the product."""
    hidden = params["recurrent"].shape[0]

    def step(h: jax.Array, x_t: jax.Array) -> Any:
        rx, zx, nx = jnp.split(x_t @ params["input"] + params["bias"], 3, axis=-1)
        rh, zh, nh = jnp.split(h @ params["recurrent"] + params["recurrent_bias"], 3, axis=-1)
        r, z = jax.nn.sigmoid(rx + rh), jax.nn.sigmoid(zx + zh)
        n = jnp.tanh(nx + r * nh)
        h = (1 - z) * n + z * h
        return h, h

    return lax.scan(step, zeros(x.shape[1], hidden), x)


def _cell(arrays: Arrays, features: int, hidden: int, gates: int) -> dict[str, jax.Array]:
    return {
        "input": arrays.weight(features, gates * hidden),
        "recurrent": arrays.weight(hidden, gates * hidden),
        "bias": zeros(gates * hidden),
    } | ({"recurrent_bias": zeros(gates * hidden)} if gates == 3 else {})


def _classifier(network: Any, gates: int, steps: int, batch: int, features: int, hidden: int) -> Any:
    arrays = Arrays()
    params = {"cell": _cell(arrays, features, hidden, gates), "weight": arrays.weight(hidden, 10), "bias": zeros(10)}

    def cost(params: Any, x: jax.Array, labels: jax.Array) -> Any:
        last, _ = network(params["cell"], x)
        return cross_entropy(last @ params["weight"] + params["bias"], labels)

    return cost, (params, arrays.normal(steps, batch, features), arrays.integers(10, batch))


def _language(network: Any, gates: int, steps: int, batch: int, hidden: int, vocabulary: int) -> Any:
    arrays = Arrays()
    params = {
        "embedding": arrays.normal(vocabulary, hidden),
        "cell": _cell(arrays, hidden, hidden, gates),
        "weight": arrays.weight(hidden, vocabulary),
        "bias": zeros(vocabulary),
    }

    def cost(params: Any, tokens: jax.Array) -> Any:
        _, states = network(params["cell"], params["embedding"][tokens[:-1]])
        return cross_entropy(states @ params["weight"] + params["bias"], tokens[1:])

    return cost, (params, arrays.integers(vocabulary, steps + 1, batch))
