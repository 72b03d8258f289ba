"""RMSProp: steps divided by the root of a running mean of squared gradients."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from pullback.core.checks import non_negative
from pullback.core.errors import unknown_name
from pullback.optim.learning_rate import LearningRate
from pullback.optim.momentum import momentum_update
from pullback.optim.settings import CHECKS, Scalar, Setting, Settings
from pullback.optim.transformation import Kernel, transformation
from pullback.optim.weight_decay import Decay, Mask

VELOCITIES = ("gradients", "steps")


def rms_direction(
    gradient: Float[Array, " *shape"],
    second_moment: Float[Array, " *shape"],
    decay: Scalar,
    epsilon: Scalar,
    epsilon_root: Scalar,
) -> tuple[Float[Array, " *shape"], Float[Array, " *shape"]]:
    r"""$d = g / (\sqrt{v + \epsilon_r} + \epsilon)$ with the new $v = \rho v + (1 - \rho) g^2$."""
    second_moment = decay * second_moment + (1 - decay) * jnp.square(gradient)
    return gradient / (jnp.sqrt(second_moment + epsilon_root) + epsilon), second_moment


def centered_rms_direction(
    gradient: Float[Array, " *shape"],
    second_moment: Float[Array, " *shape"],
    first_moment: Float[Array, " *shape"],
    decay: Scalar,
    epsilon: Scalar,
    epsilon_root: Scalar,
) -> tuple[Float[Array, " *shape"], Float[Array, " *shape"], Float[Array, " *shape"]]:
    r"""$d = g / (\sqrt{v - m^2 + \epsilon_r} + \epsilon)$ with the new means $v$ of $g^2$ and $m$ of $g$."""
    second_moment = decay * second_moment + (1 - decay) * jnp.square(gradient)
    first_moment = decay * first_moment + (1 - decay) * gradient
    spread = jnp.sqrt(second_moment - jnp.square(first_moment) + epsilon_root)
    return gradient / (spread + epsilon), second_moment, first_moment


def step_velocity_update(
    direction: Float[Array, " *shape"],
    velocity: Float[Array, " *shape"],
    learning_rate: Float[Array, ""],
    momentum: Scalar,
) -> tuple[Float[Array, " *shape"], Float[Array, " *shape"]]:
    r"""$\Delta\theta = -b$ with the new velocity $b = \beta b + \alpha d$."""
    velocity = momentum * velocity + learning_rate * direction
    return -velocity, velocity


def rmsprop(
    learning_rate: LearningRate = 1e-2,
    *,
    decay: Setting = 0.99,
    epsilon: Setting = 1e-8,
    epsilon_root: Setting = 0.0,
    centered: bool = False,
    momentum: Setting = 0.0,
    velocity_of: str = "gradients",
    initial_accumulator: float = 0.0,
    weight_decay: Setting = 0.0,
    mask: Mask | None = None,
) -> optax.GradientTransformation:
    r"""Gradients divided by their running root mean square, or if centered by their running standard deviation.

    $$ v_t = \rho v_{t-1} + (1 - \rho) g_t^2, \quad m_t = \rho m_{t-1} + (1 - \rho) g_t, \quad
       d_t = \frac{g_t}{\sqrt{v_t \, [- m_t^2] + \epsilon_r} + \epsilon} $$
    $$ b_t = \beta b_{t-1} + d_t, \qquad \theta_t = \theta_{t-1} - \alpha_t b_t $$

    | | $\rho$ | $\epsilon$ | $\epsilon_r$ | the velocity $b$ adds up |
    |---|---|---|---|---|
    | PyTorch, these defaults | 0.99 | 1e-8 | 0 | $d_t$: "gradients" |
    | Optax (`rmsprop`) | 0.9 | 0 | 1e-8 | $\alpha_t d_t$: "steps" |
    | Optax, `eps_in_sqrt=False` | 0.9 | 1e-8 | 0 | "steps" |
    | Keras (`RMSprop`) | 0.9 | 0 | 1e-7 | "steps" |

    At a constant rate the two kinds of velocity take the same steps.

    Parameters
    ----------
    learning_rate : $\alpha$.
    decay : $\rho$ in [0, 1), PyTorch's `alpha`.
    epsilon, epsilon_root : outside and inside the root.
    centered : whether the square of the mean is taken off.
    momentum : $\beta$ in [0, 1).
    velocity_of : "gradients" or "steps", see the table.
    initial_accumulator : $v_0 \ge 0$.
    weight_decay, mask : of a penalty in the gradient, as in `sgd`.

    Raises
    ------
    ConfigurationError
        if a setting is out of its range.

    Examples
    --------
    >>> optimizer = rmsprop(0.1, decay=0.75)
    >>> update, state = optimizer.update(jnp.array([3.0, -0.01]), optimizer.init(jnp.zeros(2)))
    >>> [round(change, 5) for change in update.tolist()]
    [-0.2, 0.2]

    References
    ----------
    Tieleman, Hinton, "Lecture 6.5: RMSProp", Neural networks for machine learning (2012); centered: Graves,
    "Generating sequences with recurrent neural networks" (2013), equations 38 to 41.
    """
    if velocity_of not in VELOCITIES:
        raise unknown_name("choice of velocity_of", velocity_of, VELOCITIES)
    settings = Settings(
        CHECKS,
        learning_rate=learning_rate,
        decay=decay,
        epsilon=epsilon,
        epsilon_root=epsilon_root,
        momentum=momentum,
        weight_decay=weight_decay,
    )
    moments = {"second_moment": non_negative("initial_accumulator", initial_accumulator)}
    moments |= {"first_moment": 0.0} if centered else {}
    rolling = not settings.is_zero("momentum")
    return transformation(
        "rmsprop",
        settings,
        _kernel(centered, rolling, velocity_of),
        lambda now, count: {
            name: now[name] for name in ("learning_rate", "decay", "epsilon", "epsilon_root", "momentum")
        },
        moments=moments | ({"velocity": 0.0} if rolling else {}),
        decay=Decay(mask=mask),
    )


def _kernel(centered: bool, rolling: bool, velocity_of: str) -> Kernel:
    def kernel(
        gradient: Array, *moments: Array, learning_rate: Array, momentum: Any, **values: Any
    ) -> tuple[Array, ...]:
        means, velocity = (moments[:-1], moments[-1]) if rolling else (moments, None)
        toward = centered_rms_direction if centered else rms_direction
        direction, *means = toward(gradient, *means, **values)
        if velocity is None:
            return -learning_rate * direction, *means
        if velocity_of == "steps":
            change, velocity = step_velocity_update(direction, velocity, learning_rate, momentum)
        else:
            one = jnp.ones((), direction.dtype)
            change, velocity = momentum_update(direction, velocity, learning_rate, momentum, one)
        return change, *means, velocity

    return kernel
