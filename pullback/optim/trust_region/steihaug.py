"""Steihaug's truncated conjugate gradients: the sub-problem by products with the Hessian alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.linalg import IterationReason, conjugate_gradient
from pullback.optim.trust_region.solution import SubproblemSolution


def steihaug_step(
    product: Callable[[Float[Array, " n"]], Float[Array, " n"]],
    g: Float[Array, " n"],
    radius: Float[Array, ""],
    tolerance: Any,
    max_steps: int,
) -> SubproblemSolution:
    r"""Conjugate gradients on $B p = -g$ until they leave the radius or meet a direction of negative curvature.

    The first iterate is the Cauchy point and the length of the iterates grows, so that the point where the path
    leaves the radius is at least as good as the Cauchy point. Ended by
    $\lVert B p + g \rVert \le \text{tolerance} \cdot \lVert g \rVert$.

    References
    ----------
    Steihaug, "The conjugate gradient method and trust regions in large scale optimization", SIAM J. Numer. Anal. 20
    (1983).
    """
    solved = conjugate_gradient(product, -g, tolerance=tolerance, radius=radius, max_steps=max_steps, verify=False)
    step = solved.x
    reason = solved.reason
    boundary = (reason == IterationReason.BOUNDARY) | (reason == IterationReason.NEGATIVE_CURVATURE)
    decrease = -jnp.vdot(g, step) - jnp.vdot(step, product(step)) / 2
    unknown = jnp.full((), jnp.nan, g.dtype)
    return SubproblemSolution(
        step, unknown, decrease, jnp.linalg.norm(step), boundary, solved.steps.astype(jnp.int32) + 1
    )
