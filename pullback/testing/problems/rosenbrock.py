"""Rosenbrock's curved valley, alone and extended to many dimensions."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from pullback.core.errors import DataError
from pullback.testing.problems.problem import Problem, least_squares_problem


def rosenbrock_residuals(x: jax.Array) -> jax.Array:
    r"""$r_{2i-1} = 10 (x_{2i} - x_{2i-1}^2)$ and $r_{2i} = 1 - x_{2i-1}$, shape (n,) to (n,) with n even."""
    odd, even = x[0::2], x[1::2]
    return jnp.stack([10 * (even - odd**2), 1 - odd], axis=1).reshape(-1)


def rosenbrock(dimension: int = 2) -> Problem:
    r"""$f(x) = \sum_i 100 (x_{2i} - x_{2i-1}^2)^2 + (1 - x_{2i-1})^2$, no factor 1/2; least at $(1, \ldots, 1)$.

    From $(-1.2, 1, \ldots)$. Pairs of coordinates do not interact, as in the extended function of the source.

    Raises
    ------
    DataError : `dimension` is not an even number of at least 2.

    Examples
    --------
    >>> rosenbrock(4).start
    array([-1.2,  1. , -1.2,  1. ])

    Source: Rosenbrock (1960), Computer Journal 3; Moré, Garbow and Hillstrom (1981), problems 1 and 21.
    """
    if dimension < 2 or dimension % 2:
        raise DataError("Rosenbrock's function has no such dimension", expected="an even number >= 2", got=dimension)
    name = "Rosenbrock" if dimension == 2 else f"extended Rosenbrock, n={dimension}"
    return least_squares_problem(
        name,
        rosenbrock_residuals,
        np.tile([-1.2, 1.0], dimension // 2),
        0.0,
        minimizers=(np.ones(dimension),),
        source="Moré, Garbow and Hillstrom (1981), problem 1" if dimension == 2 else "ibid., problem 21",
    )
