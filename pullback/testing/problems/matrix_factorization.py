"""A matrix as the product of two thin ones: not convex, yet without a bad minimum."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from pullback.core.errors import DataError
from pullback.testing.problems.problem import Problem, least_squares_problem
from pullback.testing.problems.quadratic import random_rotation


def matrix_factorization(
    rank: int = 2, seed: int = 0, singular_values: tuple[float, ...] = (5.0, 3.0, 1.0, 0.5), rows: int = 6
) -> Problem:
    r"""$f(U, V) = \lVert U V^\top - M \rVert_F^2$, no factor 1/2, over $x = (U, V)$ flattened one after the other.

    $M = Q_1 \, \mathrm{diag}(\sigma) \, Q_2^\top$ is (rows, columns) with as many columns as singular values, $U$ is
    (rows, rank) and $V$ (columns, rank). The least value is $\sum_{i > \text{rank}} \sigma_i^2$ (Eckart and Young);
    every other critical point is a saddle, the origin among them. The start has small normal entries.

    Raises
    ------
    DataError : the rank is not between 1 and the number of singular values, or there are fewer rows than columns.

    Examples
    --------
    >>> matrix_factorization(rank=2).minimum
    1.25

    Source: Eckart and Young (1936), Psychometrika 1; Baldi and Hornik (1989), Neural Networks 2.
    """
    columns = len(singular_values)
    if not 1 <= rank <= columns <= rows:
        raise DataError("no such factorization", expected=f"1 <= rank <= {columns} <= rows", got=f"{rank}, {rows} rows")
    random = np.random.default_rng(seed)
    left = random_rotation(rows, random)[:, :columns]
    right = random_rotation(columns, random)
    strengths, order = np.asarray(singular_values), np.argsort(singular_values)[::-1]
    matrix = (left * strengths) @ right.T
    roots = np.sqrt(strengths[order[:rank]])
    best = np.concatenate([(left[:, order[:rank]] * roots).ravel(), (right[:, order[:rank]] * roots).ravel()])

    def residuals(x: jax.Array) -> jax.Array:
        first = x[: rows * rank].reshape(rows, rank)
        second = x[rows * rank :].reshape(columns, rank)
        return (first @ second.T - jnp.asarray(matrix, x.dtype)).reshape(-1)

    return least_squares_problem(
        f"matrix factorization, {rows} x {columns}, rank {rank}",
        residuals,
        0.1 * random.normal(size=(rows + columns) * rank),
        float(np.sum(strengths[order[rank:]] ** 2)),
        minimizers=(best,),
        source="Baldi and Hornik (1989), Neural Networks 2",
    )
