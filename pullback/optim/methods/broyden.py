"""Broyden's family of quasi-Newton methods."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.core.errors import ConfigurationError
from pullback.optim.line_search.search import LineSearch
from pullback.optim.line_search.wolfe import Wolfe
from pullback.optim.methods.method import Info, Method, State
from pullback.optim.methods.quasi_newton import Approximation, Pair, quasi_newton_step, start_from_identity
from pullback.optim.objective import Objective, Point


def broyden_update(
    B: Float[Array, "n n"], s: Float[Array, " n"], y: Float[Array, " n"], phi: Float[Array, ""]
) -> Float[Array, "n n"]:
    r"""$B - \frac{B s s^\top B}{s^\top B s} + \frac{y y^\top}{y^\top s} + \phi\, (s^\top B s)\, v v^\top$.

    There $v = \frac{y}{y^\top s} - \frac{B s}{s^\top B s}$.
    """
    Bs = B @ s
    sBs = jnp.vdot(s, Bs)
    ys = jnp.vdot(y, s)
    v = y / ys - Bs / sBs
    return B - jnp.outer(Bs, Bs) / sBs + jnp.outer(y, y) / ys + phi * sBs * jnp.outer(v, v)


class Broyden(Method):
    r"""Broyden's family: BFGS at $\phi = 0$, DFP at $\phi = 1$, and everything between.

    $$ B_{k+1} = B_k - \frac{B_k s_k s_k^\top B_k}{s_k^\top B_k s_k} + \frac{y_k y_k^\top}{y_k^\top s_k}
       + \phi\, (s_k^\top B_k s_k)\, v_k v_k^\top, \qquad
       v_k = \frac{y_k}{y_k^\top s_k} - \frac{B_k s_k}{s_k^\top B_k s_k} $$

    With exact line searches all members take the same steps (Dixon 1972); with others small $\phi$ is better.

    Parameters
    ----------
    phi : $\phi$, in [0, 1]: there the matrices stay positive definite.
    line_search : for the step length.

    Examples
    --------
    >>> from pullback.optim import minimize
    >>> def rosenbrock(x):
    ...     return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
    >>> minimize(rosenbrock, [-1.2, 1.0], method=Broyden(phi=0.5)).x.round(6).tolist()
    [1.0, 1.0]

    References
    ----------
    Broyden, "Quasi-Newton methods and their application to function minimisation", Mathematics of Computation 21
    (1967); Nocedal, Wright, "Numerical Optimization" (2006), section 6.3.
    """

    phi: Any = 0.5
    line_search: LineSearch = Wolfe()

    def __check_init__(self) -> None:
        if isinstance(self.phi, int | float) and not 0 <= self.phi <= 1:
            raise ConfigurationError(
                "phi of Broyden's family is out of range",
                expected="a number in [0, 1]",
                got=str(self.phi),
                fix="pass 0 for BFGS, 1 for DFP, or a number between",
            )

    def init(self, objective: Objective, point: Point) -> State:
        del objective
        return start_from_identity(point)

    def step(self, objective: Objective, state: State) -> tuple[State, Info]:
        direction = Approximation.direct_direction
        return quasi_newton_step(self.line_search, objective, state, direction, self._updated)

    def _updated(self, approximation: Approximation, pair: Pair) -> Array:
        formula = partial(broyden_update, phi=jnp.asarray(self.phi, pair.s.dtype))
        return approximation.direct_updated(formula, pair)
