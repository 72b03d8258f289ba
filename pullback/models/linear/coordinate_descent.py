"""Coordinate descent for the elastic net, on the products of the columns."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from pullback.models.linear.duality_gap import PenalizedObjective, duality_gap, rounding, small_gap

# Sweeps between two looks at the duality gap.
SWEEPS = 10


class Descent(NamedTuple):
    """Coefficients, products $c = q - G b$ of columns and residual, the objective there, sweeps made."""

    b: Float[Array, " p"]
    c: Float[Array, " p"]
    objective: PenalizedObjective
    sweeps: Int[Array, ""]


def soft_threshold(z: Float[Array, ""], l1: Float[Array, ""], positive: bool = False) -> Float[Array, ""]:
    r"""$\operatorname{sign}(z) \max(|z| - l_1, 0)$; $\max(z - l_1, 0)$ where the result may not be negative."""
    return jnp.maximum(z - l1, 0) - (0 if positive else jnp.maximum(-z - l1, 0))


@partial(jax.jit, static_argnames="positive")
def coordinate_descent(
    G: Float[Array, "p p"],
    q: Float[Array, " p"],
    s: Float[Array, ""],
    l1: Float[Array, ""],
    l2: Float[Array, ""],
    b: Float[Array, " p"],
    tolerance: Float[Array, ""],
    most_sweeps: Int[Array, ""],
    positive: bool = False,
) -> Descent:
    r"""The minimum over $b$ of $-q^\top b + \tfrac12 b^\top G b + l_1 \|b\|_1 + \tfrac12 l_2 \|b\|^2$.

    $$ b_j \leftarrow \frac{S(q_j - \sum_{k \ne j} G_{jk} b_k,\ l_1)}{G_{jj} + l_2}, \qquad j = 1, \dots, p $$

    again and again, with the soft threshold $S$. After every few sweeps the coefficients that are not zero are set to
    the minimum for their signs, if that is better: the signs found, all that remains is a linear system.

    References
    ----------
    Friedman, Hastie, Tibshirani, "Regularization paths for generalized linear models via coordinate descent", Journal
    of Statistical Software 33, 2010.
    """

    def look(b: Array) -> tuple[Array, Array, PenalizedObjective]:
        c = q - G @ b
        return b, c, duality_gap(q, s, b, c, l1, l2, positive)

    def more(state: Descent) -> Bool[Array, ""]:
        return (state.sweeps < most_sweeps) & ~small_gap(state.objective, s, tolerance)

    def body(state: Descent) -> Descent:
        swept = jax.lax.fori_loop(0, SWEEPS, lambda _, now: _sweep(G, l1, l2, positive, *now), (state.b, state.c))[0]
        plain, polished = look(swept), look(_minimum_for_signs(G, q, l1, l2, swept))
        # Of two gaps within rounding of each other the solved system is nearer; NaN is of one without a solution.
        better = polished[2].gap <= plain[2].gap + rounding(s)
        b, c, objective = jax.tree.map(lambda one, other: jnp.where(better, one, other), polished, plain)
        return Descent(b, c, objective, state.sweeps + SWEEPS)

    return jax.lax.while_loop(more, body, Descent(*look(b), jnp.zeros((), most_sweeps.dtype)))


def _sweep(G: Array, l1: Array, l2: Array, positive: bool, b: Array, c: Array) -> tuple[Array, Array]:
    def update(j: Array, now: tuple[Array, Array]) -> tuple[Array, Array]:
        b, c = now
        row = G[j]
        curvature = row[j] + l2
        # A column of zeros has no coefficient but zero.
        step = soft_threshold(c[j] + row[j] * b[j], l1, positive) / jnp.where(curvature > 0, curvature, 1) - b[j]
        return b.at[j].add(step), c - step * row

    return jax.lax.fori_loop(0, len(b), update, (b, c))


def _minimum_for_signs(G: Array, q: Array, l1: Array, l2: Array, b: Array) -> Array:
    active = b != 0
    pairs = active[:, None] & active[None, :]
    system = jnp.where(pairs, G, 0) + jnp.diag(jnp.where(active, l2, 1))
    right = jnp.where(active, q - l1 * jnp.sign(b), 0)
    found = jax.scipy.linalg.cho_solve((jnp.linalg.cholesky(system), True), right)
    return jnp.where(jnp.all(found * b >= 0), found, jnp.nan)
