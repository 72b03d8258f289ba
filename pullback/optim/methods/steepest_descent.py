"""Steepest descent in a norm of one's choice."""

from __future__ import annotations

from typing import Any, ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.core.errors import ConfigurationError
from pullback.optim.line_search.brent import Brent
from pullback.optim.line_search.search import LineSearch
from pullback.optim.methods.along import search_along
from pullback.optim.methods.method import Info, Method, State
from pullback.optim.objective import Objective, Point

NORMS = ("euclidean", "one", "infinity", "matrix")


def steepest_in_euclidean_norm(g: Float[Array, " n"]) -> Float[Array, " n"]:
    r"""$-g$."""
    return -g


def steepest_in_infinity_norm(g: Float[Array, " n"]) -> Float[Array, " n"]:
    r"""$-\lVert g \rVert_1 \operatorname{sign}(g)$."""
    return -jnp.sum(jnp.abs(g)) * jnp.sign(g)


class SteepestDescent(Method):
    r"""Steepest descent with a line search.

    $$ d_k = \arg\min_d \nabla f(x_k)^\top d + \tfrac12 \lVert d \rVert^2, \qquad x_{k+1} = x_k + \alpha_k d_k $$

    | norm | direction $d$ | known as |
    |---|---|---|
    | euclidean | $-g$ | gradient descent |
    | one | $-g_i e_i$ at the largest $\lvert g_i \rvert$ | greedy coordinate descent |
    | infinity | $-\lVert g \rVert_1 \operatorname{sign}(g)$ | sign descent |
    | matrix | $-P^{-1} g$, where $\lVert d \rVert^2 = d^\top P d$ | preconditioned, Newton for $P = \nabla^2 f$ |

    With the exact search on a quadratic of condition $\kappa$ the error of the value shrinks by no less than
    $\big(\frac{\kappa - 1}{\kappa + 1}\big)^2$ a step (Kantorovich), and successive gradients are orthogonal.

    Parameters
    ----------
    norm : "euclidean", "one", "infinity" or "matrix".
    matrix : $P$, symmetric and positive definite, for the norm "matrix".
    line_search : `Exact()` on quadratics; `Brent()` finds the minimizer along any line.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from pullback.optim import minimize
    >>> from pullback.optim.line_search import Exact
    >>> method = SteepestDescent(line_search=Exact())
    >>> found = minimize(lambda x: x[0] ** 2 / 2 + 2 * x[1] ** 2, [4.0, 1.0], method=method, max_steps=1)
    >>> found.x.round(6).tolist()
    [2.4, -0.6]

    References
    ----------
    Boyd, Vandenberghe, "Convex Optimization", Cambridge University Press (2004), section 9.4.
    """

    patience: ClassVar[int] = 100
    norm: str = "euclidean"
    matrix: Any = None
    line_search: LineSearch = Brent()

    def __check_init__(self) -> None:
        if self.norm not in NORMS:
            raise ConfigurationError(
                "norm of SteepestDescent is unknown", expected=f"one of {', '.join(NORMS)}", got=repr(self.norm)
            )
        if (self.matrix is None) == (self.norm == "matrix"):
            raise ConfigurationError(
                "matrix of SteepestDescent belongs to norm='matrix'",
                expected="both or neither",
                got=f"norm={self.norm!r}, matrix {'missing' if self.matrix is None else 'given'}",
                fix="pass norm='matrix' and matrix=P",
            )

    def init(self, objective: Objective, point: Point) -> State:
        del objective
        return State(point, jnp.ones_like(point.value))

    def direction(self, gradient: Float[Array, " n"]) -> Float[Array, " n"]:
        """The steepest direction in the norm."""
        if self.norm == "infinity":
            return steepest_in_infinity_norm(gradient)
        if self.norm == "one":
            return jnp.where(jnp.arange(gradient.size) == jnp.argmax(jnp.abs(gradient)), -gradient, 0)
        if self.norm == "matrix":
            return -jnp.linalg.solve(jnp.asarray(self.matrix, gradient.dtype), gradient)
        return steepest_in_euclidean_norm(gradient)

    def step(self, objective: Objective, state: State) -> tuple[State, Info]:
        point, length = state
        searched, info = search_along(self.line_search, objective, point, self.direction(point.gradient), length)
        # The next search begins where this one ended.
        following = jnp.where(searched.step_length > 0, searched.step_length, length)
        return State(searched.point, following), info
