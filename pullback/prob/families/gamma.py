"""The gamma law."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
from jax.scipy.special import gammaln
from jaxtyping import Array, Float

from pullback.prob.families.family import Family
from pullback.prob.links.link import Link


@dataclass(frozen=True)
class Gamma(Family):
    r"""$\log p = -\frac{1}{\phi} \Big( \frac{y}{\mu} + \log \frac{\mu}{y} + \log \phi \Big) - \log y -
    \log \Gamma \Big( \frac{1}{\phi} \Big)$, a gamma law of shape $1 / \phi$; $V(\mu) = \mu^2$.

    Examples
    --------
    >>> from pullback.prob.links import LogLink
    >>> y, eta = jnp.array([1.0]), jnp.array([0.0])
    >>> Gamma().deviance(y, eta, LogLink()).tolist()
    [0.0]
    """

    name = "gamma"
    canonical_link = "inverse"
    known_dispersion = False
    support = "a number > 0"

    def supports(self, y: Float[Array, "*n"]) -> Array:
        return jnp.isfinite(y) & (y > 0)

    def in_range(self, mu: Float[Array, "*n"]) -> Array:
        return mu >= 0

    def boundary(self, y: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return jnp.zeros_like(y)

    def variance(self, mu: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return mu**2

    def start(self, y: Float[Array, "*n"], mean: Float[Array, ""]) -> Float[Array, "*n"]:
        return (y + mean) / 2

    def deviance(self, y: Float[Array, "*n"], eta: Float[Array, "*n"], link: Link) -> Float[Array, "*n"]:
        log_ratio = jnp.log(y) - link.log_inverse(eta)
        return 2 * (jnp.expm1(log_ratio) - log_ratio)

    def score(self, y: Float[Array, "*n"], eta: Float[Array, "*n"], link: Link) -> Float[Array, "*n"]:
        return jnp.expm1(jnp.log(y) - link.log_inverse(eta)) * link.log_slope(eta)

    def information(self, eta: Float[Array, "*n"], link: Link) -> Float[Array, "*n"]:
        return link.log_slope(eta) ** 2

    def log_likelihood(
        self,
        y: Float[Array, "*n"],
        eta: Float[Array, "*n"],
        link: Link,
        dispersion: Float[Array, ""],
        m: Float[Array, "*n"],
    ) -> Float[Array, "*n"]:
        shape = m / dispersion
        log_ratio = jnp.log(y) - link.log_inverse(eta)
        return shape * (log_ratio - jnp.exp(log_ratio) + jnp.log(shape)) - jnp.log(y) - gammaln(shape)
