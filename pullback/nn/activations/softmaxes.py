"""Softmax, its logarithm and log-sum-exp, finite for any finite input."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def _shift(x: Float[Array, "*shape"], axis: int) -> Float[Array, "*reduced"]:
    """The maximum along `axis`, or 0 where all entries are minus infinity."""
    maximum = jax.lax.stop_gradient(jnp.max(x, axis=axis, keepdims=True))
    return jnp.where(jnp.isneginf(maximum), 0.0, maximum)


@functools.partial(jax.jit, static_argnames="axis")
def log_sum_exp(x: Float[Array, "*shape"], axis: int = -1) -> Float[Array, "*rest"]:
    r"""\(\log\sum_k e^{x_k} = m + \log\sum_k e^{x_k - m}\), \(m = \max_k x_k\); `axis` is summed away.

    Examples
    --------
    >>> print(log_sum_exp(jnp.array([1000.0, 1000.0])).round(2))
    1000.69
    """
    m = _shift(x, axis)
    return jnp.squeeze(m, axis) + jnp.log(jnp.sum(jnp.exp(x - m), axis=axis))


@functools.partial(jax.jit, static_argnames="axis")
def softmax(x: Float[Array, "*shape"], axis: int = -1) -> Float[Array, "*shape"]:
    r"""\(e^{x_k}/\sum_j e^{x_j}\) along `axis`.

    Examples
    --------
    >>> softmax(jnp.array([0.0, 0.0, -1000.0])).tolist()
    [0.5, 0.5, 0.0]

    Source: Bridle, NATO ASI 68, 1990.
    """
    e = jnp.exp(x - _shift(x, axis))
    return e / jnp.sum(e, axis=axis, keepdims=True)


@functools.partial(jax.jit, static_argnames="axis")
def log_softmax(x: Float[Array, "*shape"], axis: int = -1) -> Float[Array, "*shape"]:
    r"""\(x_k - \log\sum_j e^{x_j}\) along `axis`.

    Examples
    --------
    >>> log_softmax(jnp.array([0.0, -1000.0])).tolist()
    [0.0, -1000.0]
    """
    shifted = x - _shift(x, axis)
    return shifted - jnp.log(jnp.sum(jnp.exp(shifted), axis=axis, keepdims=True))
