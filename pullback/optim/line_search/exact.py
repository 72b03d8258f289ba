"""Exact line search on quadratics."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.optim.line_search.along_line import choose
from pullback.optim.line_search.search import LineSearch, Searched
from pullback.optim.methods.method import Work
from pullback.optim.objective import Objective, Point


def exact_step_length(g: Float[Array, " n"], d: Float[Array, " n"], Hd: Float[Array, " n"]) -> Float[Array, ""]:
    r"""$-g^\top d / d^\top H d$."""
    return -jnp.vdot(g, d) / jnp.vdot(d, Hd)


class Exact(LineSearch):
    r"""The minimizer along the line of the quadratic with the gradient and Hessian at the start.

    $$ \alpha = - \frac{\nabla f(x)^\top d}{d^\top \nabla^2 f(x)\, d} $$

    Exact where $f$ is a quadratic; elsewhere one step of Newton's method along the line. The new gradient is then
    orthogonal to $d$, which is why steepest descent zig-zags. It fails where the curvature along $d$ is not positive.

    References
    ----------
    Kantorovich, "Functional analysis and applied mathematics", Uspekhi Matematicheskikh Nauk 3 (1948).
    """

    def search(
        self, objective: Objective, point: Point, direction: Float[Array, " n"], initial: Float[Array, ""]
    ) -> Searched:
        del initial
        Hd = objective.hessian_product(point.x, direction)
        length = exact_step_length(point.gradient, direction, Hd)
        found = (jnp.vdot(direction, Hd) > 0) & (length > 0)
        length = jnp.where(found, length, 0)
        tried = objective.at(point.x + length * direction)
        return Searched(choose(found, tried, point), length, Work.of(1, 1, 1), found)
