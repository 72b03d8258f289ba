"""The log-odds as a link."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.prob.links.link import Link


@dataclass(frozen=True)
class LogitLink(Link):
    r"""$\eta = \log \frac{\mu}{1 - \mu}$: effects multiply the odds. Canonical for the binomial law.

    Examples
    --------
    >>> link = LogitLink()
    >>> float(link.inverse(jnp.float32(0.0))), float(link.log_complement(jnp.float32(1000.0)))
    (0.5, -1000.0)
    """

    name = "logit"

    def __call__(self, mu: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return jnp.log(mu) - jnp.log1p(-mu)

    def inverse(self, eta: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return jax.nn.sigmoid(eta)

    def derivative(self, eta: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return jax.nn.sigmoid(eta) * jax.nn.sigmoid(-eta)

    def log_inverse(self, eta: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return jax.nn.log_sigmoid(eta)

    def log_complement(self, eta: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return jax.nn.log_sigmoid(-eta)

    def log_slope(self, eta: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return jax.nn.sigmoid(-eta)

    def complement_slope(self, eta: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return jax.nn.sigmoid(eta)
