"""Problems of fixed dimension from the collection of Moré, Garbow and Hillstrom that carry no table of measurements.

Each function maps $x$, shape (n,), to the residuals $r$, shape (m,), in the paper's numbering and order.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp


def freudenstein_roth(x: jax.Array) -> jax.Array:
    r"""2: $r = (-13 + x_1 + ((5 - x_2) x_2 - 2) x_2,\; -29 + x_1 + ((x_2 + 1) x_2 - 14) x_2)$."""
    return jnp.stack(
        [-13 + x[0] + ((5 - x[1]) * x[1] - 2) * x[1], -29 + x[0] + ((x[1] + 1) * x[1] - 14) * x[1]],
    )


def powell_badly_scaled(x: jax.Array) -> jax.Array:
    r"""3: $r = (10^4 x_1 x_2 - 1,\; e^{-x_1} + e^{-x_2} - 1.0001)$."""
    return jnp.stack([1e4 * x[0] * x[1] - 1, jnp.exp(-x[0]) + jnp.exp(-x[1]) - 1.0001])


def brown_badly_scaled(x: jax.Array) -> jax.Array:
    r"""4: $r = (x_1 - 10^6,\; x_2 - 2 \cdot 10^{-6},\; x_1 x_2 - 2)$."""
    return jnp.stack([x[0] - 1e6, x[1] - 2e-6, x[0] * x[1] - 2])


def jennrich_sampson(x: jax.Array) -> jax.Array:
    r"""6: $r_i = 2 + 2 i - (e^{i x_1} + e^{i x_2})$ for $i = 1, \ldots, 10$."""
    i = jnp.arange(1, 11, dtype=x.dtype)
    return 2 + 2 * i - (jnp.exp(i * x[0]) + jnp.exp(i * x[1]))


def helical_valley(x: jax.Array) -> jax.Array:
    r"""7: $r = (10 (x_3 - 10 \theta),\; 10 (\sqrt{x_1^2 + x_2^2} - 1),\; x_3)$.

    $\theta = \arctan(x_2 / x_1) / 2 \pi$, plus 1/2 where $x_1 < 0$.
    """
    negative = x[0] < 0
    sign = jnp.where(negative, -1, 1).astype(x.dtype)
    theta = jnp.arctan2(sign * x[1], sign * x[0]) / (2 * jnp.pi) + jnp.where(negative, 0.5, 0.0).astype(x.dtype)
    return jnp.stack([10 * (x[2] - 10 * theta), 10 * (jnp.sqrt(x[0] ** 2 + x[1] ** 2) - 1), x[2]])


def box_three_dimensional(x: jax.Array) -> jax.Array:
    r"""12: $r_i = e^{-t_i x_1} - e^{-t_i x_2} - x_3 (e^{-t_i} - e^{-10 t_i})$ with $t_i = i / 10$, $m = 10$."""
    t = jnp.arange(1, 11, dtype=x.dtype) / 10
    return jnp.exp(-t * x[0]) - jnp.exp(-t * x[1]) - x[2] * (jnp.exp(-t) - jnp.exp(-10 * t))


def wood(x: jax.Array) -> jax.Array:
    r"""14: two of Rosenbrock's functions, with weights 100 and 90, that interact in $x_2$ and $x_4$."""
    return jnp.stack(
        [
            10 * (x[1] - x[0] ** 2),
            1 - x[0],
            math.sqrt(90) * (x[3] - x[2] ** 2),
            1 - x[2],
            math.sqrt(10) * (x[1] + x[3] - 2),
            (x[1] - x[3]) / math.sqrt(10),
        ]
    )


def brown_dennis(x: jax.Array) -> jax.Array:
    r"""16: $r_i = (x_1 + t_i x_2 - e^{t_i})^2 + (x_3 + x_4 \sin t_i - \cos t_i)^2$ with $t_i = i / 5$, $m = 20$."""
    t = jnp.arange(1, 21, dtype=x.dtype) / 5
    return (x[0] + t * x[1] - jnp.exp(t)) ** 2 + (x[2] + x[3] * jnp.sin(t) - jnp.cos(t)) ** 2


def gulf(x: jax.Array) -> jax.Array:
    r"""11: $r_i = e^{-|y_i - x_2|^{x_3} / x_1} - t_i$, $t_i = i / 100$, $y_i = 25 + (-50 \ln t_i)^{2/3}$, $m = 99$.

    The paper prints $|y_i m i x_2|$, where a minus sign was lost; only the form here is zero at the paper's minimizer.
    """
    t = jnp.arange(1, 100, dtype=x.dtype) / 100
    y = 25 + (-50 * jnp.log(t)) ** (2 / 3)
    return jnp.exp(-(jnp.abs(y - x[1]) ** x[2]) / x[0]) - t


def biggs_exp6(x: jax.Array) -> jax.Array:
    r"""18: $r_i = x_3 e^{-t_i x_1} - x_4 e^{-t_i x_2} + x_6 e^{-t_i x_5} - y_i$ with $t_i = i / 10$, $m = 13$.

    $y_i = e^{-t_i} - 5 e^{-10 t_i} + 3 e^{-4 t_i}$.
    """
    t = jnp.arange(1, 14, dtype=x.dtype) / 10
    y = jnp.exp(-t) - 5 * jnp.exp(-10 * t) + 3 * jnp.exp(-4 * t)
    return x[2] * jnp.exp(-t * x[0]) - x[3] * jnp.exp(-t * x[1]) + x[5] * jnp.exp(-t * x[4]) - y
