"""The identity as a link."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.prob.links.link import Link


@dataclass(frozen=True)
class IdentityLink(Link):
    r"""$\eta = \mu$: effects add to the mean. Canonical for the normal law.

    Examples
    --------
    >>> float(IdentityLink().inverse(jnp.float32(2.5)))
    2.5
    """

    name = "identity"

    def __call__(self, mu: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return mu

    def inverse(self, eta: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return eta

    def derivative(self, eta: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return jnp.ones_like(eta)
