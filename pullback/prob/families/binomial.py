"""The binomial law."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
from jax.scipy.special import gammaln, xlogy
from jaxtyping import Array, Float

from pullback.prob.families.family import Family
from pullback.prob.families.poisson import times
from pullback.prob.links.link import Link


@dataclass(frozen=True)
class Binomial(Family):
    r"""$\log p = m y \log \mu + m (1 - y) \log(1 - \mu) + \log \binom{m}{m y}$; $V(\mu) = \mu (1 - \mu)$.

    $y$ is the share of successes in $m$ trials.

    Examples
    --------
    >>> from pullback.prob.links import LogitLink
    >>> y, eta = jnp.array([0.0, 1.0]), jnp.array([1000.0, 1000.0])
    >>> Binomial().deviance(y, eta, LogitLink()).tolist()
    [2000.0, 0.0]
    """

    name = "binomial"
    canonical_link = "logit"
    known_dispersion = True
    support = "a number in [0, 1], or a count of successes not above the trials"

    def supports(self, y: Float[Array, "*n"]) -> Array:
        return (y >= 0) & (y <= 1)

    def in_range(self, mu: Float[Array, "*n"]) -> Array:
        return (mu >= 0) & (mu <= 1)

    def boundary(self, y: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return jnp.where(y == 0, -1.0, jnp.where(y == 1, 1.0, 0.0)).astype(y.dtype)

    def variance(self, mu: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return mu * (1 - mu)

    def start(self, y: Float[Array, "*n"], mean: Float[Array, ""]) -> Float[Array, "*n"]:
        return (y + 0.5) / 2

    def deviance(self, y: Float[Array, "*n"], eta: Float[Array, "*n"], link: Link) -> Float[Array, "*n"]:
        saturated = xlogy(y, y) + xlogy(1 - y, 1 - y)
        return 2 * (saturated - times(y, link.log_inverse(eta)) - times(1 - y, link.log_complement(eta)))

    def score(self, y: Float[Array, "*n"], eta: Float[Array, "*n"], link: Link) -> Float[Array, "*n"]:
        return times(y, link.log_slope(eta)) - times(1 - y, link.complement_slope(eta))

    def information(self, eta: Float[Array, "*n"], link: Link) -> Float[Array, "*n"]:
        return link.log_slope(eta) * link.complement_slope(eta)

    def log_likelihood(
        self,
        y: Float[Array, "*n"],
        eta: Float[Array, "*n"],
        link: Link,
        dispersion: Float[Array, ""],
        m: Float[Array, "*n"],
    ) -> Float[Array, "*n"]:
        of_one = times(y, link.log_inverse(eta)) + times(1 - y, link.log_complement(eta))
        return m * of_one + gammaln(m + 1) - gammaln(m * y + 1) - gammaln(m * (1 - y) + 1)
