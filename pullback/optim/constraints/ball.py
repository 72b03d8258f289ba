"""Balls in the Euclidean norm, the sum of absolute values, and the largest of them."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.core.checks import positive
from pullback.core.errors import ConfigurationError
from pullback.optim.constraints.constraint import Constraint
from pullback.optim.constraints.simplex import Simplex

NORMS = (1, 2, "inf")


class Ball(Constraint):
    r"""$\{x : \lVert x - c \rVert_p \le r\}$ with $p$ one of $1, 2, \infty$.

    Parameters
    ----------
    radius : $r$.
    norm : 1, 2 or "inf".
    center : $c$, a number or a vector.

    Examples
    --------
    >>> Ball(1.0).project(jnp.array([3.0, 4.0])).round(6).tolist()
    [0.6000000238418579, 0.800000011920929]
    >>> Ball(1.0, norm=1).project(jnp.array([3.0, -2.5])).tolist()
    [0.75, -0.25]

    References
    ----------
    Parikh, Boyd, "Proximal algorithms", Foundations and Trends in Optimization 1 (2014), section 6.
    """

    radius: Any = 1.0
    norm: int | str = 2
    center: Any = 0.0

    def __check_init__(self) -> None:
        if self.norm not in NORMS:
            raise ConfigurationError(
                "the ball has no such norm", expected="1, 2 or 'inf'", got=repr(self.norm), fix="choose one of these"
            )
        if isinstance(self.radius, float | int):
            positive("radius", self.radius)

    def project(self, x: Float[Array, " n"]) -> Float[Array, " n"]:
        radius, center = jnp.asarray(self.radius, x.dtype), jnp.asarray(self.center, x.dtype)
        offset = x - center
        if self.norm == "inf":
            return center + jnp.clip(offset, -radius, radius)
        if self.norm == 2:
            # A point inside keeps its bits: the factor is then exactly one.
            return center + offset * (radius / jnp.maximum(jnp.linalg.norm(offset), radius))
        size = jnp.abs(offset)
        outside = jnp.sum(size) > radius
        return center + jnp.where(outside, jnp.sign(offset) * Simplex(radius).project(size), offset)

    def linear_minimizer(self, gradient: Float[Array, " n"]) -> Float[Array, " n"]:
        radius, center = jnp.asarray(self.radius, gradient.dtype), jnp.asarray(self.center, gradient.dtype)
        if self.norm == "inf":
            return center - radius * jnp.sign(gradient)
        if self.norm == 2:
            norm = jnp.linalg.norm(gradient)
            return center - radius * gradient / jnp.where(norm > 0, norm, 1)
        largest = jnp.argmax(jnp.abs(gradient))
        corner = jnp.zeros_like(gradient).at[largest].set(-radius * jnp.sign(gradient[largest]))
        return center + corner
