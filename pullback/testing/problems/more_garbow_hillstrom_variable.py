"""Problems of any dimension from the collection of Moré, Garbow and Hillstrom.

Each function maps $x$, shape (n,), to the residuals $r$, shape (m,), in the paper's numbering and order.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp


def powell_singular(x: jax.Array) -> jax.Array:
    r"""13 and 22: blocks $(x_1 + 10 x_2, \sqrt{5} (x_3 - x_4), (x_2 - 2 x_3)^2, \sqrt{10} (x_1 - x_4)^2)$ of four."""
    first, second, third, fourth = x[0::4], x[1::4], x[2::4], x[3::4]
    blocks = [first + 10 * second, math.sqrt(5) * (third - fourth), (second - 2 * third) ** 2]
    return jnp.stack([*blocks, math.sqrt(10) * (first - fourth) ** 2], axis=1).reshape(-1)


def watson(x: jax.Array) -> jax.Array:
    r"""20: $r_i = \sum_{j \ge 2} (j - 1) x_j t_i^{j-2} - (\sum_j x_j t_i^{j-1})^2 - 1$ with $t_i = i / 29$, $m = 31$.

    The last two are $r_{30} = x_1$ and $r_{31} = x_2 - x_1^2 - 1$.
    """
    t = jnp.arange(1, 30, dtype=x.dtype) / 29
    powers = jnp.cumprod(jnp.concatenate([jnp.ones((1, 29), x.dtype), jnp.tile(t, (x.size - 1, 1))]), axis=0)
    degrees = jnp.arange(1, x.size, dtype=x.dtype)
    equation = (degrees * x[1:]) @ powers[:-1] - (x @ powers) ** 2 - 1
    return jnp.concatenate([equation, jnp.stack([x[0], x[1] - x[0] ** 2 - 1])])


def penalty_1(x: jax.Array) -> jax.Array:
    r"""23: $r_i = \sqrt{10^{-5}} (x_i - 1)$ and $r_{n+1} = \sum_j x_j^2 - 1/4$."""
    return jnp.concatenate([math.sqrt(1e-5) * (x - 1), jnp.sum(x**2, keepdims=True) - 0.25])


def penalty_2(x: jax.Array) -> jax.Array:
    r"""24: $r_1 = x_1 - 0.2$, then with $a = \sqrt{10^{-5}}$ and $y_i = e^{i/10} + e^{(i-1)/10}$

    $$r_i = a (e^{x_i / 10} + e^{x_{i-1} / 10} - y_i),\; 2 \le i \le n, \quad
    r_{n+i-1} = a (e^{x_i / 10} - e^{-1/10}),\; 2 \le i \le n, \quad
    r_{2n} = \sum_j (n - j + 1) x_j^2 - 1$$
    """
    root = math.sqrt(1e-5)
    i = jnp.arange(2, x.size + 1, dtype=x.dtype)
    exponential = jnp.exp(x / 10)
    pairs = exponential[1:] + exponential[:-1] - jnp.exp(i / 10) - jnp.exp((i - 1) / 10)
    single = exponential[1:] - math.exp(-0.1)
    weights = jnp.arange(x.size, 0, -1, dtype=x.dtype)
    return jnp.concatenate([x[:1] - 0.2, root * pairs, root * single, jnp.sum(weights * x**2, keepdims=True) - 1])


def variably_dimensioned(x: jax.Array) -> jax.Array:
    r"""25: $r_i = x_i - 1$, $r_{n+1} = \sum_j j (x_j - 1)$, $r_{n+2} = r_{n+1}^2$."""
    total = jnp.sum(jnp.arange(1, x.size + 1, dtype=x.dtype) * (x - 1), keepdims=True)
    return jnp.concatenate([x - 1, total, total**2])


def trigonometric(x: jax.Array) -> jax.Array:
    r"""26: $r_i = n - \sum_j \cos x_j + i (1 - \cos x_i) - \sin x_i$."""
    i = jnp.arange(1, x.size + 1, dtype=x.dtype)
    return jnp.sum(1 - jnp.cos(x)) + i * (1 - jnp.cos(x)) - jnp.sin(x)


def brown_almost_linear(x: jax.Array) -> jax.Array:
    r"""27: $r_i = x_i + \sum_j x_j - (n + 1)$ for $i < n$, and $r_n = \prod_j x_j - 1$."""
    return jnp.concatenate([x[:-1] + jnp.sum(x) - (x.size + 1), jnp.prod(x, keepdims=True) - 1])


def discrete_boundary_value(x: jax.Array) -> jax.Array:
    r"""28: $r_i = 2 x_i - x_{i-1} - x_{i+1} + h^2 (x_i + t_i + 1)^3 / 2$, zero outside.

    $h = 1 / (n + 1)$ and $t_i = i h$.
    """
    h = 1 / (x.size + 1)
    t = h * jnp.arange(1, x.size + 1, dtype=x.dtype)
    padded = jnp.pad(x, 1)
    return 2 * x - padded[:-2] - padded[2:] + h**2 * (x + t + 1) ** 3 / 2


def discrete_integral_equation(x: jax.Array) -> jax.Array:
    r"""29: the boundary value problem of 28 by its Green's function, $h = 1 / (n + 1)$, $t_i = i h$.

    $$r_i = x_i + \tfrac{h}{2} \left((1 - t_i) \sum_{j \le i} t_j (x_j + t_j + 1)^3
    + t_i \sum_{j > i} (1 - t_j) (x_j + t_j + 1)^3\right)$$
    """
    h = 1 / (x.size + 1)
    t = h * jnp.arange(1, x.size + 1, dtype=x.dtype)
    cubes = (x + t + 1) ** 3
    right = (1 - t) * cubes
    below = (1 - t) * jnp.cumsum(t * cubes)
    above = t * (jnp.sum(right) - jnp.cumsum(right))
    return x + h / 2 * (below + above)


def broyden_tridiagonal(x: jax.Array) -> jax.Array:
    r"""30: $r_i = (3 - 2 x_i) x_i - x_{i-1} - 2 x_{i+1} + 1$, zero outside."""
    padded = jnp.pad(x, 1)
    return (3 - 2 * x) * x - padded[:-2] - 2 * padded[2:] + 1


def broyden_banded(x: jax.Array) -> jax.Array:
    r"""31: $r_i = x_i (2 + 5 x_i^2) + 1 - \sum_{j} x_j (1 + x_j)$ over $j \ne i$, $i - 5 \le j \le i + 1$."""
    terms = jnp.pad(x * (1 + x), (5, 1))
    neighbors = sum((terms[k : k + x.size] for k in (0, 1, 2, 3, 4, 6)), start=jnp.zeros_like(x))
    return x * (2 + 5 * x**2) + 1 - neighbors


def linear_full_rank(x: jax.Array) -> jax.Array:
    r"""32 with $m = 2 n$: $r_i = x_i - \tfrac{2}{m} \sum_j x_j - 1$, without $x_i$ for $i > n$."""
    shared = jnp.sum(x) / x.size + 1
    return jnp.concatenate([x, jnp.zeros_like(x)]) - shared


def linear_rank_1(x: jax.Array) -> jax.Array:
    r"""33 with $m = 2 n$: $r_i = i \sum_j j x_j - 1$."""
    i = jnp.arange(1, 2 * x.size + 1, dtype=x.dtype)
    return i * jnp.sum(i[: x.size] * x) - 1


def linear_rank_1_zero_columns_and_rows(x: jax.Array) -> jax.Array:
    r"""34 with $m = 2 n$: $r_i = (i - 1) \sum_{j=2}^{n-1} j x_j - 1$ for $1 < i < m$, and $r_1 = r_m = -1$."""
    rows = 2 * x.size
    j = jnp.arange(2, x.size, dtype=x.dtype)
    return jnp.pad(jnp.arange(1, rows - 1, dtype=x.dtype), 1) * jnp.sum(j * x[1:-1]) - 1


def chebyquad(x: jax.Array) -> jax.Array:
    r"""35 with $m = n$: $r_i = \tfrac{1}{n} \sum_j T_i(x_j) - \int_0^1 T_i$, Chebyshev polynomials moved to $[0, 1]$.

    The integral is $0$ for odd and $-1 / (i^2 - 1)$ for even $i$.
    """
    moved = 2 * x - 1
    values = [jnp.ones_like(x), moved]
    while len(values) <= x.size:
        values.append(2 * moved * values[-1] - values[-2])
    i = jnp.arange(1, x.size + 1, dtype=x.dtype)
    integral = jnp.where(i % 2 == 0, -1 / jnp.where(i % 2 == 0, i**2 - 1, 1), 0)
    return jnp.mean(jnp.stack(values[1 : x.size + 1]), axis=1) - integral
