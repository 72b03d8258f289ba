"""Clipping of each entry of the gradient."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from pullback.core.checks import positive


def clip_by_value_update(gradient: Float[Array, "*shape"], limit: float) -> Float[Array, "*shape"]:
    r"""$g' = \max(-c, \min(c, g))$."""
    return jnp.clip(gradient, -limit, limit)


def clip_by_value(limit: float) -> optax.GradientTransformation:
    r"""Bring each entry of the gradient into $[-c, c]$.

    $$ g_i \mapsto \max(-c, \min(c, g_i)) $$

    Parameters
    ----------
    limit : $c > 0$.

    Examples
    --------
    >>> clipper = clip_by_value(1.0)
    >>> gradient, _ = clipper.update(jnp.array([3.0, -0.5]), clipper.init(jnp.zeros(2)))
    >>> gradient.tolist()
    [1.0, -0.5]
    """
    positive("limit", limit)

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, optax.EmptyState]:
        return jax.tree.map(lambda gradient: clip_by_value_update(gradient, limit), updates), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)
