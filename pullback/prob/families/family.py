"""What a law of the observations is asked for in a generalized linear model."""

from __future__ import annotations

from abc import ABC, abstractmethod

import jax
from jaxtyping import Array, Float

from pullback.prob.links.link import Link


class Family(ABC):
    r"""An exponential dispersion family: $\operatorname{E} y = \mu$, $\operatorname{var} y = \phi V(\mu) / m$.

    All are functions of the linear predictor $\eta = g(\mu)$ and the link $g$, a value for each row, of one
    observation with $m = 1$; a row that is the mean of $m$ such observations (a share of $m$ trials) counts its
    deviance, score and information $m$ times. Members have no parameters and are equal to each other, so they are
    settings of a compiled program.
    """

    name: str
    # Name of the canonical link, and whether the dispersion is one or to be estimated.
    canonical_link: str
    known_dispersion: bool
    # What an observation must be, in words.
    support: str

    @abstractmethod
    def supports(self, y: Float[Array, "*n"]) -> Array:
        """Whether each `y` is a value that the law can have, or a mean of such."""

    @abstractmethod
    def in_range(self, mu: Float[Array, "*n"]) -> Array:
        """Whether each `mu` can be a mean of the law, up to the ends that it tends to."""

    @abstractmethod
    def boundary(self, y: Float[Array, "*n"]) -> Float[Array, "*n"]:
        r"""1 where the likelihood grows for ever with $\mu$, -1 where it grows for ever as $\mu$ falls, else 0."""

    @abstractmethod
    def variance(self, mu: Float[Array, "*n"]) -> Float[Array, "*n"]:
        r"""$V(\mu)$."""

    @abstractmethod
    def start(self, y: Float[Array, "*n"], mean: Float[Array, ""]) -> Float[Array, "*n"]:
        """A first guess of each mean, inside the range of means."""

    @abstractmethod
    def deviance(self, y: Float[Array, "*n"], eta: Float[Array, "*n"], link: Link) -> Float[Array, "*n"]:
        r"""$d(y, \mu) = 2 \phi (\ell(y; y) - \ell(y; \mu))$."""

    @abstractmethod
    def score(self, y: Float[Array, "*n"], eta: Float[Array, "*n"], link: Link) -> Float[Array, "*n"]:
        r"""$-\frac{1}{2} \frac{\partial d}{\partial \eta} = (y - \mu) \mu' / V(\mu)$."""

    @abstractmethod
    def information(self, eta: Float[Array, "*n"], link: Link) -> Float[Array, "*n"]:
        r"""Expected $\frac{1}{2} \frac{\partial^2 d}{\partial \eta^2}$, which is $\mu'^2 / V(\mu)$."""

    @abstractmethod
    def log_likelihood(
        self,
        y: Float[Array, "*n"],
        eta: Float[Array, "*n"],
        link: Link,
        dispersion: Float[Array, ""],
        m: Float[Array, "*n"],
    ) -> Float[Array, "*n"]:
        r"""$\ell = \log p(y; \mu, \phi / m)$."""

    def observed_information(self, y: Float[Array, "*n"], eta: Float[Array, "*n"], link: Link) -> Float[Array, "*n"]:
        r"""$\frac{1}{2} \frac{\partial^2 d}{\partial \eta^2}$ itself, by the derivative of the score."""
        return -jax.jvp(lambda eta: self.score(y, eta, link), (eta,), (jax.numpy.ones_like(eta),))[1]
