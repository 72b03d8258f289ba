"""The softmax with its Jacobian, and gradient and Hessian of its cross-entropy, in closed form."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def softmax(z: Float[Array, "*n k"]) -> Float[Array, "*n k"]:
    r"""$p_k = e^{z_k} / \sum_l e^{z_l}$, without overflow.

    Examples
    --------
    >>> softmax(jnp.array([1000.0, 1000.0])).tolist()
    [0.5, 0.5]
    """
    e = jnp.exp(z - jnp.max(z, axis=-1, keepdims=True))
    return e / jnp.sum(e, axis=-1, keepdims=True)


def softmax_jacobian(p: Float[Array, " k"]) -> Float[Array, "k k"]:
    r"""$\operatorname{diag}(p) - p p^\top$, the derivatives of the probabilities by the scores.

    Examples
    --------
    >>> softmax_jacobian(jnp.array([0.25, 0.75])).tolist()
    [[0.1875, -0.1875], [-0.1875, 0.1875]]
    """
    return jnp.diag(p) - jnp.outer(p, p)


def softmax_gradient(X: Float[Array, "n p"], P: Float[Array, "n k"], Y: Float[Array, "n k"]) -> Float[Array, "k p"]:
    r"""$(P - Y)^\top X$, the gradient of the sum of cross-entropies by the weights of each class.

    `Y` has a one in the column of each row's class, or the row's weight, and `P` is weighted alike.
    """
    return (P - Y).T @ X


def softmax_hessian(X: Float[Array, "n p"], P: Float[Array, "n k"], w: Float[Array, " n"]) -> Float[Array, "k p k p"]:
    r"""$H_{kl} = X^\top \operatorname{diag}( w\, p_k (\delta_{kl} - p_l) ) X$, one block for each two classes."""
    classes = P.shape[1]

    def block(pair: Array) -> Array:
        first, second = pair // classes, pair % classes
        d = w * P[:, first] * ((first == second).astype(P.dtype) - P[:, second])
        return X.T @ (d[:, None] * X)

    blocks = jax.lax.map(block, jnp.arange(classes * classes))
    return blocks.reshape(classes, classes, *blocks.shape[1:]).transpose(0, 2, 1, 3)


def softmax_hessian_product(
    X: Float[Array, "n p"], P: Float[Array, "n k"], w: Float[Array, " n"], V: Float[Array, "k p"]
) -> Float[Array, "k p"]:
    r"""$\sum_l H_{kl} v_l$, of the Jacobian of each row's softmax times its row of $X V^\top$."""
    S = X @ V.T
    return (w[:, None] * P * (S - jnp.sum(P * S, axis=1, keepdims=True))).T @ X


def cross_entropy(z: Float[Array, "n k"], Y: Float[Array, "n k"]) -> Float[Array, " n"]:
    r"""$\log \sum_k e^{z_k} - \sum_k Y_k z_k$ of each row."""
    return jax.nn.logsumexp(z, axis=1) - jnp.sum(Y * z, axis=1)
