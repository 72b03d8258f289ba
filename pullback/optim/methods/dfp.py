"""The quasi-Newton method of Davidon, Fletcher and Powell."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.optim.line_search.search import LineSearch
from pullback.optim.line_search.wolfe import Wolfe
from pullback.optim.methods.method import Info, Method, State
from pullback.optim.methods.quasi_newton import Approximation, Pair, quasi_newton_step, start_from_identity
from pullback.optim.objective import Objective, Point


def dfp_inverse_update(H: Float[Array, "n n"], s: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, "n n"]:
    r"""$H - \frac{H y y^\top H}{y^\top H y} + \frac{s s^\top}{y^\top s}$."""
    Hy = H @ y
    return H - jnp.outer(Hy, Hy) / jnp.vdot(y, Hy) + jnp.outer(s, s) / jnp.vdot(y, s)


class DFP(Method):
    r"""DFP: the first quasi-Newton method, the mirror image of BFGS.

    $$ d_k = -H_k \nabla f(x_k), \qquad
       H_{k+1} = H_k - \frac{H_k y_k y_k^\top H_k}{y_k^\top H_k y_k} + \frac{s_k s_k^\top}{y_k^\top s_k} $$

    It mends a wrong approximation more slowly than BFGS, above all with an inexact line search; hence the stricter
    condition on the slope here. For comparison rather than for use.

    Parameters
    ----------
    line_search : for the step length.

    Examples
    --------
    >>> from pullback.optim import minimize
    >>> def rosenbrock(x):
    ...     return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
    >>> minimize(rosenbrock, [-1.2, 1.0], method="dfp").x.round(6).tolist()
    [1.0, 1.0]

    References
    ----------
    Davidon, "Variable metric method for minimization", ANL-5990 (1959); Fletcher, Powell, The Computer Journal 6
    (1963); Nocedal, Wright, "Numerical Optimization" (2006), section 6.1.
    """

    line_search: LineSearch = Wolfe(curvature=0.1)

    def init(self, objective: Objective, point: Point) -> State:
        del objective
        return start_from_identity(point)

    def step(self, objective: Objective, state: State) -> tuple[State, Info]:
        direction = Approximation.inverse_direction
        return quasi_newton_step(self.line_search, objective, state, direction, self._updated)

    def _updated(self, approximation: Approximation, pair: Pair) -> Array:
        return approximation.inverse_updated(dfp_inverse_update, pair)
