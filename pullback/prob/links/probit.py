"""The normal quantile as a link."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.prob.links.link import Link


@dataclass(frozen=True)
class ProbitLink(Link):
    r"""$\eta = \Phi^{-1}(\mu)$: a normal quantity is observed only as above or below a threshold.

    Examples
    --------
    >>> float(ProbitLink().inverse(jnp.float32(0.0)))
    0.5
    """

    name = "probit"

    def __call__(self, mu: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return jax.scipy.special.ndtri(mu)

    def inverse(self, eta: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return jax.scipy.special.ndtr(eta)

    def derivative(self, eta: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return jnp.exp(_log_density(eta))

    def log_inverse(self, eta: Float[Array, "*n"]) -> Float[Array, "*n"]:
        # Near one the logarithm is known by how much is missing.
        low = jnp.minimum(eta, 0)
        high = jnp.log1p(-jax.scipy.special.ndtr(-jnp.maximum(eta, 0)))
        return jnp.where(eta > 0, high, jax.scipy.special.log_ndtr(low))

    def log_complement(self, eta: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return self.log_inverse(-eta)

    def log_slope(self, eta: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return jnp.exp(_log_density(eta) - self.log_inverse(eta))

    def complement_slope(self, eta: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return self.log_slope(-eta)


def _log_density(eta: Float[Array, "*n"]) -> Float[Array, "*n"]:
    return -(eta**2) / 2 - jnp.log(2 * jnp.pi) / 2
