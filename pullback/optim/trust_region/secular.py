"""The secular equation: how far a symmetric matrix is shifted so that the step has the length of the radius."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

# Newton's iteration on the secular equation is monotone and mostly ends within ten.
MAX_ITERATIONS = 60


class SecularSolution(NamedTuple):
    r"""The step in the coordinates of the eigenvectors.

    Parameters
    ----------
    coordinates : $z$ with $(W + \lambda I) z = -c$ and $\lVert z \rVert \le \Delta$.
    shifted : the diagonal of $W + \lambda I$, without the cancellation of the sum.
    multiplier : $\lambda$.
    boundary : whether $\lVert z \rVert = \Delta$.
    """

    coordinates: Float[Array, " n"]
    shifted: Float[Array, " n"]
    multiplier: Float[Array, ""]
    boundary: Bool[Array, ""]

    @property
    def decrease(self) -> Float[Array, ""]:
        r"""$\tfrac12 z^\top (W + \lambda I) z + \tfrac12 \lambda \lVert z \rVert^2$, what the model foretells."""
        squares = self.coordinates**2
        return (jnp.vdot(self.shifted, squares) + self.multiplier * jnp.sum(squares)) / 2


def solve_secular_equation(
    eigenvalues: Float[Array, " n"], coefficients: Float[Array, " n"], radius: Float[Array, ""]
) -> SecularSolution:
    r"""Minimizer of $c^\top z + \tfrac12 z^\top W z$ for $\lVert z \rVert \le \Delta$, $W$ diagonal and ascending.

    $$ z_i(\lambda) = -\frac{c_i}{w_i + \lambda}, \qquad \frac{1}{\lVert z(\lambda) \rVert} = \frac{1}{\Delta},
       \qquad \lambda > \max(0, -w_1) $$

    $1 / \lVert z(\lambda) \rVert$ is concave and rises, so that Newton's iteration from the left of the root is
    monotone. In the hard case ($c$ has no part along the eigenvectors of $w_1 \le 0$, and the pole leaves the step
    short) the step is filled up along the first eigenvector.

    References
    ----------
    Moré, Sorensen, "Computing a trust region step", SIAM J. Sci. Stat. Comput. 4 (1983); Conn, Gould, Toint,
    "Trust-Region Methods", SIAM (2000), section 7.3.
    """
    dtype = coefficients.dtype
    pole = jnp.maximum(-jnp.min(eigenvalues), 0)
    # Counted from the pole, so that small distances to it keep their digits.
    gaps = eigenvalues + pole
    magnitudes = jnp.abs(coefficients)
    at_pole = jnp.where(magnitudes > 0, magnitudes / gaps, 0)
    length_at_pole = jnp.linalg.norm(at_pole)
    inside = length_at_pole <= radius

    # No entry alone may be longer than the radius: a bound on the root from the left.
    start = jnp.maximum(jnp.max(magnitudes / radius - gaps), 0)
    mu = jnp.where(inside, 0, _newton(gaps, magnitudes, radius, start))
    shifted = gaps + mu
    coordinates = jnp.where(magnitudes > 0, -coefficients / jnp.where(shifted > 0, shifted, 1), 0)
    hard = inside & (pole > 0)
    missing = jnp.sqrt(jnp.maximum(radius**2 - length_at_pole**2, 0))
    lowest = jnp.zeros(eigenvalues.size, bool).at[jnp.argmin(eigenvalues)].set(True)
    coordinates = coordinates + jnp.where(lowest & hard, missing, 0)
    return SecularSolution(coordinates.astype(dtype), shifted, pole + mu, hard | ~inside)


def _newton(gaps: Array, magnitudes: Array, radius: Array, start: Array) -> Float[Array, ""]:
    tolerance = 16 * jnp.finfo(gaps.dtype).eps

    def lengths(mu: Array) -> tuple[Array, Array]:
        shifted = jnp.where(magnitudes > 0, gaps + mu, 1)
        z = magnitudes / shifted
        return jnp.linalg.norm(z), jnp.sum(z**2 / shifted)

    def going(carry: tuple[Array, Array, Array]) -> Array:
        _, error, iteration = carry
        return (error > tolerance) & (iteration < MAX_ITERATIONS)

    def advance(carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        mu, _, iteration = carry
        length, slope = lengths(mu)
        return mu + (length / radius - 1) * length**2 / slope, length / radius - 1, iteration + 1

    return jax.lax.while_loop(going, advance, (start, jnp.full_like(start, jnp.inf), jnp.zeros((), jnp.int32)))[0]
