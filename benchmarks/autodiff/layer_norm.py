"""Layer normalization alone, with the gradient in its input too."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.autodiff.arrays import Arrays, zeros
from benchmarks.autodiff.transformer import layer_norm


def build(rows: int = 8192, features: int = 512) -> Any:
    """The input counts as a parameter."""
    arrays = Arrays()
    params = {"x": arrays.normal(rows, features), "scale": zeros(features) + 1, "shift": zeros(features)}
    return cost, (params, arrays.normal(rows, features))


def cost(params: Any, target: jax.Array) -> Any:
    """Mean square."""
    return jnp.mean((layer_norm(params["x"], params["scale"], params["shift"]) - target) ** 2)
