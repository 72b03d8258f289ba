"""What the quasi-Newton methods with a line search share: the approximation they carry, and their step."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jax.scipy.linalg import cho_solve
from jaxtyping import Array, Bool, Float

from pullback.optim.line_search.search import LineSearch
from pullback.optim.methods.along import search_along
from pullback.optim.methods.method import Info, State
from pullback.optim.objective import Objective, Point

# From a matrix, the step s and the change y of the gradient to the next matrix.
Formula = Callable[[Array, Array, Array], Array]


class Pair(NamedTuple):
    """A step and the change of the gradient over it."""

    s: Float[Array, " n"]
    y: Float[Array, " n"]

    @classmethod
    def between(cls, before: Point, after: Point) -> Pair:
        """From one point to another."""
        return cls(after.x - before.x, after.gradient - before.gradient)

    def curved(self) -> Bool[Array, ""]:
        r"""Whether $s^\top y > 0$ beyond rounding, so that an update by this pair keeps a matrix positive definite."""
        s, y = self
        return jnp.vdot(s, y) > jnp.finfo(s.dtype).eps * jnp.vdot(y, y)


class Approximation(NamedTuple):
    """Of the Hessian or of its inverse, and whether it is the identity it started from."""

    matrix: Float[Array, "n n"]
    fresh: Bool[Array, ""]

    def inverse_direction(self, gradient: Float[Array, " n"]) -> Float[Array, " n"]:
        """$-H g$, the matrix being of the inverse."""
        return -(self.matrix @ gradient)

    def direct_direction(self, gradient: Float[Array, " n"]) -> Float[Array, " n"]:
        """$-B^{-1} g$ by the Cholesky factor; NaN where the matrix has none."""
        return -cho_solve((jnp.linalg.cholesky(self.matrix), True), gradient)

    def inverse_updated(self, formula: Formula, pair: Pair) -> Float[Array, "n n"]:
        r"""The next inverse Hessian; before, the identity is scaled by $s^\top y / y^\top y$, as large as it."""
        return self._updated(formula, pair, jnp.vdot(*pair) / jnp.vdot(pair.y, pair.y))

    def direct_updated(self, formula: Formula, pair: Pair) -> Float[Array, "n n"]:
        r"""The next Hessian; before, the identity is scaled by $y^\top y / s^\top y$, as large as it."""
        return self._updated(formula, pair, jnp.vdot(pair.y, pair.y) / jnp.vdot(*pair))

    def _updated(self, formula: Formula, pair: Pair, scale: Array) -> Array:
        following = formula(jnp.where(self.fresh, scale, 1) * self.matrix, *pair)
        return jnp.where(pair.curved(), following, self.matrix)


def start_from_identity(point: Point) -> State:
    """The state at the start."""
    return State(point, Approximation(jnp.eye(point.x.size, dtype=point.x.dtype), jnp.ones((), bool)))


def quasi_newton_step(
    line_search: LineSearch,
    objective: Objective,
    state: State,
    direction: Callable[[Approximation, Array], Array],
    update: Callable[[Approximation, Pair], Array],
) -> tuple[State, Info]:
    """Search along `direction(approximation, gradient)`, then `update(approximation, pair)`.

    Where the direction is not one of descent the steepest descent takes its place, and where the search found nothing
    the next step begins from it.
    """
    point, approximation = state
    towards = direction(approximation, point.gradient)
    descends = point.slope(towards) < 0
    towards = jnp.where(descends, towards, -point.gradient)
    identity = jnp.eye(point.x.size, dtype=point.x.dtype)
    approximation = Approximation(jnp.where(descends, approximation.matrix, identity), approximation.fresh | ~descends)
    fresh = approximation.fresh
    # The identity knows nothing of the scale of the problem: its first step has length one.
    initial = jnp.where(fresh, jnp.minimum(1, 1 / jnp.linalg.norm(point.gradient)), 1)
    searched, info = search_along(line_search, objective, point, towards, initial, ~fresh)
    failed = searched.step_length == 0
    following = jnp.where(failed, identity, update(approximation, Pair.between(point, searched.point)))
    return State(searched.point, Approximation(following, failed)), info
