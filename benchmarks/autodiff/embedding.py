"""A bag of words: rows of a table, averaged, and a linear classifier."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.autodiff.arrays import Arrays, cross_entropy


def build(vocabulary: int = 8000, features: int = 256, batch: int = 32, places: int = 128) -> Any:
    """Tokens are (batch, place)."""
    arrays = Arrays()
    params = {"table": arrays.normal(vocabulary, features), "weight": arrays.weight(features, 10)}
    return cost, (params, arrays.integers(vocabulary, batch, places), arrays.integers(10, batch))


def cost(params: Any, tokens: jax.Array, labels: jax.Array) -> Any:
    """Mean cross-entropy."""
    return cross_entropy(jnp.mean(jnp.tanh(params["table"][tokens]), axis=1) @ params["weight"], labels)
