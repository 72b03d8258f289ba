"""Random arrays and the cost that the classifying cases share."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


class Arrays:
    """Arrays in float32 from one seed."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(0)

    def normal(self, *shape: int, deviation: float = 1.0) -> jax.Array:
        return jnp.asarray(deviation * self._random.standard_normal(shape), jnp.float32)

    def weight(self, inputs: int, outputs: int) -> jax.Array:
        """A matrix that keeps the variance of what it is applied to."""
        return self.normal(inputs, outputs, deviation=inputs**-0.5)

    def integers(self, high: int, *shape: int) -> jax.Array:
        return jnp.asarray(self._random.integers(0, high, shape), jnp.int32)


def zeros(*shape: int) -> jax.Array:
    """Zeros in float32."""
    return jnp.zeros(shape, jnp.float32)


def cross_entropy(logits: jax.Array, labels: jax.Array) -> Any:
    """Mean negative log-likelihood of integer labels."""
    log_probabilities = jax.nn.log_softmax(logits)
    return -jnp.mean(jnp.take_along_axis(log_probabilities, labels[..., None], axis=-1))
