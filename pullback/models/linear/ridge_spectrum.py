"""The decomposition that makes ridge regression a division for every penalty."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.linalg.least_squares.problem import weighted_rows

# A Gram matrix keeps the eigenvalues to rounding of the largest: with this much in the smallest ten digits are left.
SMALLEST_SHARE = 0.375


class Spectrum(NamedTuple):
    r"""$W^{1/2} X_c = U S V^\top$ for $n$ rows, $p$ columns, $m = \min(n, p)$, with $\lambda = s^2$ descending.

    For every penalty $\hat y_c = L \, \operatorname{diag}(g / (\lambda + \alpha)) \, t$ and
    $\hat b = B \, \operatorname{diag}(1 / (\lambda + \alpha)) \, t$.

    Attributes
    ----------
    eigenvalues : $\lambda$, shape (m,).
    left : $L = W^{-1/2} U S$, $g = 1$ for more rows than columns, $L = W^{-1/2} U$, $g = \lambda$ otherwise; (n, m).
    gain : $g$, shape (m,).
    right : $B = V$, or $V S$; shape (p, m).
    target : $t = L^\top W y_c$, shape (m, k).
    """

    eigenvalues: Array
    left: Array
    gain: Array
    right: Array
    target: Array


def by_gram_matrix(
    X: Float[Array, "n p"], y: Float[Array, "n k"], weight: Float[Array, " n"] | None, smallest: Array, centered: bool
) -> tuple[Spectrum, Array]:
    """By the eigenvalues of the smaller Gram matrix, and whether these keep their digits with the smallest penalty."""
    rows, target = weighted_rows(X, y, weight)
    if X.shape[0] < X.shape[1]:
        gram = rows @ rows.T
        if centered:
            # The direction that the mean has taken becomes the last, whatever others have no part in the rows.
            mean = _mean_direction(rows, weight)
            gram = gram - jnp.max(jnp.diag(gram)) * jnp.outer(mean, mean)
        values, vectors, trusted = _descending(gram, smallest, _present(rows, weight) - int(centered))
        vectors = vectors.at[:, -1].set(0.0) if centered else vectors
        left = _uncounted(vectors, weight)
        return Spectrum(values, left, values, rows.T @ vectors, vectors.T @ target), trusted
    values, vectors, trusted = _descending(rows.T @ rows, smallest, jnp.asarray(X.shape[1]))
    left = X @ vectors
    counted = y if weight is None else weight[:, None] * y
    return Spectrum(values, left, jnp.ones_like(values), vectors, left.T @ counted), trusted


def by_singular_values(
    X: Float[Array, "n p"], y: Float[Array, "n k"], weight: Float[Array, " n"] | None, centered: bool
) -> tuple[Spectrum, Array]:
    """By the singular values of the rows, which keep their digits whatever the penalty."""
    rows, target = weighted_rows(X, y, weight)
    if X.shape[0] < X.shape[1]:
        mean = jnp.linalg.norm(rows) * _mean_direction(rows, weight) if centered else jnp.zeros_like(rows[:, 0])
        R = jnp.linalg.qr(jnp.column_stack([mean, rows]).T, mode="r")
        U, s, _ = jnp.linalg.svd(R.T, full_matrices=False)
        # The direction that the mean has taken is the first; it becomes the last, and counts for nothing.
        if centered:
            U, s = jnp.roll(U.at[:, 0].set(0.0), -1, axis=1), jnp.roll(s.at[0].set(0.0), -1)
        found = Spectrum(s**2, _uncounted(U, weight), s**2, rows.T @ U, U.T @ target)
    else:
        Q, R = jnp.linalg.qr(rows)
        U, s, Vt = jnp.linalg.svd(R, full_matrices=False)
        left = (Q @ U) * s
        found = Spectrum(s**2, _uncounted(left, weight), jnp.ones_like(s), Vt.T, left.T @ target)
    return found, jnp.bool_(True)


def inverse(spectrum: Spectrum, alpha: Float[Array, " a"]) -> Float[Array, "a m"]:
    r"""$1 / (\lambda + \alpha)$ for each penalty, zero where both are zero to rounding: then the shortest solution."""
    total, some = _total(spectrum, alpha)
    return jnp.where(some, 1 / total, 0.0)


def remainder(spectrum: Spectrum, alpha: Float[Array, " a"]) -> Float[Array, "a m"]:
    r"""$1 - \lambda / (\lambda + \alpha) = \alpha / (\lambda + \alpha)$ for each penalty, to all its digits."""
    total, some = _total(spectrum, alpha)
    return jnp.where(some, alpha[:, None] / total, 1.0)


def _total(spectrum: Spectrum, alpha: Array) -> tuple[Array, Array]:
    total = spectrum.eigenvalues + alpha[:, None]
    size = max(len(spectrum.left), len(spectrum.right))
    least = (size * jnp.finfo(total.dtype).eps) ** 2 * jnp.max(spectrum.eigenvalues, initial=0.0)
    return jnp.where(total > least, total, 1.0), total > least


def _present(rows: Array, weight: Array | None) -> Array:
    return jnp.asarray(len(rows)) if weight is None else jnp.sum(weight > 0)


def _mean_direction(rows: Array, weight: Array | None) -> Array:
    counts = jnp.ones_like(rows[:, 0]) if weight is None else weight
    return jnp.sqrt(counts / jnp.sum(counts))


def _descending(gram: Array, smallest: Array, count: Array) -> tuple[Array, Array, Array]:
    """Eigenvalues from the largest, of which the first `count` are not known to be zero, and their vectors."""
    values, vectors = jnp.linalg.eigh(gram)
    values, vectors = jnp.maximum(values[::-1], 0.0), vectors[:, ::-1]
    share = jnp.finfo(gram.dtype).eps ** SMALLEST_SHARE
    return values, vectors, values[jnp.maximum(count - 1, 0)] + smallest > share * values[0]


def _uncounted(left: Array, weight: Array | None) -> Array:
    """Rows of weight one again; zero for rows that are not there."""
    if weight is None:
        return left
    present = weight[:, None] > 0
    return jnp.where(present, left / jnp.sqrt(jnp.where(present, weight[:, None], 1.0)), 0.0)
