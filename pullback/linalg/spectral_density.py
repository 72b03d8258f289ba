"""The distribution of the eigenvalues of a large symmetric matrix, by stochastic Lanczos quadrature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.core.checks import positive_integer
from pullback.core.precision import double_precision
from pullback.linalg.hutchinson_trace import random_vectors
from pullback.linalg.lanczos import lanczos_from
from pullback.linalg.product import Product, as_product, as_vector
from pullback.linalg.start import size_and_type


class SpectralDensity(NamedTuple):
    r"""A discrete distribution for each probe: `nodes` with `weights` of sum 1, both of shape (probes, m).

    Where Lanczos' method ended early the remaining weights are zero, at the largest node.
    """

    nodes: Any
    weights: Any

    def density(self, points: Any, width: Any) -> Any:
        r"""$\frac1p \sum_{i,k} w_{ik}\, \mathcal{N}(t;\, \theta_{ik}, \text{width}^2)$ at each of the points."""
        return _density(self.nodes, self.weights, points, width)

    def cumulative(self, points: Any) -> Any:
        r"""The share of eigenvalues at most t, $\frac1p \sum_{\theta_{ik} \le t} w_{ik}$, at each of the points."""
        return _cumulative(self.nodes, self.weights, points)


@double_precision
def spectral_density(
    product: Product,
    start: Any = None,
    *,
    probes: int = 10,
    steps: int = 50,
    distribution: str = "rademacher",
    key: Any = 0,
) -> SpectralDensity:
    r"""The distribution of the eigenvalues of a symmetric matrix, as nodes and weights.

    $$ \frac1n \sum_{i=1}^n f(\lambda_i) = \frac1n \operatorname{tr} f(A) \approx
       \frac1p \sum_{i=1}^p \sum_{k=1}^m w_{ik} f(\theta_{ik}) $$

    with the Ritz values $\theta_{ik}$ of $m$ Lanczos steps from the random vector $z_i$ and the squared first entries
    $w_{ik}$ of the eigenvectors of $T_i$: Gauss quadrature, exact for polynomials of degree $2m - 1$ in place of
    $z_i^\top f(A) z_i / z_i^\top z_i$.

    Parameters
    ----------
    product : $A$, a symmetric matrix of shape (n, n), or a function of a vector that returns $A v$.
    start : n, or any vector of shape (n,), of which only shape and type are used; a matrix may leave it out.
    probes, steps : p and m (at most n).
    distribution : of the random vectors, "rademacher" or "normal".
    key : an integer or a JAX key. Within a compiled program pass a JAX key or a start vector.

    Raises
    ------
    ShapeError, DataError, ConfigurationError
        for a matrix that is not square or symmetric, a size that is missing, an unknown distribution.

    Examples
    --------
    Three of four eigenvalues lie below 4:

    >>> import numpy as np
    >>> found = spectral_density(np.diag([1.0, 2.0, 3.0, 9.0]), steps=4)
    >>> found.cumulative(np.array([4.0, 10.0])).round(8).tolist()
    [0.75, 1.0]

    References
    ----------
    Ubaru, Chen and Saad, "Fast estimation of tr(f(A)) via stochastic Lanczos quadrature", SIAM J. Matrix Anal. Appl.
    38 (2017). Ghorbani, Krishnan and Xiao, "An investigation into neural net optimization via Hessian eigenvalue
    density", ICML 2019.
    """
    size, dtype = size_and_type(product, start)
    operator = as_product(product, dtype, size)
    shape = (positive_integer("probes", probes), size)
    vectors = random_vectors(key, "spectral density", distribution, shape, dtype)
    return _quadratures(operator, vectors, min(positive_integer("steps", steps), size))


@eqx.filter_jit
def _quadratures(product: Callable[[Any], Any], vectors: Float[Array, "probes n"], steps: int) -> SpectralDensity:
    def quadrature(z: Float[Array, " n"]) -> tuple[Array, Array]:
        found = lanczos_from(product, z / jnp.linalg.norm(z), steps, True)
        nodes = found.ritz_values
        return jnp.where(jnp.isnan(nodes), jnp.nanmax(nodes), nodes), found.weights

    return SpectralDensity(*jax.lax.map(quadrature, vectors))


@double_precision
def _density(nodes: Any, weights: Any, points: Any, width: Any) -> Any:
    nodes, weights, t = jnp.ravel(nodes), jnp.ravel(weights) / len(nodes), as_vector("points", points)
    scaled = (t[:, None] - nodes) / width
    return jnp.exp(-(scaled**2) / 2) @ weights / (width * (2 * jnp.pi) ** 0.5)


@double_precision
def _cumulative(nodes: Any, weights: Any, points: Any) -> Any:
    nodes, weights, t = jnp.ravel(nodes), jnp.ravel(weights) / len(nodes), as_vector("points", points)
    return (nodes <= t[:, None]).astype(weights.dtype) @ weights
