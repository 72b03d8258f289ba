"""BFGS of limited memory, within bounds too."""

from __future__ import annotations

from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array

from pullback.core.checks import positive_integer
from pullback.optim.line_search.search import LineSearch
from pullback.optim.line_search.wolfe import Wolfe
from pullback.optim.methods.along import search_along
from pullback.optim.methods.compact import CompactHessian, within_bounds
from pullback.optim.methods.method import Info, Method, State
from pullback.optim.methods.pairs import Pairs
from pullback.optim.methods.quasi_newton import Pair
from pullback.optim.objective import Objective, Point


class LBFGS(Method):
    r"""L-BFGS: BFGS from the last $m$ steps alone, without a matrix; within bounds L-BFGS-B.

    $$ d_k = -H_k \nabla f(x_k), \quad s_k = \alpha_k d_k, \quad y_k = \nabla f(x_{k+1}) - \nabla f(x_k), \quad
       \gamma_k = \frac{s_{k-1}^\top y_{k-1}}{y_{k-1}^\top y_{k-1}} $$

    where $H_k$ is what BFGS makes of $\gamma_k I$ by the last $m$ pairs $(s, y)$; the product takes two
    loops over them, $4 m n$ multiplications. The method for many variables, and for smooth models of statistics.

    Within bounds a step goes from the point where the projected steepest descent first finds the quadratic model least
    (the generalized Cauchy point) to the least point of the model among the entries that are not at a bound there; the
    line search between $x_k$ and that point, and beyond it, stays in the box.

    Parameters
    ----------
    memory : $m$, 5 to 20 as a rule.
    line_search : for the step length $\alpha$.

    Examples
    --------
    >>> from pullback.optim import minimize
    >>> def rosenbrock(x):
    ...     return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
    >>> minimize(rosenbrock, [-1.2, 1.0], method=LBFGS(memory=5)).x.round(6).tolist()
    [1.0, 1.0]
    >>> minimize(rosenbrock, [-1.2, 1.0], method="lbfgs", bounds=(-2.0, 0.5)).x.round(6).tolist()
    [0.5, 0.25]

    References
    ----------
    Liu, Nocedal, "On the limited memory BFGS method for large scale optimization", Mathematical Programming 45 (1989);
    Byrd, Lu, Nocedal, Zhu, "A limited memory algorithm for bound constrained optimization", SIAM Journal on Scientific
    Computing 16 (1995); Morales, Nocedal, ACM Transactions on Mathematical Software 38 (2011).
    """

    bounded: ClassVar[bool] = True
    memory: int = 10
    line_search: LineSearch = Wolfe()

    def __check_init__(self) -> None:
        positive_integer("memory", self.memory)

    def init(self, objective: Objective, point: Point) -> State:
        del objective
        return State(point, Pairs.empty(self.memory, point.x))

    def step(self, objective: Objective, state: State) -> tuple[State, Info]:
        point, pairs = state
        direction = self._direction(objective, point, pairs)
        fresh = pairs.taken == 0
        # Without a pair nothing is known of the scale of the problem: the first step has length one.
        initial = jnp.where(fresh, jnp.minimum(1, 1 / jnp.linalg.norm(direction)), 1)
        searched, info = search_along(self.line_search, objective, point, direction, initial, ~fresh)
        pairs = pairs.updated(Pair.between(point, searched.point), searched.step_length == 0)
        return State(searched.point, pairs), info

    def _direction(self, objective: Objective, point: Point, pairs: Pairs) -> Array:
        box = objective.bounds
        if box is None:
            direction, steepest = -pairs.inverse_product(point.gradient), -point.gradient
        else:
            direction = within_bounds(CompactHessian.of(pairs), box, point)
            steepest = box.project(point.x - point.gradient) - point.x
        return jnp.where(point.slope(direction) < 0, direction, steepest)
