"""The complementary log-log function as a link."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.prob.links.link import Link


@dataclass(frozen=True)
class ComplementaryLogLogLink(Link):
    r"""$\eta = \log(-\log(1 - \mu))$: at least one event of a Poisson law of mean $e^\eta$; proportional hazards.

    Examples
    --------
    >>> float(ComplementaryLogLogLink().log_inverse(jnp.float32(-1000.0)))
    -1000.0
    """

    name = "cloglog"

    def __call__(self, mu: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return jnp.log(-jnp.log1p(-mu))

    def inverse(self, eta: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return -jnp.expm1(-jnp.exp(eta))

    def derivative(self, eta: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return jnp.exp(eta - jnp.exp(eta))

    def log_inverse(self, eta: Float[Array, "*n"]) -> Float[Array, "*n"]:
        # 1 - exp(-t) = t (1 - t / 2 + ...), whose logarithm is known long after t = exp(eta) is zero.
        small = eta < jnp.log(jnp.finfo(eta.dtype).eps)
        t = jnp.exp(jnp.where(small, 0, eta))
        return jnp.where(small, eta, jnp.where(t > 1, jnp.log1p(-jnp.exp(-t)), jnp.log(-jnp.expm1(-t))))

    def log_complement(self, eta: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return -jnp.exp(eta)

    def log_slope(self, eta: Float[Array, "*n"]) -> Float[Array, "*n"]:
        small = eta < jnp.log(jnp.finfo(eta.dtype).eps)
        ordinary = jnp.where(small, 0, eta)
        t = jnp.exp(ordinary)
        return jnp.where(small, 1.0, jnp.exp(ordinary - t) / -jnp.expm1(-t))

    def complement_slope(self, eta: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return jnp.exp(eta)
