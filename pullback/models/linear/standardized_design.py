"""Columns of one scale about their mean, and what in them depends on the others."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.linalg import cho_solve
from jaxtyping import Array, Bool, Float

# Columns depend on each other where an eigenvalue of their correlations is below this many roundings.
ROUNDINGS = 32


class StandardizedDesign(NamedTuple):
    r"""The columns $z_j = (x_j - \bar x_j) / s_j$, with a column of ones in front if there is an intercept.

    Parameters
    ----------
    columns : shape (n, k).
    mean, scale : $\bar x_j$ (zero without intercept) and $s_j$, shape (p,).
    null : projection on the combinations of columns that are zero in every row, shape (k, k).
    dependencies : an orthonormal basis of them without the intercept, as columns beside columns of zeros, (p, p).
    identified : whether a coefficient is determined by the data, shape (k,).
    rank : of the columns, $k$ less the dimension of the null space.
    """

    columns: Float[Array, "n k"]
    mean: Float[Array, " p"]
    scale: Float[Array, " p"]
    null: Float[Array, "k k"]
    dependencies: Float[Array, "p p"]
    identified: Bool[Array, " k"]
    rank: Float[Array, ""]

    def coefficients(self, b: Float[Array, " k"]) -> tuple[Float[Array, " p"], Float[Array, ""]]:
        """Coefficients and intercept of the columns as they were, the shortest of those with the same predictions."""
        p = len(self.scale)
        intercept = self.columns.shape[1] > p
        # A basis of the null space of the columns as they were, beside columns of zeros.
        null = self.dependencies / self.scale[:, None]
        empty = jnp.all(null == 0, axis=0).astype(b.dtype)
        coef = b[len(b) - p :] / self.scale
        root = jnp.linalg.cholesky(null.T @ null + jnp.diag(empty))
        coef = coef - null @ cho_solve((root, True), null.T @ coef)
        return coef, (b[0] - self.mean @ coef if intercept else jnp.zeros((), b.dtype))

    def original(self, covariance: Float[Array, "k k"]) -> Float[Array, "k k"]:
        """Covariance of the coefficients of the columns as they were, of use for those that are identified."""
        p = len(self.scale)
        back = jnp.diag(1 / self.scale)
        if self.columns.shape[1] > p:
            first = jnp.concatenate([jnp.ones((1,), back.dtype), -self.mean / self.scale])
            back = jnp.block([[first[None]], [jnp.zeros((p, 1), back.dtype), back]])
        return back @ covariance @ back.T


def standardize_design(X: Float[Array, "n p"], w: Float[Array, " n"], fit_intercept: bool) -> StandardizedDesign:
    r"""Center and scale the columns of `X` by the rows' weights, and find which depend on each other.

    A column that does not vary beside an intercept is zero, so that it takes no part.
    """
    total = jnp.sum(w)
    n, p = X.shape
    eps = jnp.finfo(X.dtype).eps
    mean = (w @ X) / total if fit_intercept else jnp.zeros((p,), X.dtype)
    Z = X - mean
    # A second pass takes off what rounding left of a large mean.
    rest = (w @ Z) / total if fit_intercept else jnp.zeros((p,), X.dtype)
    mean, Z = mean + rest, Z - rest
    scale = jnp.sqrt((w @ Z**2) / total)
    varies = scale > 16 * eps * jnp.abs(mean)
    scale = jnp.where(varies, scale, 1)
    Z = jnp.where(varies, Z / scale, 0)
    values, vectors = jnp.linalg.eigh((Z.T @ (w[:, None] * Z)) / total)
    dependent = values <= ROUNDINGS * p * eps * jnp.max(values, initial=1)
    basis = jnp.where(dependent, vectors, 0)
    null = basis @ basis.T
    identified = jnp.diag(null) <= jnp.sqrt(eps)
    rank = p - jnp.sum(dependent)
    if fit_intercept:
        Z = jnp.concatenate([jnp.ones((n, 1), X.dtype), Z], axis=1)
        null = jax.scipy.linalg.block_diag(jnp.zeros((1, 1), X.dtype), null)
        # The value at zero is known unless a combination of columns is a constant other than zero.
        at_zero = mean / scale
        constant = jnp.max(jnp.abs(at_zero @ basis), initial=0)
        known = constant <= jnp.sqrt(eps) * (1 + jnp.linalg.norm(at_zero))
        identified = jnp.concatenate([known[None], identified])
        rank = rank + 1
    return StandardizedDesign(Z, mean, scale, null, basis, identified, rank.astype(X.dtype))
