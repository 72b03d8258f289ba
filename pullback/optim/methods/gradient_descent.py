"""Gradient descent with a fixed or scheduled learning rate."""

from __future__ import annotations

from typing import Any, ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from pullback.optim.methods.method import Info, Method, State, Work
from pullback.optim.objective import Objective, Point


def gradient_descent_step(
    x: Float[Array, " n"], gradient: Float[Array, " n"], learning_rate: Float[Array, ""]
) -> Float[Array, " n"]:
    r"""$x - \alpha g$."""
    return x - learning_rate * gradient


class GradientDescent(Method):
    r"""Gradient descent.

    $$ x_{k+1} = x_k - \alpha_k \nabla f(x_k) $$

    On an $L$-smooth function a fixed rate below $2/L$ lowers the value in every step; on a quadratic with curvatures in
    $[\mu, L]$ the rate $2/(\mu + L)$ shrinks the error by $(\kappa - 1)/(\kappa + 1)$ a step, $\kappa = L/\mu$.

    Parameters
    ----------
    learning_rate : $\alpha$, a number or a function of the number of steps made (`pullback.optim.schedules`).

    Examples
    --------
    >>> from pullback.optim import minimize
    >>> found = minimize(lambda x: (x - 1) ** 2, 0.0, method=GradientDescent(learning_rate=0.25), max_steps=2)
    >>> float(found.x)
    0.75

    References
    ----------
    Cauchy, "Méthode générale pour la résolution des systèmes d'équations simultanées", Comptes rendus 25 (1847).
    """

    patience: ClassVar[int] = 100
    learning_rate: Any = 1e-3

    def init(self, objective: Objective, point: Point) -> State:
        del objective
        return State(point, jnp.zeros((), jnp.int32))

    def step(self, objective: Objective, state: State) -> tuple[State, Info]:
        step: Int[Array, ""] = state.memory
        rate = self.learning_rate(step) if callable(self.learning_rate) else self.learning_rate
        rate = jnp.asarray(rate, state.point.x.dtype)
        point = objective.at(gradient_descent_step(state.point.x, state.point.gradient, rate))
        return State(point, step + 1), Info(rate, Work.of(values=1, gradients=1))
