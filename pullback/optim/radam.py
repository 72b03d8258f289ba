"""RAdam: Adam that divides only when it knows by what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from pullback.core.errors import ConfigurationError, unknown_name
from pullback.optim.adam import MOMENTS, bias_correction
from pullback.optim.learning_rate import LearningRate
from pullback.optim.settings import CHECKS, Scalar, Setting, Settings, log_of
from pullback.optim.transformation import transformation
from pullback.optim.weight_decay import Decay, Mask


def radam_update(
    gradient: Float[Array, " *shape"],
    first_moment: Float[Array, " *shape"],
    second_moment: Float[Array, " *shape"],
    learning_rate: Float[Array, ""],
    first_correction: Float[Array, ""],
    second_correction: Float[Array, ""],
    rectification: Float[Array, ""],
    beta1: Scalar,
    beta2: Scalar,
    epsilon: Scalar,
) -> tuple[Float[Array, " *shape"], Float[Array, " *shape"], Float[Array, " *shape"]]:
    r"""$\Delta\theta = -\alpha c_1 m \cdot r / (\sqrt{c_2} (\sqrt{v} + \epsilon))$, without the factor if $r = 0$."""
    first_moment = beta1 * first_moment + (1 - beta1) * gradient
    second_moment = beta2 * second_moment + (1 - beta2) * jnp.square(gradient)
    factor = rectification / (jnp.sqrt(second_correction) * (jnp.sqrt(second_moment) + epsilon))
    factor = jnp.where(rectification > 0, factor, 1)
    return -(learning_rate * first_correction) * first_moment * factor, first_moment, second_moment


def corrected_radam_update(
    gradient: Float[Array, " *shape"],
    first_moment: Float[Array, " *shape"],
    second_moment: Float[Array, " *shape"],
    learning_rate: Float[Array, ""],
    first_correction: Float[Array, ""],
    second_correction: Float[Array, ""],
    rectification: Float[Array, ""],
    beta1: Scalar,
    beta2: Scalar,
    epsilon: Scalar,
) -> tuple[Float[Array, " *shape"], Float[Array, " *shape"], Float[Array, " *shape"]]:
    r"""$\Delta\theta = -\alpha c_1 m \cdot r / (\sqrt{c_2 v} + \epsilon)$, without the factor if $r = 0$."""
    first_moment = beta1 * first_moment + (1 - beta1) * gradient
    second_moment = beta2 * second_moment + (1 - beta2) * jnp.square(gradient)
    factor = jnp.where(rectification > 0, rectification / (jnp.sqrt(second_correction * second_moment) + epsilon), 1)
    return -(learning_rate * first_correction) * first_moment * factor, first_moment, second_moment


KERNELS = {"raw": radam_update, "corrected": corrected_radam_update}


def radam(
    learning_rate: LearningRate = 1e-3,
    *,
    beta1: Setting = 0.9,
    beta2: Setting = 0.999,
    epsilon: Setting = 1e-8,
    epsilon_beside: str = "raw",
    threshold: float = 5.0,
    weight_decay: Setting = 0.0,
    decoupled: bool = False,
    mask: Mask | None = None,
) -> optax.GradientTransformation:
    r"""Adam, with plain momentum until the second moment rests on enough gradients; a warm-up without a setting.

    $$ \rho_\infty = \frac{2}{1 - \beta_2} - 1, \quad
       \rho_t = \rho_\infty - \frac{2 t \beta_2^t}{1 - \beta_2^t}, \quad
       r_t = \sqrt{\frac{(\rho_t - 4)(\rho_t - 2) \rho_\infty}{(\rho_\infty - 4)(\rho_\infty - 2) \rho_t}} $$
    $$ \theta_t = \theta_{t-1} - \alpha_t \hat m_t \cdot \begin{cases}
       r_t \sqrt{1 - \beta_2^t} / (\sqrt{v_t} + \epsilon) & \rho_t > \rho^* \\ 1 & \text{else} \end{cases} $$

    | epsilon_beside | denominator | who |
    |---|---|---|
    | "raw" | $(\sqrt{v_t} + \epsilon) / \sqrt{1 - \beta_2^t}$ | PyTorch (`RAdam`) |
    | "corrected" | $\sqrt{\hat v_t} + \epsilon$ | Optax (`radam`) |

    Parameters
    ----------
    learning_rate, beta1, beta2, epsilon : as in `adam`.
    threshold : $\rho^* \ge 4$; 5 as in PyTorch and Optax, the paper has 4.
    weight_decay, mask, decoupled : as in `adam`; decoupled as in `adamw`.

    Raises
    ------
    ConfigurationError
        if a setting is out of its range.

    Examples
    --------
    >>> optimizer = radam(0.1)
    >>> update, state = optimizer.update(jnp.array([3.0, -0.5]), optimizer.init(jnp.zeros(2)))
    >>> [round(change, 5) for change in update.tolist()]
    [-0.3, 0.05]

    References
    ----------
    Liu and others, "On the variance of the adaptive learning rate and beyond", ICLR 2020, algorithm 2.
    """
    if epsilon_beside not in KERNELS:
        raise unknown_name("choice of epsilon_beside", epsilon_beside, KERNELS)
    if not 4 <= threshold < float("inf"):
        raise ConfigurationError(
            "the rectification means nothing below 4",
            expected="threshold >= 4",
            got=f"threshold = {threshold}",
            fix="leave threshold out: 5 is what PyTorch and Optax have",
        )

    def scalars(now: Mapping[str, Any], count: Int[Array, ""]) -> dict[str, Any]:
        return {
            "first_correction": bias_correction(now["beta1"], count),
            "second_correction": bias_correction(now["beta2"], count),
            "rectification": rectification(now["beta2"], count, threshold),
            **{name: now[name] for name in ("learning_rate", "beta1", "beta2", "epsilon")},
        }

    return transformation(
        "radam",
        Settings(
            CHECKS, learning_rate=learning_rate, beta1=beta1, beta2=beta2, epsilon=epsilon, weight_decay=weight_decay
        ),
        KERNELS[epsilon_beside],
        scalars,
        moments=MOMENTS,
        decay=Decay(decoupled, mask),
    )


def rectification(beta2: Scalar, step: Int[Array, ""], threshold: float) -> Float[Array, ""]:
    r"""$r_t$ where $\rho_t > \rho^*$, else zero."""
    longest = 2 / (1 - beta2) - 1
    length = variance_length(beta2, step.astype(jnp.result_type(float)))
    # Below the threshold the root is not asked for: it may not exist.
    enough = jnp.maximum(length, threshold)
    ratio = (enough - 4) * (enough - 2) * longest / ((longest - 4) * (longest - 2) * enough)
    return jnp.where(length > threshold, jnp.sqrt(jnp.abs(ratio)), 0)


def variance_length(beta2: Scalar, t: Float[Array, ""]) -> Float[Array, ""]:
    r"""$\rho_t = \rho_\infty - 2 t \beta_2^t / (1 - \beta_2^t)$: how many gradients the second moment rests on.

    With $x = -t \log \beta_2$ it is $\rho_\infty + \frac{2}{\log \beta_2} \frac{x}{e^x - 1}$, a difference of numbers
    in the thousands. What they share is taken off in double precision; the rest is a series where $x$ is small.
    """
    rate = -1 * log_of(beta2)
    x = t * rate
    rest = jnp.where(x < 0.1, x / 2 - x**2 / 12 + x**4 / 720, 1 - x / jnp.expm1(x))
    return (2 / (1 - beta2) - 1 - 2 / rate) + 2 / rate * rest
