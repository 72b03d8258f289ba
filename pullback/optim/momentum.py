"""Gradient descent with momentum, in the two conventions of the field."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from pullback.core.checks import fraction
from pullback.core.errors import ConfigurationError, unknown_name
from pullback.optim.learning_rate import LearningRate, as_schedule
from pullback.optim.leaves import map_leaves, no_steps, zeros_like

CONVENTIONS = ("heavy_ball", "averaged")


class MomentumState(NamedTuple):
    """Updates made so far, the learning rate of the last one, and the velocity of each parameter."""

    step: Int[Array, ""]
    learning_rate: Float[Array, ""]
    velocity: Any


def momentum_update(
    gradient: Float[Array, " *shape"],
    velocity: Float[Array, " *shape"],
    learning_rate: Float[Array, ""],
    momentum: float,
    gain: Float[Array, ""],
) -> tuple[Float[Array, " *shape"], Float[Array, " *shape"]]:
    r"""$\Delta\theta = -\alpha v$ with the new velocity $v = \beta v + \gamma g$."""
    velocity = momentum * velocity + gain * gradient
    return -learning_rate * velocity, velocity


def momentum(
    learning_rate: LearningRate,
    momentum: float = 0.9,
    *,
    dampening: float = 0.0,
    convention: str = "heavy_ball",
) -> optax.GradientTransformation:
    r"""Gradient descent along a running velocity.

    $$ v_t = \beta v_{t-1} + \gamma_t g_t, \qquad \theta_t = \theta_{t-1} - \alpha_t v_t, \qquad v_0 = 0 $$

    | convention | $\gamma_t$ | who |
    |---|---|---|
    | "heavy_ball" | $1 - d$ with dampening $d$, and 1 at the first update | PyTorch (`SGD`), Optax (`sgd`, d = 0) |
    | "averaged" | $1 - \beta$ | textbooks: $v$ is an exponential mean of gradients |

    The conventions take the same steps at learning rates that differ by the factor $1 - \beta$: `convert_momentum`.

    Parameters
    ----------
    learning_rate : $\alpha$, a positive number or a schedule of the number of updates made so far.
    momentum : $\beta$ in [0, 1).
    dampening : $d$ in [0, 1), for "heavy_ball" only.

    Raises
    ------
    ConfigurationError
        if a setting is out of its range, or dampening is set with "averaged".

    Examples
    --------
    >>> optimizer = momentum(0.1, 0.5)
    >>> state = optimizer.init(jnp.zeros(()))
    >>> for _ in range(3):
    ...     update, state = optimizer.update(jnp.ones(()), state)
    >>> float(state.velocity), round(float(update), 6)
    (1.75, -0.175)

    References
    ----------
    Polyak, "Some methods of speeding up the convergence of iteration methods", USSR Computational Mathematics 4 (1964).
    """
    schedule = as_schedule(learning_rate)
    check_momentum(momentum, dampening, convention)

    def init(params: Any) -> MomentumState:
        return MomentumState(no_steps(), schedule(no_steps()), zeros_like(params))

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, MomentumState]:
        rate = schedule(state.step)
        gain = velocity_gain(state.step, momentum, dampening, convention)

        def leaf(gradient: Array, velocity: Array) -> tuple[Array, Array]:
            dtype = gradient.dtype
            return momentum_update(gradient, velocity, rate.astype(dtype), momentum, gain.astype(dtype))

        updates, velocity = map_leaves(leaf, updates, state.velocity)
        return updates, MomentumState(state.step + 1, rate, velocity)

    return optax.GradientTransformation(init, update)


def convert_momentum(learning_rate: float, momentum: float, *, source: str, target: str) -> float:
    r"""The learning rate with which the `target` convention takes the steps that `source` takes with `learning_rate`.

    $$ \alpha_{\text{heavy ball}} = (1 - \beta) \, \alpha_{\text{averaged}} $$

    Examples
    --------
    >>> round(convert_momentum(1e-3, 0.9, source="averaged", target="heavy_ball"), 12)
    0.0001
    """
    check_momentum(momentum, 0.0, source)
    check_momentum(momentum, 0.0, target)
    if source == target:
        return learning_rate
    return learning_rate * (1 - momentum) if target == "heavy_ball" else learning_rate / (1 - momentum)


def velocity_gain(step: Int[Array, ""], momentum: float, dampening: float, convention: str) -> Float[Array, ""]:
    r"""The factor $\gamma_t$ of the gradient in the velocity."""
    if convention == "averaged":
        return jnp.asarray(1 - momentum, jnp.result_type(float))
    # PyTorch starts the velocity at the first gradient itself, whatever the dampening.
    return jnp.where(step == 0, 1.0, 1 - dampening)


def check_momentum(momentum: float, dampening: float, convention: str) -> None:
    """ConfigurationError for a setting of a momentum method that is out of its range."""
    fraction("momentum", momentum)
    fraction("dampening", dampening)
    if convention not in CONVENTIONS:
        raise unknown_name("convention", convention, CONVENTIONS)
    if convention == "averaged" and dampening:
        raise ConfigurationError(
            "the averaged convention has no dampening of its own",
            expected="dampening = 0: the gradient already enters with 1 - momentum",
            got=f"dampening = {dampening}",
            fix='leave dampening out, or use convention="heavy_ball"',
        )
