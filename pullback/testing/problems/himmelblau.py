"""Himmelblau's function with its four equal minima."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from pullback.testing.problems.problem import Problem, least_squares_problem, vector

MINIMIZERS = (
    vector(3, 2),
    vector(-2.805118086952745, 3.131312518250573),
    vector(-3.779310253377747, -3.283185991286170),
    vector(3.584428340330492, -1.848126526964404),
)


def himmelblau_residuals(x: jax.Array) -> jax.Array:
    r"""$r = (x_1^2 + x_2 - 11,\; x_1 + x_2^2 - 7)$, shape (2,) to (2,)."""
    return jnp.stack([x[0] ** 2 + x[1] - 11, x[0] + x[1] ** 2 - 7])


def himmelblau() -> Problem:
    r"""$f(x) = (x_1^2 + x_2 - 11)^2 + (x_1 + x_2^2 - 7)^2$, no factor 1/2; zero at four points; from $(0, 0)$.

    Examples
    --------
    >>> print(himmelblau().function(jnp.zeros(2)))
    170.0

    Source: Himmelblau (1972), Applied Nonlinear Programming.
    """
    return least_squares_problem(
        "Himmelblau",
        himmelblau_residuals,
        vector(0, 0),
        0.0,
        minimizers=MINIMIZERS,
        source="Himmelblau (1972), Applied Nonlinear Programming, McGraw-Hill",
    )
