"""Loss, gradient and Hessian of logistic regression, added up over blocks of rows."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

# Rows of a block: it is read once from memory, and again from a core's cache.
BLOCK = 1000


class LogisticRows(NamedTuple):
    r"""The data of the loss $\sum_i w_i \big( \log(1 + e^{z_i}) - y_i z_i \big)$, $z = b_0 + (X - m) b$.

    Parameters
    ----------
    X : columns, shape (n, p).
    y : 0 or 1.
    w : how often a row counts.
    m : what is taken off the columns, so that no digits go to it; their means, roughly.
    """

    X: Float[Array, "n p"]
    y: Float[Array, " n"]
    w: Float[Array, " n"]
    m: Float[Array, " p"]


def logistic_loss(z: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, " n"]:
    r"""$\log(1 + e^{z}) - y z$, without overflow."""
    return jnp.maximum(z, 0) + jnp.log1p(jnp.exp(-jnp.abs(z))) - y * z


def logistic_gradient(X: Float[Array, "n p"], p: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, " p"]:
    r"""$X^\top (p - y)$, the gradient of the sum of logistic losses by the weights, for probabilities $p$.

    Examples
    --------
    >>> X, p, y = jnp.array([[1.0, 2.0], [1.0, -2.0]]), jnp.array([0.75, 0.5]), jnp.array([1.0, 0.0])
    >>> logistic_gradient(X, p, y).tolist()
    [0.25, -1.5]
    """
    return (p - y) @ X


def logistic_hessian(X: Float[Array, "n p"], p: Float[Array, " n"]) -> Float[Array, "p p"]:
    r"""$X^\top \operatorname{diag}(p (1 - p)) X$, the Hessian of the sum of logistic losses by the weights.

    Examples
    --------
    >>> X, p = jnp.array([[1.0, 2.0], [1.0, -2.0]]), jnp.array([0.75, 0.5])
    >>> logistic_hessian(X, p).tolist()
    [[0.4375, -0.125], [-0.125, 1.75]]
    """
    return X.T @ ((p * (1 - p))[:, None] * X)


def loss_and_gradient(
    rows: LogisticRows, b: Float[Array, " k"], every: Int[Array, ""]
) -> tuple[Float[Array, ""], Float[Array, " k"]]:
    """Loss and gradient at `b`, the intercept first, of one row in `every`, times `every`."""

    def add(index: Array, sums: tuple[Array, Array]) -> tuple[Array, Array]:
        X, y, w = _block(rows, index, every)
        z = X @ b[1:] + b[0]
        r = w * (jax.nn.sigmoid(z) - y)
        loss = sums[0] + jnp.sum(w * logistic_loss(z, y))
        return loss, sums[1] + jnp.concatenate([jnp.sum(r)[None], r @ X])

    return _over_blocks(rows, every, add, (jnp.zeros((), b.dtype), jnp.zeros_like(b)))


def hessian(
    rows: LogisticRows, b: Float[Array, " k"], every: Int[Array, ""], rough: Bool[Array, ""] | None = None
) -> Float[Array, "k k"]:
    """The Hessian at `b`, the intercept first, of one row in `every`, times `every`; in float32 where `rough`."""

    def add(index: Array, sums: Array, dtype: Any = None) -> Array:
        X, _, w = _block(rows, index, every)
        probability = jax.nn.sigmoid(X @ b[1:] + b[0])
        curvature = w * probability * (1 - probability)
        # Of a matrix and its own transpose the product is symmetric to the last digit.
        root = jnp.sqrt(curvature)
        columns = jnp.concatenate([root[:, None], root[:, None] * X], axis=1)
        columns = columns if dtype is None else columns.astype(dtype)
        return sums + (columns.T @ columns).astype(sums.dtype)

    start = jnp.zeros((len(b), len(b)), b.dtype)
    if rough is None:
        return _over_blocks(rows, every, add, start)
    whole = lambda: _over_blocks(rows, every, add, start)  # noqa: E731
    return jax.lax.cond(rough, lambda: _over_blocks(rows, every, partial(add, dtype=jnp.float32), start), whole)


def _over_blocks(rows: LogisticRows, every: Array, add: Any, start: Any) -> Any:
    n = len(rows.y)
    if n <= BLOCK:
        found = add(jnp.zeros_like(every), start)
    else:
        found = jax.lax.fori_loop(0, -(-n // (every * BLOCK)), add, start)
    return jax.tree.map(lambda sums: every.astype(sums.dtype) * sums, found)


def _block(rows: LogisticRows, index: Array, every: Array) -> tuple[Array, Array, Array]:
    n = len(rows.y)
    if n <= BLOCK:
        return rows.X - rows.m, rows.y, rows.w
    places = (index * BLOCK + jnp.arange(BLOCK, dtype=every.dtype)) * every
    within = jnp.minimum(places, n - 1)
    return rows.X[within] - rows.m, rows.y[within], jnp.where(places < n, rows.w[within], 0)
