"""The logarithm as a link."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.prob.links.link import Link


@dataclass(frozen=True)
class LogLink(Link):
    r"""$\eta = \log \mu$: effects multiply the mean. Canonical for the Poisson law.

    Examples
    --------
    >>> float(LogLink().log_inverse(jnp.float32(-1000.0)))
    -1000.0
    """

    name = "log"

    def __call__(self, mu: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return jnp.log(mu)

    def inverse(self, eta: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return jnp.exp(eta)

    def derivative(self, eta: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return jnp.exp(eta)

    def log_inverse(self, eta: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return eta

    def log_complement(self, eta: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return jnp.log(-jnp.expm1(eta))

    def log_slope(self, eta: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return jnp.ones_like(eta)

    def complement_slope(self, eta: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return 1 / jnp.expm1(-eta)
