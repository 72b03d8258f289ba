"""NAdam: Adam that looks ahead as Nesterov's method does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from pullback.core.checks import non_negative
from pullback.core.errors import unknown_name
from pullback.optim.adam import MOMENTS, bias_correction
from pullback.optim.learning_rate import LearningRate
from pullback.optim.settings import CHECKS, Scalar, Setting, Settings
from pullback.optim.transformation import transformation
from pullback.optim.weight_decay import Decay, Mask

MOMENTUM_SCHEDULES = ("warmed", "constant")


def nadam_update(
    gradient: Float[Array, " *shape"],
    first_moment: Float[Array, " *shape"],
    second_moment: Float[Array, " *shape"],
    learning_rate: Float[Array, ""],
    gradient_gain: Float[Array, ""],
    momentum_gain: Float[Array, ""],
    second_correction: Float[Array, ""],
    beta1: Scalar,
    beta2: Scalar,
    epsilon: Scalar,
    epsilon_root: Scalar,
) -> tuple[Float[Array, " *shape"], Float[Array, " *shape"], Float[Array, " *shape"]]:
    r"""$\Delta\theta = -\alpha (\gamma_g g + \gamma_m m) / (\sqrt{c_2 v + \epsilon_r} + \epsilon)$, new $m$, $v$."""
    first_moment = beta1 * first_moment + (1 - beta1) * gradient
    second_moment = beta2 * second_moment + (1 - beta2) * jnp.square(gradient)
    ahead = gradient_gain * gradient + momentum_gain * first_moment
    scale = jnp.sqrt(second_correction * second_moment + epsilon_root) + epsilon
    return -learning_rate * ahead / scale, first_moment, second_moment


def warmed_momentum(beta1: Scalar, step: Float[Array, ""], momentum_decay: Scalar) -> Float[Array, ""]:
    r"""$\mu_t = \beta_1 (1 - \frac{1}{2} 0.96^{t \psi})$, which rises from $\beta_1 / 2$ to $\beta_1$."""
    return beta1 * (1 - 0.5 * 0.96 ** (step * momentum_decay))


def nadam(
    learning_rate: LearningRate = 2e-3,
    *,
    beta1: Setting = 0.9,
    beta2: Setting = 0.999,
    epsilon: Setting = 1e-8,
    epsilon_root: Setting = 0.0,
    momentum_schedule: str = "warmed",
    momentum_decay: Setting = 4e-3,
    weight_decay: Setting = 0.0,
    decoupled: bool = False,
    mask: Mask | None = None,
) -> optax.GradientTransformation:
    r"""Adam with Nesterov's momentum.

    $$ \theta_t = \theta_{t-1} - \frac{\alpha_t}{\sqrt{\hat v_t + \epsilon_r} + \epsilon} \Big(
       \frac{(1 - \mu_t) g_t}{1 - \prod_{i \le t} \mu_i} + \frac{\mu_{t+1} m_t}{1 - \prod_{i \le t + 1} \mu_i} \Big) $$

    with the moments $m$, $\hat v$ of `adam`.

    | momentum_schedule | $\mu_t$ | who |
    |---|---|---|
    | "warmed" | $\beta_1 (1 - \frac{1}{2} 0.96^{t \psi})$ | PyTorch (`NAdam`); the paper |
    | "constant" | $\beta_1$ | Optax (`nadam`, `nadamw`) |

    Parameters
    ----------
    learning_rate : $\alpha$; 2e-3 as in PyTorch.
    beta1, beta2, epsilon, epsilon_root : as in `adam`.
    momentum_decay : $\psi \ge 0$, of "warmed".
    weight_decay, mask, decoupled : as in `adam`; decoupled as in `adamw`.

    Raises
    ------
    ConfigurationError
        if a setting is out of its range.

    Examples
    --------
    >>> optimizer = nadam(0.1, momentum_schedule="constant")
    >>> update, state = optimizer.update(jnp.array([3.0, -0.01]), optimizer.init(jnp.zeros(2)))
    >>> [round(change, 5) for change in update.tolist()]
    [-0.14737, 0.14737]

    References
    ----------
    Dozat, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016.
    """
    if momentum_schedule not in MOMENTUM_SCHEDULES:
        raise unknown_name("momentum_schedule", momentum_schedule, MOMENTUM_SCHEDULES)
    settings = Settings(
        {**CHECKS, "momentum_decay": non_negative},
        learning_rate=learning_rate,
        beta1=beta1,
        beta2=beta2,
        epsilon=epsilon,
        epsilon_root=epsilon_root,
        momentum_decay=momentum_decay,
        weight_decay=weight_decay,
    )
    warmed = momentum_schedule == "warmed"
    return transformation(
        "nadam",
        settings,
        nadam_update,
        _scalars,
        moments=MOMENTS,
        decay=Decay(decoupled, mask),
        remember=_product_of_momenta if warmed else None,
        memory={"product": 1.0} if warmed else None,
    )


def _product_of_momenta(now: Mapping[str, Any], count: Array, memory: Mapping[str, Array]) -> dict[str, Array]:
    return {"product": memory["product"] * _momentum(now, count)}


def _momentum(now: Mapping[str, Any], count: Int[Array, ""]) -> Float[Array, ""]:
    return warmed_momentum(now["beta1"], count.astype(jnp.result_type(float)), now["momentum_decay"])


def gradient_gains(now: Mapping[str, Any], count: Int[Array, ""]) -> tuple[Float[Array, ""], Float[Array, ""]]:
    r"""The factors $\gamma_g$ of the gradient and $\gamma_m$ of the new first moment; `product` is of the warmed."""
    if "product" not in now:
        beta1 = now["beta1"]
        return (1 - beta1) * bias_correction(beta1, count), beta1 * bias_correction(beta1, count + 1)
    this, following, product = _momentum(now, count), _momentum(now, count + 1), now["product"]
    return (1 - this) / (1 - product), following / (1 - product * following)


def _scalars(now: Mapping[str, Any], count: Int[Array, ""]) -> dict[str, Any]:
    names = ("learning_rate", "beta1", "beta2", "epsilon", "epsilon_root")
    gains = dict(zip(("gradient_gain", "momentum_gain"), gradient_gains(now, count), strict=True))
    corrected = {"second_correction": bias_correction(now["beta2"], count)}
    return corrected | gains | {name: now[name] for name in names}
