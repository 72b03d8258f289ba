"""Adam: steps scaled by running means of the gradient and of its square."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from pullback.optim.learning_rate import LearningRate
from pullback.optim.settings import CHECKS, Scalar, Setting, Settings, log_of
from pullback.optim.transformation import transformation
from pullback.optim.weight_decay import Decay, Mask

MOMENTS = {"first_moment": 0.0, "second_moment": 0.0}


def adam_update(
    gradient: Float[Array, " *shape"],
    first_moment: Float[Array, " *shape"],
    second_moment: Float[Array, " *shape"],
    learning_rate: Float[Array, ""],
    first_correction: Float[Array, ""],
    second_correction: Float[Array, ""],
    beta1: Scalar,
    beta2: Scalar,
    epsilon: Scalar,
    epsilon_root: Scalar,
) -> tuple[Float[Array, " *shape"], Float[Array, " *shape"], Float[Array, " *shape"]]:
    r"""$\Delta\theta = -\alpha c_1 m / (\sqrt{c_2 v + \epsilon_r} + \epsilon)$, with the new $m$ and $v$.

    The corrections $c_i = 1 / (1 - \beta_i^t)$ come from `bias_correction`, once for all parameters.
    """
    first_moment = beta1 * first_moment + (1 - beta1) * gradient
    second_moment = beta2 * second_moment + (1 - beta2) * jnp.square(gradient)
    scale = jnp.sqrt(second_correction * second_moment + epsilon_root) + epsilon
    return -(learning_rate * first_correction) * first_moment / scale, first_moment, second_moment


def bias_correction(beta: Scalar, step: Int[Array, ""]) -> Float[Array, ""]:
    r"""$1 / (1 - \beta^t)$, the factor that makes a running mean from zero unbiased after $t$ steps.

    Written as $-1 / \operatorname{expm1}(t \log \beta)$: in float32, $1 - 0.999^1$ would keep only four digits.
    """
    return -1 / jnp.expm1(step.astype(jnp.result_type(float)) * log_of(beta))


def adam(
    learning_rate: LearningRate = 1e-3,
    *,
    beta1: Setting = 0.9,
    beta2: Setting = 0.999,
    epsilon: Setting = 1e-8,
    epsilon_root: Setting = 0.0,
    weight_decay: Setting = 0.0,
    mask: Mask | None = None,
) -> optax.GradientTransformation:
    r"""Adam.

    $$ m_t = \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 $$
    $$ \theta_t = \theta_{t-1} - \alpha_t \frac{\hat m_t}{\sqrt{\hat v_t + \epsilon_r} + \epsilon}, \qquad
       \hat m_t = \frac{m_t}{1 - \beta_1^t}, \quad \hat v_t = \frac{v_t}{1 - \beta_2^t} $$

    Parameters
    ----------
    learning_rate : $\alpha$, a positive number or a schedule of the number of updates made so far.
    beta1, beta2 : $\beta_1, \beta_2$ in [0, 1).
    epsilon : $\epsilon$ outside the root, as PyTorch, Optax and the paper's algorithm have it.
    epsilon_root : $\epsilon_r$ inside the root, Optax's `eps_root`; needed where the update itself is differentiated.
    weight_decay, mask : of a penalty in the gradient, as in `sgd`: it is divided by $\sqrt{\hat v}$ with the rest, so
        that what has large gradients shrinks less. `adamw` is the way out.

    Raises
    ------
    ConfigurationError
        if a setting is out of its range.

    Examples
    --------
    >>> optimizer = adam(0.1)
    >>> update, state = optimizer.update(jnp.array([3.0, -0.01]), optimizer.init(jnp.zeros(2)))
    >>> [round(change, 5) for change in update.tolist()]
    [-0.1, 0.1]

    References
    ----------
    Kingma, Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1.
    """
    return transformation(
        "adam",
        adam_settings(learning_rate, beta1, beta2, epsilon, epsilon_root, weight_decay),
        adam_update,
        adam_scalars,
        moments=MOMENTS,
        decay=Decay(mask=mask),
    )


def adam_settings(
    learning_rate: LearningRate,
    beta1: Setting,
    beta2: Setting,
    epsilon: Setting,
    epsilon_root: Setting,
    weight_decay: Setting,
) -> Settings:
    """The settings of Adam and its kin, checked."""
    return Settings(
        CHECKS,
        learning_rate=learning_rate,
        beta1=beta1,
        beta2=beta2,
        epsilon=epsilon,
        epsilon_root=epsilon_root,
        weight_decay=weight_decay,
    )


def adam_scalars(now: Mapping[str, Any], count: Int[Array, ""]) -> dict[str, Any]:
    """What the update of one parameter needs to know of the settings."""
    return {
        "learning_rate": now["learning_rate"],
        "first_correction": bias_correction(now["beta1"], count),
        "second_correction": bias_correction(now["beta2"], count),
        **{name: now[name] for name in ("beta1", "beta2", "epsilon", "epsilon_root")},
    }
