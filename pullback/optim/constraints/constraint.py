"""What a convex set is to a method: something to project on, and to minimize linear functions over."""

from __future__ import annotations

from abc import abstractmethod

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float


class Constraint(eqx.Module):
    """A closed convex set of vectors; a frozen dataclass of options, which may be arrays."""

    @abstractmethod
    def project(self, x: Float[Array, " n"]) -> Float[Array, " n"]:
        r"""The nearest point of the set, $\arg\min_{z \in C} \lVert z - x \rVert$."""

    @abstractmethod
    def linear_minimizer(self, gradient: Float[Array, " n"]) -> Float[Array, " n"]:
        r"""A point of the set where the linear function is least, $\arg\min_{s \in C} g^\top s$."""

    def distance(self, x: Float[Array, " n"]) -> Float[Array, ""]:
        r"""$\lVert x - P(x) \rVert$."""
        return jnp.linalg.norm(x - self.project(x))

    def contains(self, x: Float[Array, " n"]) -> Bool[Array, ""]:
        """Whether the point lies in the set, but for rounding."""
        return self.distance(x) <= 1e3 * jnp.finfo(x.dtype).eps * (1 + jnp.linalg.norm(x))
