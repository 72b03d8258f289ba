r"""The rows of each class as one triangle: all that least squares on signs of classes needs to know of them."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def class_roots(
    X: Float[Array, "n p"], y: Int[Array, " n"], w: Float[Array, " n"], classes: int
) -> Float[Array, "classes p+1 p+1"]:
    r"""$R_k$ with $R_k^\top R_k = Z_k^\top W_k Z_k$ for the rows $Z_k = (1, X_k)$ of class $k$, not by that product.

    The rows of a class are read in blocks, $Q R = \begin{pmatrix} R_k \\ W^{1/2} Z \end{pmatrix}$, so that the
    condition is not squared and the memory is that of one block. A sum of squares over rows of several classes, whose
    targets are constant on each class, is the same sum over the rows of their triangles.

    Parameters
    ----------
    X : shape (n, p).
    y : classes 0, 1, ..., shape (n,).
    w : how often each row counts, shape (n,).
    classes : how many there are.

    Examples
    --------
    >>> X, y = jnp.array([[1.0], [2.0], [5.0]]), jnp.array([0, 1, 1])
    >>> R = class_roots(X, y, jnp.ones(3), 2)
    >>> (R[1].T @ R[1]).round(4).tolist()
    [[2.0, 7.0], [7.0, 29.0]]

    References
    ----------
    Golub, Van Loan, "Matrix Computations", 4th ed., section 6.5.3 (updating by rows).
    """
    n, p = X.shape
    size = min(p + 1, n)
    order = jnp.argsort(jnp.where(w > 0, y, classes))
    counts = jnp.zeros(classes, y.dtype).at[y].add((w > 0).astype(y.dtype))
    ends = jnp.cumsum(counts)
    blocks_end = jnp.cumsum(-(-counts // size))

    def extend(roots: Array, block: Array) -> tuple[Array, None]:
        k = jnp.searchsorted(blocks_end, block, side="right")
        within = jnp.minimum(k, classes - 1)
        blocks_before = jnp.where(within > 0, blocks_end[within - 1], 0)
        places = ends[within] - counts[within] + (block - blocks_before) * size + jnp.arange(size, dtype=y.dtype)
        rows = order[jnp.minimum(places, n - 1)]
        root = jnp.sqrt(jnp.where((places < ends[within]) & (k < classes), w[rows], 0))
        Z = root[:, None] * jnp.concatenate([jnp.ones_like(X[:size, :1]), X[rows]], axis=1)
        update = jax.lax.cond(
            k < classes, lambda: _triangle(jnp.concatenate([roots[within], Z])), lambda: roots[within]
        )
        return roots.at[within].set(update), None

    most = -(-n // size) + classes
    return jax.lax.scan(extend, jnp.zeros((classes, p + 1, p + 1), X.dtype), jnp.arange(most, dtype=y.dtype))[0]


def _triangle(A: Float[Array, "m p"]) -> Any:
    return jnp.linalg.qr(A, mode="r")
