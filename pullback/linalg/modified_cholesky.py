"""Cholesky factors of a symmetric matrix made positive definite by a small diagonal."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Float

from pullback.core.checks import positive
from pullback.core.precision import double_precision
from pullback.linalg.product import Vector, as_real, symmetric_matrix


class ModifiedCholesky(NamedTuple):
    r"""What `modified_cholesky` returns.

    Attributes
    ----------
    factor : lower triangular $C$ with $C C^\top = P (A + E) P^\top$, shape (n, n).
    permutation : the order of the rows: $(P A P^\top)_{ij} = A_{p_i p_j}$, shape (n,).
    added : the diagonal of $E$, in the order of the rows of $A$, shape (n,).
    bound : the published upper bound on the entries of `added`.
    """

    factor: Any
    permutation: Any
    added: Any
    bound: Any

    def solve(self, b: Any) -> Any:
        r"""The solution of $(A + E) x = b$."""
        return _solve(self.factor, self.permutation, b)


class _State(NamedTuple):
    # Columns left of the pivot hold C, the block from the pivot on holds the Schur complement.
    work: Float[Array, "n n"]
    permutation: Any
    added: Float[Array, " n"]


@double_precision
def modified_cholesky(matrix: Vector, *, smallest_pivot: float | None = None) -> ModifiedCholesky:
    r"""The factors of $A + E$, with a diagonal $E \ge 0$ that is zero where $A$ is safely positive definite.

    Column by column, the largest remaining diagonal entry first, the pivot is

    $$ d_j = \max\Big( \delta, \ |c_{jj}|, \ \frac{\theta_j^2}{\beta^2} \Big), \qquad
       \theta_j = \max_{i > j} |c_{ij}|, \qquad
       \beta^2 = \max\Big( \gamma, \ \frac{\xi}{\sqrt{n^2 - 1}}, \ \epsilon \Big), \qquad E_{jj} = d_j - c_{jj} $$

    with $\gamma$ and $\xi$ the largest diagonal and off-diagonal entry of $A$ in modulus; then

    $$ \|E\|_\infty \le \Big( \frac{\xi}{\beta} + (n - 1) \beta \Big)^2 + 2 \big( \gamma + (n - 1) \beta^2 \big)
       + \delta . $$

    Parameters
    ----------
    matrix : $A$, symmetric, shape (n, n).
    smallest_pivot : $\delta$; machine epsilon times $\max(\gamma + \xi, 1)$ by default.

    Returns
    -------
    A `ModifiedCholesky`. Entries of a traced matrix that are not finite give factors that are not finite.

    Raises
    ------
    ShapeError, DataError, ConfigurationError
        for a matrix that is not square, symmetric and finite, or a pivot that is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> found = modified_cholesky(np.array([[4.0, 2.0], [2.0, -3.0]]))
    >>> found.added.tolist(), found.solve(np.array([1.0, 0.0])).round(6).tolist()
    ([0.0, 8.0], [0.3125, -0.125])

    References
    ----------
    Gill, Murray and Wright, Practical Optimization, Academic Press 1981, section 4.4.2.2.
    """
    a = symmetric_matrix("matrix", matrix)
    if smallest_pivot is not None:
        positive("smallest_pivot", smallest_pivot)
    return _factorize(a, None if smallest_pivot is None else jnp.asarray(smallest_pivot).astype(a.dtype))


@jax.jit
def _factorize(a: Float[Array, "n n"], delta: Float[Array, ""] | None) -> ModifiedCholesky:
    n = len(a)
    gamma = jnp.max(jnp.abs(jnp.diagonal(a)))
    xi = jnp.max(jnp.abs(a - jnp.diag(jnp.diagonal(a))))
    epsilon = jnp.finfo(a.dtype).eps
    delta = jnp.asarray(epsilon * jnp.maximum(gamma + xi, 1.0) if delta is None else delta)
    beta_squared = jnp.maximum(jnp.maximum(gamma, xi / max(n * n - 1.0, 1.0) ** 0.5), epsilon)
    start = _State(a, jnp.arange(n, dtype=jnp.int32), jnp.zeros_like(a[0]))
    last = jax.lax.fori_loop(0, n, lambda j, state: _column(state, j, delta, beta_squared), start)
    in_order = jnp.zeros_like(last.added).at[last.permutation].set(last.added)
    beta = jnp.sqrt(beta_squared)
    bound = (xi / beta + (n - 1) * beta) ** 2 + 2 * (gamma + (n - 1) * beta_squared) + delta
    return ModifiedCholesky(jnp.tril(last.work), last.permutation, in_order, bound)


def _column(state: _State, j: Any, delta: Float[Array, ""], beta_squared: Float[Array, ""]) -> _State:
    place = jnp.arange(len(state.added), dtype=jnp.int32)
    j = jnp.asarray(j).astype(jnp.int32)
    largest = jnp.argmax(jnp.where(place >= j, jnp.abs(jnp.diagonal(state.work)), -1.0)).astype(jnp.int32)
    order = place.at[j].set(largest).at[largest].set(j)
    work = state.work[order][:, order]
    below = jnp.where(place > j, work[:, j], 0.0)
    old = work[j, j]
    theta = jnp.max(jnp.abs(below))
    pivot = jnp.maximum(jnp.maximum(delta, jnp.abs(old)), theta**2 / beta_squared)
    rest = (place[:, None] > j) & (place > j)
    work = work - jnp.where(rest, jnp.outer(below, below) / pivot, 0.0)
    root = jnp.sqrt(pivot)
    column = jnp.where(place > j, below / root, jnp.where(place == j, root, work[:, j]))
    return _State(work.at[:, j].set(column), state.permutation[order], state.added.at[j].set(pivot - old))


@double_precision
def _solve(factor: Any, permutation: Any, b: Any) -> Any:
    factor, permutation, b = jnp.asarray(factor), jnp.asarray(permutation), as_real("b", b)
    forward = solve_triangular(factor, b[permutation], lower=True)
    backward = solve_triangular(factor, forward, lower=True, trans="T")
    return jnp.zeros_like(backward).at[permutation].set(backward)
