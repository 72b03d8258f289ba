"""Eigenvalue estimates that conjugate gradients give away: the Lanczos tridiagonal from their coefficients."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.linalg import eigh_tridiagonal
from jaxtyping import Array, Float

from pullback.core.precision import double_precision
from pullback.linalg.conjugate_gradient import ConjugateGradientResult


class ExtremeRitzValues(NamedTuple):
    """The extreme Ritz values, and their ratio where both are positive (else infinity)."""

    smallest: Any
    largest: Any
    condition_number: Any


@double_precision
def conjugate_gradient_eigenvalues(result: ConjugateGradientResult) -> ExtremeRitzValues:
    r"""The extreme eigenvalues of $M^{-1} A$ as the steps of a conjugate gradient solve have seen them.

    They are those of the tridiagonal matrix of Lanczos' method, whose entries are

    $$ T_{kk} = \frac{1}{\alpha_k} + \frac{\beta_{k-1}}{\alpha_{k-1}}, \qquad
       T_{k,k+1} = \frac{\sqrt{\beta_k}}{\alpha_k}, $$

    and lie between the true extremes. Without any step they are NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from pullback.linalg import conjugate_gradient
    >>> solved = conjugate_gradient(np.diag([1.0, 2.0, 10.0]), np.ones(3))
    >>> smallest, largest, condition_number = conjugate_gradient_eigenvalues(solved)
    >>> round(float(smallest), 6), round(float(largest), 6), round(float(condition_number), 6)
    (1.0, 10.0, 10.0)

    References
    ----------
    Golub and Van Loan, Matrix Computations, 4th ed., section 11.3.
    """
    return _extremes(jnp.asarray(result.alpha), jnp.asarray(result.beta))


@jax.jit
def _extremes(alpha: Float[Array, " m"], beta: Float[Array, " m"]) -> ExtremeRitzValues:
    used = jnp.isfinite(1 / alpha)
    before = jnp.concatenate([jnp.zeros_like(alpha[:1]), beta[:-1] / alpha[:-1]])
    # After the last step the first diagonal entry is repeated: a Rayleigh quotient, so it moves no extreme.
    diagonal = jnp.where(used, 1 / alpha + before, 1 / alpha[0])
    off_diagonal = jnp.where(used[1:], jnp.sqrt(beta[:-1]) / jnp.abs(alpha[:-1]), 0.0)
    smallest, largest = (eigenvalue(diagonal, off_diagonal, place) for place in (0, alpha.size - 1))
    condition = jnp.where(smallest > 0, largest / smallest, jnp.inf)
    found = ExtremeRitzValues(smallest, largest, condition)
    return jax.tree.map(lambda value: jnp.where(used[0], value, jnp.nan), found)


def eigenvalue(diagonal: Float[Array, " m"], off_diagonal: Float[Array, " k"], place: int) -> Float[Array, ""]:
    """One eigenvalue of a symmetric tridiagonal matrix by bisection, counted from the smallest."""
    if diagonal.size == 1:
        return diagonal[0]
    return eigh_tridiagonal(diagonal, off_diagonal, eigvals_only=True, select="i", select_range=(place, place))[0]
