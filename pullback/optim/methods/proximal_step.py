"""The step that the methods for functions without a gradient share."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from pullback.core.errors import ConfigurationError
from pullback.optim.constraints.box import Box
from pullback.optim.line_search.along_line import rounding
from pullback.optim.methods.gradient_descent import gradient_descent_step
from pullback.optim.objective import Objective, Point
from pullback.optim.proximal.indicator import Indicator, WithinBounds
from pullback.optim.proximal.proximal_function import ProximalFunction

# A rate that was halved this often is zero for all purposes.
MAX_HALVINGS = 60


class ProximalStep(NamedTuple):
    """Where a step led: the point with the smooth part's value and gradient, the rate taken, the trials made."""

    point: Point
    rate: Float[Array, ""]
    trials: Int[Array, ""]
    found: Bool[Array, ""]


def nonsmooth_part(
    nonsmooth: ProximalFunction | None, objective: Objective, name: str, call: str = "nonsmooth=L1(0.1)"
) -> ProximalFunction:
    """The function whose proximal map is taken: what was given, the bounds, or both."""
    if objective.bounds is None:
        if nonsmooth is None:
            raise ConfigurationError(
                f"{name} needs to know the part of the objective that has no gradient",
                expected=f"a method with that part, or bounds, such as method={name}({call})",
                got="its name alone",
                fix=f"pass method={name}({call}) or bounds=(lower, upper)",
            )
        return nonsmooth
    box = Box(*objective.bounds)
    if nonsmooth is None:
        return Indicator(box)
    if not nonsmooth.separable:
        raise ConfigurationError(
            f"{name} cannot keep to bounds and to {type(nonsmooth).__name__} at once",
            expected="bounds alone, or beside a sum of functions of single entries (L1, ElasticNet, SquaredL2)",
            got=f"bounds and {type(nonsmooth).__name__}",
            fix="leave one of them out",
        )
    return WithinBounds(nonsmooth, box)


def first_rate(learning_rate: Any, point: Point) -> Float[Array, ""]:
    r"""The rate of the first step: the given one, or $1 / \lVert g \rVert$, a step of length one."""
    if learning_rate is None:
        norm = jnp.linalg.norm(point.gradient)
        return 1 / jnp.where(norm > 0, norm, 1)
    return jnp.asarray(learning_rate, point.x.dtype)


def gradient_mapping(
    x: Float[Array, " n"], reached: Float[Array, " n"], learning_rate: Float[Array, ""]
) -> Float[Array, " n"]:
    r"""$(x - x^+) / \alpha$ with $x^+ = \operatorname{prox}_{\alpha h}(x - \alpha \nabla f(x))$."""
    return (x - reached) / learning_rate


def forward_backward(nonsmooth: ProximalFunction, point: Point, rate: Float[Array, ""]) -> Float[Array, " n"]:
    r"""$\operatorname{prox}_{\alpha h}(x - \alpha \nabla f(x))$."""
    return nonsmooth.proximal_map(gradient_descent_step(point.x, point.gradient, rate), rate)


def proximal_step(
    nonsmooth: ProximalFunction, objective: Objective, point: Point, rate: Float[Array, ""], fixed: bool
) -> ProximalStep:
    r"""The step from `point`, with the rate halved, unless it is fixed, until $f$ lies below its quadratic bound.

    $$ f(x^+) \le f(x) + \nabla f(x)^\top d + \frac{1}{2 \alpha} \lVert d \rVert^2, \qquad d = x^+ - x $$

    Where the quadratic term drowns in the rounding of $f$, the same is asked of the gradients.
    """

    def attempt(rate: Float[Array, ""], trials: Int[Array, ""]) -> ProximalStep:
        reached = objective.at(forward_backward(nonsmooth, point, rate))
        return ProximalStep(reached, rate, trials + 1, fixed | _bounded_above(point, reached, rate))

    def going(step: ProximalStep) -> Array:
        return ~step.found & (step.trials < MAX_HALVINGS)

    def halve(step: ProximalStep) -> ProximalStep:
        return attempt(step.rate / 2, step.trials)

    first = attempt(rate, jnp.zeros((), jnp.int32))
    return first if fixed else jax.lax.while_loop(going, halve, first)


def _bounded_above(point: Point, reached: Point, rate: Float[Array, ""]) -> Bool[Array, ""]:
    moved = reached.x - point.x
    squared = jnp.vdot(moved, moved) / rate
    by_value = reached.value <= point.value + jnp.vdot(point.gradient, moved) + squared / 2
    by_gradient = jnp.vdot(reached.gradient - point.gradient, moved) <= squared
    drowned = squared <= rounding(point.value)
    return jnp.where(drowned, by_gradient, by_value) & jnp.isfinite(reached.value)
