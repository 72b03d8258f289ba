"""What the methods for sums of squares remember, and when they speak of a stationary point."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.optim.objective import Objective, Point


class ResidualMemory(NamedTuple):
    r"""Residuals and Jacobian at the present point.

    Parameters
    ----------
    r, J : $r(x)$ and $\partial r / \partial x$.
    column_norms : $d_j$, the largest $\lVert J_j \rVert$ so far, one where there was none.
    last_step : $\lVert d \odot (x_k - x_{k-1}) \rVert / \lVert d \odot x_k \rVert$ if that was a full Gauss-Newton
        step; infinite otherwise.
    smallest : norm of the residuals that is rounding beside those of the start.
    """

    r: Float[Array, " m"]
    J: Float[Array, "m n"]
    column_norms: Float[Array, " n"]
    last_step: Float[Array, ""]
    smallest: Float[Array, ""]


def column_cosines(J: Float[Array, "m n"], r: Float[Array, " m"]) -> Float[Array, " n"]:
    r"""$|J_j^\top r| / (\lVert J_j \rVert \lVert r \rVert)$ for each column, with norms above zero."""
    return jnp.abs(J.T @ r) / (jnp.sqrt(jnp.sum(J**2, axis=0)) * jnp.sqrt(jnp.sum(r**2)))


def start_memory(objective: Objective, x: Float[Array, " n"]) -> ResidualMemory:
    """At the start, where no step was made yet."""
    r, J = objective.residuals_and_jacobian(x)
    infinite = jnp.full((), jnp.inf, x.dtype)
    return ResidualMemory(r, J, _scale(J, jnp.zeros_like(x)), infinite, jnp.finfo(x.dtype).eps * jnp.linalg.norm(r))


def next_memory(
    objective: Objective, before: ResidualMemory, x_before: Float[Array, " n"], x: Float[Array, " n"], full: Array
) -> ResidualMemory:
    """At the point `x`, reached by a `full` Gauss-Newton step or another one."""
    r, J = objective.residuals_and_jacobian(x)
    scale = _scale(J, before.column_norms)
    length = jnp.linalg.norm(scale * (x - x_before)) / jnp.linalg.norm(scale * x)
    return ResidualMemory(r, J, scale, jnp.where(full, length, jnp.inf), before.smallest)


def point_of(x: Float[Array, " n"], memory: ResidualMemory) -> Point:
    r"""With $f = \tfrac12 \lVert r \rVert^2$ and $\nabla f = J^\top r$."""
    return Point(x, jnp.sum(memory.r**2) / 2, memory.J.T @ memory.r)


def least_squares_stationarity(memory: ResidualMemory) -> Float[Array, ""]:
    r"""A measure without units: it stays when residuals or parameters are measured in others.

    $$ \min \Big( \max_j \frac{|J_j^\top r|}{\lVert J_j \rVert \lVert r \rVert},\
       \frac{\lVert d \odot p \rVert}{\lVert d \odot x \rVert} \Big) $$

    The first is the cosine of the angle between the residuals and the nearest column, and small at every minimum with
    residuals; where the residuals vanish it does not become small, and the last full Gauss-Newton step $p$ does.
    Residuals that are rounding beside those of the start count as zero.
    """
    r, J = memory.r, memory.J
    norm = jnp.linalg.norm(r)
    empty = jnp.sum(J**2, axis=0) == 0
    safe = jnp.where(empty, jnp.ones_like(J), J)
    cosine = jnp.max(jnp.where(empty, 0, column_cosines(safe, jnp.where(norm > 0, r, 1))))
    measure = jnp.minimum(cosine, jnp.where(jnp.isfinite(memory.last_step), memory.last_step, jnp.inf))
    return jnp.where(norm <= memory.smallest, 0, measure)


def _scale(J: Array, before: Array) -> Float[Array, " n"]:
    norms = jnp.maximum(jnp.linalg.norm(J, axis=0), before)
    return jnp.where(norms > 0, norms, 1)


def scaled_decomposition(memory: ResidualMemory) -> tuple[Array, Array, Array]:
    r"""$U, s, V^\top$ of $J \operatorname{diag}(d)^{-1}$, by way of a triangular factor where $J$ is tall."""
    scaled = memory.J / memory.column_norms
    if scaled.shape[0] <= scaled.shape[1]:
        U, s, Vt = jnp.linalg.svd(scaled, full_matrices=False)
        return U, s, Vt
    Q, R = jnp.linalg.qr(scaled)
    U, s, Vt = jnp.linalg.svd(R, full_matrices=False)
    return Q @ U, s, Vt
