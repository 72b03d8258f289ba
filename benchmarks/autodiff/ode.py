"""A differential equation of a few states, by a thousand steps of the classical Runge-Kutta method in a `lax.scan`."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from benchmarks.autodiff.arrays import Arrays, zeros


def build(states: int = 8, steps: int = 1000) -> Any:
    """dy/dt = tanh(A y + b) - y / 2, from a start that is a parameter too."""
    arrays = Arrays()
    params = {"A": arrays.normal(states, states), "b": zeros(states), "start": arrays.normal(states)}
    return lambda params: cost(params, steps), (params,)


def cost(params: Any, steps: int) -> Any:
    """Squared length at the end."""
    h = 0.01

    def slope(y: jax.Array) -> jax.Array:
        return jnp.tanh(params["A"] @ y + params["b"]) - y / 2

    def step(y: jax.Array, _: None) -> Any:
        k1 = slope(y)
        k2 = slope(y + h / 2 * k1)
        k3 = slope(y + h / 2 * k2)
        k4 = slope(y + h * k3)
        return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4), None

    end, _ = lax.scan(step, params["start"], None, length=steps)
    return jnp.sum(end**2)
