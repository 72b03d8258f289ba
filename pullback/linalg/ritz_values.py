"""Eigenvalue estimates that conjugate gradients give away: the Lanczos tridiagonal from their coefficients."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.core.precision import double_precision
from pullback.linalg.conjugate_gradient import ConjugateGradientResult
from pullback.linalg.tridiagonal import tridiagonal_eigenvalues


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

    and lie between the true extremes; at most a few hundred of the first steps are read. Without any step they are NaN.

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
    return _extremes(jnp.asarray(result.alpha)[:LONGEST], jnp.asarray(result.beta)[:LONGEST])


# A dense eigenvalue problem of this size takes a fraction of a second.
LONGEST = 300


@jax.jit
def _extremes(alpha: Float[Array, " m"], beta: Float[Array, " m"]) -> ExtremeRitzValues:
    steps = jnp.isfinite(1 / alpha).sum(dtype=jnp.int32)
    before = jnp.concatenate([jnp.zeros_like(alpha[:1]), beta[:-1] / alpha[:-1]])
    values = tridiagonal_eigenvalues(1 / alpha + before, jnp.sqrt(beta[:-1]) / jnp.abs(alpha[:-1]), steps)
    smallest, largest = jnp.nanmin(values), jnp.nanmax(values)
    condition = jnp.where(smallest > 0, largest / smallest, jnp.inf).astype(values.dtype)
    return ExtremeRitzValues(smallest, largest, jnp.where(steps > 0, condition, jnp.nan))
