"""What a link function is asked for."""

from __future__ import annotations

from abc import ABC, abstractmethod

import jax.numpy as jnp
from jaxtyping import Array, Float


class Link(ABC):
    r"""A monotone $g$ with $g(\mu) = \eta$ between the mean and the linear predictor.

    Everything a likelihood needs is asked for as a function of $\eta$, and as logarithms or quotients where the plain
    value would underflow: at $\eta = -1000$ a probability is zero in floating point, its logarithm is not. Members
    have no parameters: two links of one class are equal, so they are settings of a compiled program.
    """

    name: str

    @abstractmethod
    def __call__(self, mu: Float[Array, "*n"]) -> Float[Array, "*n"]:
        r"""$g(\mu)$."""

    @abstractmethod
    def inverse(self, eta: Float[Array, "*n"]) -> Float[Array, "*n"]:
        r"""$\mu = g^{-1}(\eta)$."""

    @abstractmethod
    def derivative(self, eta: Float[Array, "*n"]) -> Float[Array, "*n"]:
        r"""$\mu' = d\mu / d\eta$."""

    def log_inverse(self, eta: Float[Array, "*n"]) -> Float[Array, "*n"]:
        r"""$\log \mu$; NaN outside the range of the mean."""
        return jnp.log(self.inverse(eta))

    def log_complement(self, eta: Float[Array, "*n"]) -> Float[Array, "*n"]:
        r"""$\log(1 - \mu)$, for means that are probabilities."""
        return jnp.log1p(-self.inverse(eta))

    def log_slope(self, eta: Float[Array, "*n"]) -> Float[Array, "*n"]:
        r"""$\mu' / \mu$, the derivative of $\log \mu$."""
        return self.derivative(eta) / self.inverse(eta)

    def complement_slope(self, eta: Float[Array, "*n"]) -> Float[Array, "*n"]:
        r"""$\mu' / (1 - \mu)$, the derivative of $-\log(1 - \mu)$."""
        return self.derivative(eta) / (1 - self.inverse(eta))
