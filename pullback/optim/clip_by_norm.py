"""Clipping of the whole gradient by its length."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from pullback.core.checks import non_negative, positive


def global_norm(tree: Any) -> Float[Array, ""]:
    r"""$\|g\| = \sqrt{\sum_i g_i^2}$ over every entry of every leaf.

    Examples
    --------
    >>> float(global_norm({"weight": jnp.array([3.0]), "bias": jnp.array(4.0)}))
    5.0
    """
    squares = [jnp.sum(jnp.square(leaf)) for leaf in jax.tree.leaves(tree)]
    return jnp.sqrt(sum(squares, start=jnp.zeros((), squares[0].dtype if squares else None)))


def clip_by_norm_update(
    gradient: Float[Array, "*shape"], norm: Float[Array, ""], max_norm: float, epsilon: float
) -> Float[Array, "*shape"]:
    r"""$g' = \min(1, c / (n + \epsilon)) \, g$ with the norm $n$ of the whole gradient."""
    # Asked this way round, a zero gradient divides nothing by zero when epsilon is zero.
    factor = jnp.where(norm + epsilon > max_norm, max_norm / (norm + epsilon), jnp.ones_like(norm))
    return factor.astype(gradient.dtype) * gradient


def clip_by_norm(max_norm: float, *, epsilon: float = 1e-6) -> optax.GradientTransformation:
    r"""Shorten the gradient to `max_norm` where it is longer.

    $$ g \mapsto \min\Big(1, \frac{c}{\|g\| + \epsilon}\Big) \, g $$

    Parameters
    ----------
    max_norm : $c > 0$.
    epsilon : 1e-6 as in `torch.nn.utils.clip_grad_norm_`; 0 gives `optax.clip_by_global_norm`.

    Examples
    --------
    >>> clipper = clip_by_norm(1.0)
    >>> gradient, _ = clipper.update(jnp.array([3.0, 4.0]), clipper.init(jnp.zeros(2)))
    >>> [round(entry, 4) for entry in gradient.tolist()]
    [0.6, 0.8]

    References
    ----------
    Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks", ICML 2013.
    """
    positive("max_norm", max_norm)
    non_negative("epsilon", epsilon)

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, optax.EmptyState]:
        norm = global_norm(updates)
        clipped = jax.tree.map(lambda gradient: clip_by_norm_update(gradient, norm, max_norm, epsilon), updates)
        return clipped, state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)
