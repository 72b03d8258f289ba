"""Newton's method."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.optim.methods.method import Info, Method, State, Work
from pullback.optim.objective import Objective


def newton_direction(hessian: Float[Array, "n n"], gradient: Float[Array, " n"]) -> Float[Array, " n"]:
    r"""$-H^{-1} g$."""
    return -jnp.linalg.solve(hessian, gradient)


class Newton(Method):
    r"""Newton's method, with the full step.

    $$ x_{k+1} = x_k - \nabla^2 f(x_k)^{-1} \nabla f(x_k) $$

    Examples
    --------
    >>> from pullback.optim import minimize
    >>> found = minimize(lambda t: t**4 - 4 * t**3 - 2 * t**2 + 10 * t + 15, 2.5, method=Newton(), keep_path=True)
    >>> found.trace.x[1:4].round(8).tolist()
    [3.63636364, 3.20444514, 3.0725869]

    References
    ----------
    Nocedal, Wright, "Numerical Optimization" (2006), section 3.3.
    """

    def step(self, objective: Objective, state: State) -> tuple[State, Info]:
        x, _, gradient = state.point
        direction = newton_direction(objective.hessian(x), gradient)
        point = objective.at(x + direction)
        return State(point), Info(jnp.ones_like(point.value), Work.of(1, 1, x.size))
