"""Nonlinear conjugate gradients."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from pullback.core.errors import ConfigurationError
from pullback.optim.line_search.search import LineSearch
from pullback.optim.line_search.wolfe import Wolfe
from pullback.optim.methods.along import search_along
from pullback.optim.methods.method import Info, Method, State
from pullback.optim.objective import Objective, Point


def fletcher_reeves(g: Float[Array, " n"], g_old: Float[Array, " n"], d: Float[Array, " n"]) -> Float[Array, ""]:
    r"""$g^\top g / g_{\text{old}}^\top g_{\text{old}}$."""
    del d
    return jnp.vdot(g, g) / jnp.vdot(g_old, g_old)


def polak_ribiere(g: Float[Array, " n"], g_old: Float[Array, " n"], d: Float[Array, " n"]) -> Float[Array, ""]:
    r"""$\max(0, g^\top (g - g_{\text{old}}) / g_{\text{old}}^\top g_{\text{old}})$."""
    del d
    return jnp.maximum(0, jnp.vdot(g, g - g_old) / jnp.vdot(g_old, g_old))


def hestenes_stiefel(g: Float[Array, " n"], g_old: Float[Array, " n"], d: Float[Array, " n"]) -> Float[Array, ""]:
    r"""$g^\top y / d^\top y$ with $y = g - g_{\text{old}}$."""
    y = g - g_old
    return jnp.vdot(g, y) / jnp.vdot(d, y)


def dai_yuan(g: Float[Array, " n"], g_old: Float[Array, " n"], d: Float[Array, " n"]) -> Float[Array, ""]:
    r"""$g^\top g / d^\top (g - g_{\text{old}})$."""
    return jnp.vdot(g, g) / jnp.vdot(d, g - g_old)


def hager_zhang(g: Float[Array, " n"], g_old: Float[Array, " n"], d: Float[Array, " n"]) -> Float[Array, ""]:
    r"""$\max(\beta, -1 / (\lVert d \rVert \min(0.01, \lVert g_{\text{old}} \rVert)))$ with
    $\beta = \big(y - 2 d \frac{y^\top y}{d^\top y}\big)^\top g / d^\top y$ and $y = g - g_{\text{old}}$.
    """
    y = g - g_old
    beta = jnp.vdot(y - 2 * jnp.vdot(y, y) / jnp.vdot(d, y) * d, g) / jnp.vdot(d, y)
    return jnp.maximum(beta, -1 / (jnp.linalg.norm(d) * jnp.minimum(0.01, jnp.linalg.norm(g_old))))


FORMULAS = {
    "fletcher_reeves": fletcher_reeves,
    "polak_ribiere": polak_ribiere,
    "hestenes_stiefel": hestenes_stiefel,
    "dai_yuan": dai_yuan,
    "hager_zhang": hager_zhang,
}


class Conjugate(NamedTuple):
    """The direction of the next step, the length and slope of the last, and the steps since the last restart."""

    direction: Float[Array, " n"]
    length: Float[Array, ""]
    slope: Float[Array, ""]
    since: Int[Array, ""]
    fresh: Bool[Array, ""]


class NonlinearCG(Method):
    r"""Nonlinear conjugate gradients: directions from the last gradient alone, no matrix.

    $$ d_0 = -g_0, \qquad x_{k+1} = x_k + \alpha_k d_k, \qquad d_{k+1} = -g_{k+1} + \beta_k d_k $$

    With exact searches on a quadratic all formulas for $\beta_k$ agree with linear conjugate gradients, and end within
    $n$ steps. Elsewhere Polak-Ribière (non-negative) and Hager-Zhang are the safe ones; Fletcher-Reeves may creep after
    a bad step. For functions of very many variables, where even the pairs of L-BFGS are too much memory.

    Parameters
    ----------
    formula : "fletcher_reeves", "polak_ribiere", "hestenes_stiefel", "dai_yuan" or "hager_zhang".
    line_search : accurate ones pay: the slope has to shrink well for the directions to stay conjugate.
    restart : steps after which it starts again from steepest descent; `None` for the number of variables, at least 10.
    orthogonality : restarts too where $|g_{k+1}^\top g_k| \ge$ this times $\lVert g_{k+1} \rVert^2$ (Powell took 0.2);
        it helps Fletcher-Reeves, the other formulas restart by themselves; `None` for never.

    Examples
    --------
    >>> from pullback.optim import minimize
    >>> found = minimize(lambda x: (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2, [-1.2, 1.0], method=NonlinearCG())
    >>> found.x.round(4).tolist(), bool(found.converged)
    ([1.0, 1.0], True)

    References
    ----------
    Hager, Zhang, "A survey of nonlinear conjugate gradient methods", Pacific Journal of Optimization 2 (2006); Powell,
    "Restart procedures for the conjugate gradient method", Mathematical Programming 12 (1977).
    """

    formula: str = "polak_ribiere"
    line_search: LineSearch = Wolfe(curvature=0.1)
    restart: int | None = None
    orthogonality: Any = None

    def __check_init__(self) -> None:
        if self.formula not in FORMULAS:
            raise ConfigurationError(
                "formula of NonlinearCG is unknown",
                expected=f"one of {', '.join(FORMULAS)}",
                got=repr(self.formula),
                fix="choose one of these",
            )

    def init(self, objective: Objective, point: Point) -> State:
        del objective
        one = jnp.ones_like(point.value)
        return State(point, Conjugate(-point.gradient, one, one, jnp.zeros((), jnp.int32), jnp.ones((), bool)))

    def step(self, objective: Objective, state: State) -> tuple[State, Info]:
        point, memory = state
        slope = point.slope(memory.direction)
        # The first change of the value is expected to be that of the last step (Nocedal and Wright 3.60).
        foreseen = memory.length * memory.slope / jnp.where(slope < 0, slope, -1)
        unit = jnp.minimum(1, 1 / jnp.linalg.norm(point.gradient))
        initial = jnp.where(memory.fresh, unit, foreseen)
        searched, info = search_along(
            self.line_search, objective, point, memory.direction, initial, fallback=memory.since > 0
        )
        g, g_old, d = searched.point.gradient, point.gradient, memory.direction
        beta = FORMULAS[self.formula](g, g_old, d)
        turned = jnp.where(jnp.isfinite(beta), -g + beta * d, -g)
        failed = searched.step_length <= 0
        again = failed | (memory.since + 1 >= (self.restart or max(10, g.size)))
        if self.orthogonality is not None:
            again = again | ((jnp.abs(jnp.vdot(g, g_old)) >= self.orthogonality * jnp.vdot(g, g)) & (g.size > 1))
        # A direction that does not lead downwards is replaced.
        again = again | (jnp.vdot(g, turned) >= 0)
        since = jnp.where(again, 0, memory.since + 1)
        following = Conjugate(jnp.where(again, -g, turned), searched.step_length, slope, since, failed)
        return State(searched.point, following), info
