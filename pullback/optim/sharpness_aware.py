"""Sharpness-aware minimization: down the gradient that is found uphill."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.tree_util import Partial
from jaxtyping import Array, Float

from pullback.autodiff import value_and_grad as our_value_and_grad
from pullback.core.checks import non_negative
from pullback.core.errors import ConfigurationError
from pullback.optim.clip_by_norm import global_norm
from pullback.optim.leaves import no_steps
from pullback.optim.settings import Scalar, Setting, Settings
from pullback.optim.solver import SolverInfo, SolverState, StochasticObjective, value_and_aux


def ascent_point(
    theta: Float[Array, " *shape"], gradient: Float[Array, " *shape"], norm: Float[Array, ""], radius: Scalar
) -> Float[Array, " *shape"]:
    r"""$\theta' = \theta + \rho g / n$, to first order the highest point near by; $\theta$ if $n = 0$."""
    return theta + radius * jnp.where(norm > 0, gradient / norm, 0)


class SharpnessAware:
    r"""Minimizes the largest value within a radius, and so looks for wide valleys; a `Solver`.

    $$ \hat\theta = \theta_{t-1} + \rho \frac{g}{\lVert g \rVert}, \quad g = \nabla f_t(\theta_{t-1}), \qquad
       \theta_t = \theta_{t-1} + \text{optimizer}\big(\nabla f_t(\hat\theta)\big) $$

    Two gradients a step, both of the same batch and key. What the objective gives beside its value is that of
    $\theta_{t-1}$, so a model's memory is not of the point uphill.

    Parameters
    ----------
    optimizer : any transformation, which is given the second gradient.
    radius : $\rho \ge 0$, a number, an array or a schedule; 0.05 in the paper.
    value_and_grad : what differentiates; the signature of `jax.value_and_grad`.

    Raises
    ------
    ConfigurationError
        if the radius is out of its range, or the optimizer is no transformation.

    Examples
    --------
    >>> from pullback.optim import sgd
    >>> solver = SharpnessAware(sgd(0.1), radius=0.5)
    >>> state = solver.init(lambda theta, batch, key: (theta - batch) ** 2, jnp.array(1.0))
    >>> state, info = solver.step(state, jnp.array(0.0), None)
    >>> round(float(state.params), 6), float(info.value)
    (0.7, 1.0)

    References
    ----------
    Foret and others, "Sharpness-aware minimization for efficiently improving generalization", ICLR 2021, algorithm 1.
    """

    def __init__(
        self,
        optimizer: optax.GradientTransformation,
        radius: Setting = 0.05,
        value_and_grad: Callable[..., Any] = our_value_and_grad,
    ) -> None:
        if not isinstance(optimizer, optax.GradientTransformation):
            raise ConfigurationError(
                "SharpnessAware needs an optimizer to make its steps",
                expected="a transformation, such as sgd(0.1)",
                got=repr(optimizer),
                fix="pass pullback.optim.sgd(0.1), or get_optimizer(name, rate)",
            )
        self.optimizer = optimizer
        self._value_and_grad = value_and_grad
        self._settings = Settings({"radius": non_negative}, radius=radius)

    def init(self, objective: StochasticObjective, params: Any) -> SolverState:
        """The state at the start."""
        in_force = self._settings.in_force(no_steps())
        return SolverState(Partial(objective), params, no_steps(), in_force, self.optimizer.init(params))

    def step(self, state: SolverState, batch: Any, key: Any) -> tuple[SolverState, SolverInfo]:
        """The state after one more batch."""
        in_force = self._settings.in_force(state.step)
        radius = self._settings.all(in_force)["radius"]

        def valued(params: Any) -> tuple[Array, Any]:
            return value_and_aux(state.objective, params, batch, key)

        derivative = self._value_and_grad(valued, has_aux=True)
        (value, aux), gradient = derivative(state.params)
        norm = global_norm(gradient)

        def uphill(theta: Array, slope: Array) -> Array:
            length = radius.astype(theta.dtype) if isinstance(radius, jax.Array) else radius
            return ascent_point(theta, slope, norm.astype(theta.dtype), length)

        above = jax.tree.map(uphill, state.params, gradient)
        _, gradient = derivative(above)
        updates, memory = self.optimizer.update(gradient, state.memory, state.params)
        params = optax.apply_updates(state.params, updates)
        after = SolverState(state.objective, params, state.step + 1, in_force, memory)
        return after, SolverInfo(value, norm, jnp.ones_like(value), aux)
