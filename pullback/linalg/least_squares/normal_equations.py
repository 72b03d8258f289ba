"""Least squares by the pseudo-inverse of the Gram matrix."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.linalg.least_squares.factored import Factored, minimum_norm_root, numerical_rank, rank_tolerance
from pullback.linalg.least_squares.solver import Solver


def solve_normal_equations(A: Float[Array, "n p"], b: Float[Array, "n k"], lengths: Float[Array, " p"]) -> Factored:
    r"""$A^\top A = V \Lambda V^\top$, $x = V \Lambda^+ V^\top A^\top b$: the condition number is squared.

    What is smaller than rounding beside the largest eigenvalue counts as zero, so the rank is told at
    $\sqrt{\epsilon}$ of the largest singular value only.
    """
    values, V = jnp.linalg.eigh(A.T @ A)
    size = min(A.shape)
    values, V = jnp.maximum(values[::-1][:size], 0.0), V[:, ::-1][:, :size]
    present = values > rank_tolerance(A) * jnp.max(values, initial=0.0)
    singular_values = jnp.sqrt(values)
    inverse = jnp.where(present, 1 / jnp.where(present, singular_values, 1.0), 0.0)
    root = minimum_norm_root(V, inverse, lengths)
    # (V / s)' A' b would cancel no better than A' b itself: the digits are lost in the Gram matrix already.
    x = root @ (inverse[:, None] * (V.T @ (A.T @ b)))
    rank = numerical_rank(values, rank_tolerance(A))
    return Factored(x, root, rank, singular_values, jnp.int32(Solver.NORMAL_EQUATIONS.value), jnp.bool_(True))
