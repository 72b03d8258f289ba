"""Rastrigin's function: a bowl with a minimum near every point of the integer grid."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from pullback.testing.problems.problem import LocalMinimum, Problem

# The stationary point next to 1 of t^2 + 10 - 10 cos(2 pi t), and its value.
NEXT_PLACE = 0.9949586376523348
NEXT_VALUE = 0.9949590570932914


def rastrigin_value(x: jax.Array) -> jax.Array:
    r"""$10 n + \sum_j (x_j^2 - 10 \cos 2 \pi x_j)$, shape (n,) to scalar."""
    return jnp.sum(x**2 + 10 * (1 - jnp.cos(2 * jnp.pi * x)))


def rastrigin(dimension: int = 2) -> Problem:
    r"""$f(x) = 10 n + \sum_j (x_j^2 - 10 \cos 2 \pi x_j)$, zero at the origin; from $(0.2, 0.8, 0.2, \ldots)$.

    The start lies in the basin of a minimum that is not the least; the next minima, one in each direction along each
    axis, are listed among the others, and so is the one where all coordinates are next to 1.

    Examples
    --------
    >>> print(rastrigin(3).function(jnp.zeros(3)))
    0.0

    Source: Rastrigin (1974), Systems of Extremal Control; in n dimensions Mühlenbein et al. (1991).
    """
    axes = [LocalMinimum(NEXT_VALUE, sign * NEXT_PLACE * axis) for axis in np.eye(dimension) for sign in (1.0, -1.0)]
    corner = LocalMinimum(dimension * NEXT_VALUE, np.full(dimension, NEXT_PLACE))
    return Problem(
        f"Rastrigin, n={dimension}",
        rastrigin_value,
        np.where(np.arange(dimension) % 2 == 0, 0.2, 0.8),
        0.0,
        (np.zeros(dimension),),
        other_minima=(*axes, corner),
        source="Mühlenbein, Schomisch and Born (1991), Parallel Computing 17",
    )
