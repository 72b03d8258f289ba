"""The Cauchy point: along the steepest descent, as far as the model falls and the radius allows."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.optim.trust_region.solution import SubproblemSolution


def cauchy_length(a: Float[Array, ""], c: Float[Array, ""], radius: Float[Array, ""]) -> Float[Array, ""]:
    r"""Where $-a t + \tfrac12 c t^2$ is least on $[0, \Delta]$.

    $\min(\Delta, a / c)$ if $c > 0$, else $\Delta$.
    """
    return jnp.where(c > 0, jnp.minimum(radius, a / c), radius)


def cauchy_point(
    product: Callable[[Float[Array, " n"]], Float[Array, " n"]], g: Float[Array, " n"], radius: Float[Array, ""]
) -> SubproblemSolution:
    r"""Minimizer of the model along $-g$ within the radius.

    $$ p = -\tau \frac{\Delta}{\lVert g \rVert} g, \qquad
       \tau = \begin{cases} 1 & g^\top B g \le 0 \\
       \min\big(1, \lVert g \rVert^3 / (\Delta\, g^\top B g)\big) & \text{else} \end{cases} $$

    References
    ----------
    Nocedal, Wright, "Numerical Optimization" (2006), equations 4.11 and 4.12.
    """
    norm = jnp.linalg.norm(g)
    u = g / jnp.where(norm > 0, norm, 1)
    curvature = jnp.vdot(u, product(u))
    length = cauchy_length(norm, curvature, radius)
    decrease = norm * length - curvature * length**2 / 2
    unknown = jnp.full_like(norm, jnp.nan)
    return SubproblemSolution(-length * u, unknown, decrease, length, length >= radius, jnp.ones((), jnp.int32))
