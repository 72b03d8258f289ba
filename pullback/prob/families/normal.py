"""The normal law."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.prob.families.family import Family
from pullback.prob.links.link import Link


@dataclass(frozen=True)
class Normal(Family):
    r"""$\log p = -\frac{(y - \mu)^2}{2 \phi} - \frac{1}{2} \log 2 \pi \phi$ with the variance $\phi$; $V(\mu) = 1$.

    Examples
    --------
    >>> from pullback.prob.links import IdentityLink
    >>> y, eta = jnp.array([1.0]), jnp.array([3.0])
    >>> Normal().deviance(y, eta, IdentityLink()).tolist()
    [4.0]
    """

    name = "normal"
    canonical_link = "identity"
    known_dispersion = False
    support = "a finite number"

    def supports(self, y: Float[Array, "*n"]) -> Array:
        return jnp.isfinite(y)

    def in_range(self, mu: Float[Array, "*n"]) -> Array:
        return jnp.isfinite(mu)

    def boundary(self, y: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return jnp.zeros_like(y)

    def variance(self, mu: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return jnp.ones_like(mu)

    def start(self, y: Float[Array, "*n"], mean: Float[Array, ""]) -> Float[Array, "*n"]:
        return y

    def deviance(self, y: Float[Array, "*n"], eta: Float[Array, "*n"], link: Link) -> Float[Array, "*n"]:
        return (y - link.inverse(eta)) ** 2

    def score(self, y: Float[Array, "*n"], eta: Float[Array, "*n"], link: Link) -> Float[Array, "*n"]:
        return (y - link.inverse(eta)) * link.derivative(eta)

    def information(self, eta: Float[Array, "*n"], link: Link) -> Float[Array, "*n"]:
        return link.derivative(eta) ** 2

    def log_likelihood(
        self,
        y: Float[Array, "*n"],
        eta: Float[Array, "*n"],
        link: Link,
        dispersion: Float[Array, ""],
        m: Float[Array, "*n"],
    ) -> Float[Array, "*n"]:
        return -m * self.deviance(y, eta, link) / (2 * dispersion) - jnp.log(2 * jnp.pi * dispersion / m) / 2
