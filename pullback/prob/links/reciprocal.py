"""The reciprocal as a link."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.prob.links.link import Link


@dataclass(frozen=True)
class ReciprocalLink(Link):
    r"""$\eta = 1 / \mu$: effects add to a rate. Canonical for the gamma law.

    Examples
    --------
    >>> float(ReciprocalLink().inverse(jnp.float32(4.0)))
    0.25
    """

    name = "inverse"

    def __call__(self, mu: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return 1 / mu

    def inverse(self, eta: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return 1 / eta

    def derivative(self, eta: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return -1 / eta**2

    def log_inverse(self, eta: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return -jnp.log(eta)

    def log_slope(self, eta: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return -1 / eta
