"""Nesterov's accelerated gradient."""

from __future__ import annotations

from typing import Any

import optax
from jaxtyping import Array, Float

from pullback.core.checks import fraction
from pullback.optim.learning_rate import LearningRate, as_schedule
from pullback.optim.leaves import map_leaves, no_steps, zeros_like
from pullback.optim.momentum import MomentumState


def nesterov_update(
    gradient: Float[Array, " *shape"],
    velocity: Float[Array, " *shape"],
    learning_rate: Float[Array, ""],
    momentum: float,
) -> tuple[Float[Array, " *shape"], Float[Array, " *shape"]]:
    r"""$\Delta\theta = -\alpha (g + \beta v)$ with the new velocity $v = \beta v + g$."""
    velocity = momentum * velocity + gradient
    return -learning_rate * (gradient + momentum * velocity), velocity


def nesterov(learning_rate: LearningRate, momentum: float = 0.9) -> optax.GradientTransformation:
    r"""Momentum that looks ahead.

    $$ v_t = \beta v_{t-1} + g_t, \qquad \theta_t = \theta_{t-1} - \alpha_t (g_t + \beta v_t), \qquad v_0 = 0 $$

    With constant rate and momentum this is Nesterov's method in the variable $\theta = \phi - \alpha \beta v$, where
    $\phi$ is the point of the look-ahead form that takes its gradient at $\theta$: every gradient is then asked for
    at the parameters themselves, as a training loop does. PyTorch (`SGD(nesterov=True)`) and Optax have this form.

    Parameters
    ----------
    learning_rate : $\alpha$, a positive number or a schedule of the number of updates made so far.
    momentum : $\beta$ in [0, 1).

    Raises
    ------
    ConfigurationError
        if a setting is out of its range.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> optimizer = nesterov(0.1, 0.5)
    >>> update, state = optimizer.update(jnp.ones(()), optimizer.init(jnp.zeros(())))
    >>> round(float(update), 6)
    -0.15

    References
    ----------
    Nesterov, "A method of solving a convex programming problem with convergence rate O(1/k^2)", Soviet Mathematics
    Doklady 27 (1983); in this form Sutskever and others, ICML 2013.
    """
    schedule = as_schedule(learning_rate)
    fraction("momentum", momentum)

    def init(params: Any) -> MomentumState:
        return MomentumState(no_steps(), schedule(no_steps()), zeros_like(params))

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, MomentumState]:
        rate = schedule(state.step)

        def leaf(gradient: Array, velocity: Array) -> tuple[Array, Array]:
            return nesterov_update(gradient, velocity, rate.astype(gradient.dtype), momentum)

        updates, velocity = map_leaves(leaf, updates, state.velocity)
        return updates, MomentumState(state.step + 1, rate, velocity)

    return optax.GradientTransformation(init, update)
