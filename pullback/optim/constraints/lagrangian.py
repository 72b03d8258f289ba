"""The formulas of penalties and multipliers."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float


def augmented_lagrangian(
    f: Float[Array, ""],
    g: Float[Array, " p"],
    h: Float[Array, " q"],
    lam: Float[Array, " p"],
    mu: Float[Array, " q"],
    rho: Float[Array, ""],
) -> Float[Array, ""]:
    r"""$f - \lambda^\top g + \frac{\rho}{2} \lVert g \rVert^2
    + \frac{1}{2 \rho} \sum_i \left( \max(0, \mu_i - \rho h_i)^2 - \mu_i^2 \right)$.

    The source is Rockafellar, "Augmented Lagrange multiplier functions and duality in nonconvex programming", SIAM
    Journal on Control 12 (1974).
    """
    equalities = rho / 2 * jnp.sum(g**2) - jnp.sum(lam * g)
    inequalities = jnp.sum(jnp.maximum(mu - rho * h, 0) ** 2 - mu**2) / (2 * rho)
    return f + equalities + inequalities


def equality_multipliers(lam: Float[Array, " p"], g: Float[Array, " p"], rho: Float[Array, ""]) -> Float[Array, " p"]:
    r"""$\lambda - \rho g$."""
    return lam - rho * g


def inequality_multipliers(mu: Float[Array, " q"], h: Float[Array, " q"], rho: Float[Array, ""]) -> Float[Array, " q"]:
    r"""$\max(0, \mu - \rho h)$."""
    return jnp.maximum(mu - rho * h, 0)


def lagrangian(
    f: Float[Array, ""],
    g: Float[Array, " p"],
    h: Float[Array, " q"],
    lam: Float[Array, " p"],
    mu: Float[Array, " q"],
) -> Float[Array, ""]:
    r"""$f - \lambda^\top g - \mu^\top h$."""
    return f - jnp.sum(lam * g) - jnp.sum(mu * h)


def infeasibility(g: Float[Array, " p"], h: Float[Array, " q"]) -> Float[Array, ""]:
    r"""$\max \left( \max_i |g_i|, \max_i (-h_i), 0 \right)$."""
    return jnp.maximum(jnp.max(jnp.abs(g), initial=0), jnp.max(-h, initial=0))


def complementarity_residual(h: Float[Array, " q"], mu: Float[Array, " q"]) -> Float[Array, ""]:
    r"""$\max_i |\min(h_i, \mu_i)|$: zero if each is not negative and one of both is zero."""
    return jnp.max(jnp.abs(jnp.minimum(h, mu)), initial=0)
