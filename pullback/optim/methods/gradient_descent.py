"""Gradient descent with a fixed or scheduled learning rate."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from pullback.optim.line_search.barzilai_borwein import BarzilaiBorwein
from pullback.optim.methods.method import Info, Method, State, Work
from pullback.optim.objective import Objective, Point


def gradient_descent_step(
    x: Float[Array, " n"], gradient: Float[Array, " n"], learning_rate: Float[Array, ""]
) -> Float[Array, " n"]:
    r"""$x - \alpha g$."""
    return x - learning_rate * gradient


class Rate(NamedTuple):
    """Steps made, and the rate measured for the next one, where it is measured."""

    step: Int[Array, ""]
    measured: Float[Array, ""]


class GradientDescent(Method):
    r"""Gradient descent.

    $$ x_{k+1} = x_k - \alpha_k \nabla f(x_k) $$

    On an $L$-smooth function a fixed rate below $2/L$ lowers the value in every step; on a quadratic with curvatures in
    $[\mu, L]$ the rate $2/(\mu + L)$ shrinks the error by $(\kappa - 1)/(\kappa + 1)$ a step, $\kappa = L/\mu$.

    Parameters
    ----------
    learning_rate : $\alpha$: a number, a function of the number of steps made (`pullback.optim.schedules`), or
        `BarzilaiBorwein()`, which takes it from the curvature along the last step.

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

    # Step lengths of Barzilai and Borwein let the value rise for long stretches.
    patience: ClassVar[int] = 500
    learning_rate: Any = 1e-3

    def init(self, objective: Objective, point: Point) -> State:
        del objective
        rule = self.learning_rate
        first = rule.initial(point.gradient) if isinstance(rule, BarzilaiBorwein) else jnp.zeros_like(point.value)
        return State(point, Rate(jnp.zeros((), jnp.int32), first))

    def step(self, objective: Objective, state: State) -> tuple[State, Info]:
        (x, _, gradient), (step, measured) = state
        rule = self.learning_rate
        if isinstance(rule, BarzilaiBorwein):
            rate = measured
        else:
            rate = jnp.asarray(rule(step) if callable(rule) else rule, x.dtype)
        point = objective.at(gradient_descent_step(x, gradient, rate))
        if isinstance(rule, BarzilaiBorwein):
            measured = rule.step_length(point.x - x, point.gradient - gradient, step)
        return State(point, Rate(step + 1, measured)), Info(rate, Work.of(values=1, gradients=1))
