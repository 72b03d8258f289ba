"""What every solver of a scaled least-squares problem returns."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


class Factored(NamedTuple):
    r"""A solution with what the matrix told about it, for $n$ rows, $p$ columns, $m = \min(n, p)$.

    Attributes
    ----------
    x : minimum-norm solution, shape (p, k).
    root : $T$ with $T T^\top = (A^\top A)^+$, shape (p, m); columns past the rank are zero.
    rank : of the matrix with columns of length one.
    singular_values : of that matrix, descending, shape (m,).
    solver : a `Solver`.
    trusted : whether the matrix allows this solver: of full rank, or close enough to orthogonal columns.
    """

    x: Any
    root: Any
    rank: Any
    singular_values: Any
    solver: Any
    trusted: Any


def column_lengths(A: Float[Array, "n p"]) -> Float[Array, " p"]:
    """Lengths of the columns, one where a column is zero; scaled so that squares neither overflow nor vanish."""
    largest = jnp.max(jnp.abs(A), axis=0)
    largest = jnp.where(largest > 0, largest, 1.0)
    lengths = largest * jnp.sqrt(jnp.sum((A / largest) ** 2, axis=0))
    return jnp.where(lengths > 0, lengths, 1.0)


def rank_tolerance(A: Float[Array, "n p"]) -> float:
    """A singular value this small beside the largest one is rounding."""
    return max(A.shape) * float(jnp.finfo(A.dtype).eps)


def numerical_rank(singular_values: Float[Array, " m"], tolerance: float) -> Array:
    """The number of singular values above the tolerance relative to the largest."""
    return jnp.sum(singular_values > tolerance * jnp.max(singular_values, initial=0.0), dtype=jnp.int32)


def minimum_norm_root(
    V: Float[Array, "p m"], inverse: Float[Array, " m"], lengths: Float[Array, " p"]
) -> Float[Array, "p m"]:
    r"""$T$ with $A^+ = T U^\top$ for $A = U \Sigma V^\top D$, where `inverse` is $\Sigma^+$, zero past the rank.

    The shortest solution is the one in the row space of $A$, spanned by $D V$, not by $V$: lengths are those of the
    caller's units.
    """
    present = inverse > 0

    def deficient() -> Array:
        rows = lengths[:, None] * jnp.where(present, V, 0.0)
        # Rows of very different length keep their digits if the longest come first and columns are pivoted.
        order = jnp.argsort(-jnp.max(jnp.abs(rows), axis=1, initial=0.0))
        Q, R, pivots = jax.lax.linalg.qr(rows[order], pivoting=True, full_matrices=False)
        R = R + jnp.diag(jnp.where(present[pivots], 0.0, 1.0).astype(R.dtype))
        inverse_rows = jax.scipy.linalg.solve_triangular(R, Q.T)
        whole = jnp.zeros_like(V).at[order[:, None], pivots].set(inverse_rows.T)
        return jnp.where(present, whole * inverse, 0.0)

    def full() -> Array:
        return V * inverse / lengths[:, None]

    p, m = V.shape
    return deficient() if m < p else jax.lax.cond(jnp.all(present), full, deficient)
