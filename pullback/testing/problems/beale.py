"""Beale's function of two variables."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from pullback.testing.problems.problem import Problem, least_squares_problem, vector


def beale_residuals(x: jax.Array) -> jax.Array:
    r"""$r_i = y_i - x_1 (1 - x_2^i)$ with $y = (1.5, 2.25, 2.625)$, shape (2,) to (3,)."""
    return jnp.stack([1.5 - x[0] * (1 - x[1]), 2.25 - x[0] * (1 - x[1] ** 2), 2.625 - x[0] * (1 - x[1] ** 3)])


def beale() -> Problem:
    r"""$f(x) = \sum_{i=1}^{3} (y_i - x_1 (1 - x_2^i))^2$, no factor 1/2; least at $(3, 1/2)$; from $(1, 1)$.

    Examples
    --------
    >>> print(beale().function(jnp.array([3.0, 0.5])))
    0.0

    Source: Beale (1958), Princeton report 25; Moré, Garbow and Hillstrom (1981), problem 5.
    """
    return least_squares_problem(
        "Beale",
        beale_residuals,
        vector(1, 1),
        0.0,
        minimizers=(vector(3, 0.5),),
        source="Moré, Garbow and Hillstrom (1981), problem 5",
    )
