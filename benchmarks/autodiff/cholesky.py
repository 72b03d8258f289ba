"""Negative log marginal likelihood of a Gaussian process through the Cholesky factor of its covariance."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy.linalg import cho_solve

from benchmarks.autodiff.arrays import Arrays, zeros


def build(points: int = 300, features: int = 4) -> Any:
    """One length scale a feature, a variance and a noise, all as logarithms."""
    arrays = Arrays()
    params = {"length": zeros(features), "variance": zeros(), "noise": zeros() - 1}
    return cost, (params, arrays.normal(points, features), arrays.normal(points))


def cost(params: Any, x: jax.Array, y: jax.Array) -> Any:
    """Per point."""
    scaled = x / jnp.exp(params["length"])
    squares = jnp.sum((scaled[:, None] - scaled[None]) ** 2, axis=-1)
    covariance = jnp.exp(params["variance"] - squares / 2) + jnp.exp(params["noise"]) * jnp.eye(len(y))
    factor = jnp.linalg.cholesky(covariance)
    residual = cho_solve((factor, True), y)
    return (y @ residual / 2 + jnp.sum(jnp.log(jnp.diagonal(factor)))) / len(y)
