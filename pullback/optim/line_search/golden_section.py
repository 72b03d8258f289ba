"""Line search by golden section."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.optim.line_search.along_line import value_along
from pullback.optim.line_search.bracket import GOLDEN, Bracket, bracket_minimum
from pullback.optim.line_search.search import LineSearch, Searched, at_length
from pullback.optim.objective import Objective, Point


class GoldenSection(LineSearch):
    r"""The minimizer along the line, by golden section of a bracket.

    Each evaluation shrinks the bracket by $1/\varphi = 0.618$, $\varphi = (1 + \sqrt 5)/2$; for a function with one
    valley along the line the bracket always holds the minimizer. It asks for values alone; `Brent` needs far fewer
    where the function is smooth.

    Parameters
    ----------
    tolerance : width of the last bracket, relative to the step length; below the square root of the precision of the
        numbers values cannot tell points apart.
    max_trials : evaluations after which the best length so far is given.

    References
    ----------
    Kiefer, "Sequential minimax search for a maximum", Proceedings of the American Mathematical Society 4 (1953).
    """

    tolerance: Any = 1e-7
    max_trials: int = 120

    def search(
        self, objective: Objective, point: Point, direction: Float[Array, " n"], initial: Float[Array, ""]
    ) -> Searched:
        def phi(length: Array) -> Array:
            return value_along(objective, point, direction, length)

        def going(bracket: Bracket) -> Array:
            wide = bracket.c - bracket.a > self.tolerance * bracket.b
            return bracket.closed & wide & (bracket.trials < self.max_trials)

        def advance(bracket: Bracket) -> Bracket:
            return _divide(phi, bracket)

        bracket = bracket_minimum(phi, point.value, initial, self.max_trials // 2)
        bracket = jax.lax.while_loop(going, advance, bracket)
        found = bracket.closed & (bracket.value_b < point.value) & (point.slope(direction) < 0)
        return at_length(objective, point, direction, bracket.b, bracket.trials, found)


def _divide(phi: Any, bracket: Bracket) -> Bracket:
    """Try a point in the longer part, and keep the three around the lowest."""
    a, b, c, value_a, value_b, value_c, trials = bracket
    right = c - b > b - a
    tried = jnp.where(right, b + (2 - GOLDEN) * (c - b), b - (2 - GOLDEN) * (b - a))
    value = phi(tried)
    lower = value < value_b
    # In order of their places: the old middle and the trial.
    left, left_value = jnp.where(right, b, tried), jnp.where(right, value_b, value)
    other, other_value = jnp.where(right, tried, b), jnp.where(right, value, value_b)
    middle_is_left = jnp.where(right, ~lower, lower)
    inner = Bracket(a, left, other, value_a, left_value, other_value, trials + 1)
    outer = Bracket(left, other, c, left_value, other_value, value_c, trials + 1)
    return jax.tree.map(lambda one, two: jnp.where(middle_is_left, one, two), inner, outer)
