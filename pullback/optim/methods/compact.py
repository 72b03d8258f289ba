"""The Hessian of limited memory as a matrix of low rank, and the least point of its model within bounds."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from pullback.optim.methods.pairs import Pairs
from pullback.optim.objective import Bounds, Point


class CompactHessian(NamedTuple):
    r"""$B = \theta I - W^\top M W$, what BFGS makes of $\theta I$ and the pairs of a memory.

    $$ W = \begin{pmatrix} Y \\ \theta S \end{pmatrix}, \qquad
       M^{-1} = \begin{pmatrix} -D & L^\top \\ L & \theta S S^\top \end{pmatrix} $$

    with $D$ the diagonal of $S Y^\top$ and $L$ the part of it where the step is younger than the change.

    Parameters
    ----------
    theta : $\theta$.
    W : rows of the pairs; zero where there is none.
    inverse : $M^{-1}$.

    References
    ----------
    Byrd, Nocedal, Schnabel, "Representations of quasi-Newton matrices and their use in limited memory methods",
    Mathematical Programming 63 (1994), theorem 2.3.
    """

    theta: Float[Array, ""]
    W: Float[Array, "k n"]
    inverse: Float[Array, "k k"]

    @classmethod
    def of(cls, pairs: Pairs) -> CompactHessian:
        """From the memory."""
        rows = jnp.arange(pairs.curvature.size, dtype=jnp.int32)
        known = rows < pairs.taken
        S, Y = (jnp.where(known[:, None], matrix, 0) for matrix in (pairs.S, pairs.Y))
        theta = 1 / pairs.scale
        # How many steps ago the pair of a row was made.
        age = (pairs.taken - 1 - rows) % rows.size
        L = jnp.where(age[:, None] < age[None, :], S @ Y.T, 0)
        D = jnp.diag(jnp.where(known, pairs.curvature, 1))
        SS = theta * (S @ S.T) + jnp.diag(jnp.where(known, 0, jnp.ones_like(pairs.curvature)))
        return cls(theta, jnp.concatenate([Y, theta * S]), jnp.block([[-D, L.T], [L, SS]]))

    def product(self, v: Float[Array, " n"]) -> Float[Array, " n"]:
        """$B v$."""
        return self.theta * v - self.W.T @ jnp.linalg.solve(self.inverse, self.W @ v)

    def solve_among(self, free: Array, r: Float[Array, " n"]) -> Float[Array, " n"]:
        r"""$B_{FF}^{-1} r_F$ with the rows and columns $F$ of the free entries, zero elsewhere.

        By the formula of Sherman, Morrison and Woodbury:
        $$ B_{FF}^{-1} = \tfrac{1}{\theta} I
           + \tfrac{1}{\theta^2} W_F^\top (M^{-1} - \tfrac{1}{\theta} W_F W_F^\top)^{-1} W_F $$
        """
        W, r = jnp.where(free, self.W, 0), jnp.where(free, r, 0)
        core = self.inverse - W @ W.T / self.theta
        return r / self.theta + W.T @ jnp.linalg.solve(core, W @ r) / self.theta**2


class _Walk(NamedTuple):
    """Along the projected steepest descent: the model where the walk is, up to which breakpoint it has come."""

    bend: Int[Array, ""]
    time: Float[Array, ""]
    slope: Float[Array, ""]
    curvature: Float[Array, ""]
    p: Float[Array, " k"]
    c: Float[Array, " k"]


def within_bounds(hessian: CompactHessian, box: Bounds, point: Point) -> Float[Array, " n"]:
    """From the point to about the least point in the box of the model with this Hessian."""
    cauchy = cauchy_point(hessian, box, point)
    free = (cauchy > box.lower) & (cauchy < box.upper)
    return _subspace_minimizer(hessian, box, point, cauchy, free) - point.x


def cauchy_point(hessian: CompactHessian, box: Bounds, point: Point) -> Array:
    r"""The first least point of the model along $t \mapsto P(x - t g)$.

    The path bends where an entry reaches its bound. From bend to bend the model is a parabola in $t$, whose slope and
    curvature are carried on.
    """
    x, _, g = point
    theta, W, M = hessian.theta, hessian.W, jnp.linalg.inv(hessian.inverse)
    bound = jnp.where(g < 0, box.upper, box.lower)
    times = jnp.where(g == 0, jnp.inf, (x - bound) / jnp.where(g == 0, 1, g))
    order = jnp.argsort(times)
    d = jnp.where(times > 0, -g, 0)
    p, square = W @ d, jnp.vdot(d, d)
    curvature = theta * square - p @ M @ p
    least = jnp.finfo(x.dtype).eps * theta * square
    start = _Walk(
        jnp.sum(times <= 0, dtype=jnp.int32), jnp.zeros_like(square), -square, jnp.maximum(curvature, least), p, 0 * p
    )

    def going(walk: _Walk) -> Array:
        following = times[order[jnp.minimum(walk.bend, x.size - 1)]]
        return (walk.bend < x.size) & (walk.time - walk.slope / walk.curvature >= following) & (walk.slope < 0)

    def advance(walk: _Walk) -> _Walk:
        b = order[walk.bend]
        passed = times[b] - walk.time
        w, gb, z = W[:, b], g[b], bound[b] - x[b]
        c = walk.c + passed * walk.p
        slope = walk.slope + passed * walk.curvature + gb**2 + theta * gb * z - gb * (w @ M @ c)
        bent = walk.curvature - theta * gb**2 - 2 * gb * (w @ M @ walk.p) - gb**2 * (w @ M @ w)
        return _Walk(walk.bend + 1, times[b], slope, jnp.maximum(bent, least), walk.p + gb * w, c)

    walk = jax.lax.while_loop(going, advance, start)
    time = walk.time + jnp.maximum(-walk.slope / walk.curvature, 0)
    stopped = jnp.where(square > 0, times <= walk.time, True)
    return jnp.where(stopped, jnp.where(times > 0, bound, x), box.project(x + jnp.where(stopped, 0, time) * d))


def _subspace_minimizer(hessian: CompactHessian, box: Bounds, point: Point, cauchy: Array, free: Array) -> Array:
    """The least point of the model among the free entries, brought back into the box.

    By projection (Morales and Nocedal 2011); where that would be no descent, by shortening the way from the Cauchy
    point.
    """
    x, _, g = point
    model_gradient = g + hessian.product(cauchy - x)
    way = -hessian.solve_among(free, model_gradient)
    projected = box.project(cauchy + way)
    shortened = cauchy + jnp.minimum(1, box.longest_step(cauchy, way)) * way
    descends = jnp.vdot(projected - x, g) < 0
    return jnp.where(descends, projected, box.project(shortened))
