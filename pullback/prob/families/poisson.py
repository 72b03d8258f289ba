"""The Poisson law."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
from jax.scipy.special import gammaln, xlogy
from jaxtyping import Array, Float

from pullback.prob.families.family import Family
from pullback.prob.links.link import Link


@dataclass(frozen=True)
class Poisson(Family):
    r"""$\log p = y \log \mu - \mu - \log y!$; $V(\mu) = \mu$.

    Examples
    --------
    >>> from pullback.prob.links import LogLink
    >>> y, eta = jnp.array([0.0]), jnp.array([0.0])
    >>> Poisson().deviance(y, eta, LogLink()).tolist()
    [2.0]
    """

    name = "poisson"
    canonical_link = "log"
    known_dispersion = True
    support = "a number >= 0"

    def supports(self, y: Float[Array, "*n"]) -> Array:
        return jnp.isfinite(y) & (y >= 0)

    def in_range(self, mu: Float[Array, "*n"]) -> Array:
        return mu >= 0

    def boundary(self, y: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return jnp.where(y == 0, -1.0, 0.0).astype(y.dtype)

    def variance(self, mu: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return mu

    def start(self, y: Float[Array, "*n"], mean: Float[Array, ""]) -> Float[Array, "*n"]:
        return (y + mean) / 2

    def deviance(self, y: Float[Array, "*n"], eta: Float[Array, "*n"], link: Link) -> Float[Array, "*n"]:
        return 2 * (xlogy(y, y) - times(y, link.log_inverse(eta)) - y + link.inverse(eta))

    def score(self, y: Float[Array, "*n"], eta: Float[Array, "*n"], link: Link) -> Float[Array, "*n"]:
        return y * link.log_slope(eta) - link.derivative(eta)

    def information(self, eta: Float[Array, "*n"], link: Link) -> Float[Array, "*n"]:
        return link.derivative(eta) * link.log_slope(eta)

    def log_likelihood(
        self,
        y: Float[Array, "*n"],
        eta: Float[Array, "*n"],
        link: Link,
        dispersion: Float[Array, ""],
        m: Float[Array, "*n"],
    ) -> Float[Array, "*n"]:
        return m * (times(y, link.log_inverse(eta)) - link.inverse(eta)) - gammaln(m * y + 1) + xlogy(m * y, m)


def times(y: Float[Array, "*n"], factor: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """The product, zero for y = 0 even where the factor is infinite."""
    return jnp.where(y == 0, 0, y * factor)
