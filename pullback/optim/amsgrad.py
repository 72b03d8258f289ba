"""AMSGrad: Adam whose second moment never falls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from pullback.core.errors import unknown_name
from pullback.optim.adam import adam_scalars, adam_settings
from pullback.optim.learning_rate import LearningRate
from pullback.optim.settings import Scalar, Setting
from pullback.optim.transformation import transformation
from pullback.optim.weight_decay import Decay, Mask


def amsgrad_update(
    gradient: Float[Array, " *shape"],
    first_moment: Float[Array, " *shape"],
    second_moment: Float[Array, " *shape"],
    largest: Float[Array, " *shape"],
    learning_rate: Float[Array, ""],
    first_correction: Float[Array, ""],
    second_correction: Float[Array, ""],
    beta1: Scalar,
    beta2: Scalar,
    epsilon: Scalar,
    epsilon_root: Scalar,
) -> tuple[Float[Array, " *shape"], Float[Array, " *shape"], Float[Array, " *shape"], Float[Array, " *shape"]]:
    r"""$\Delta\theta = -\alpha c_1 m / (\sqrt{c_2 u + \epsilon_r} + \epsilon)$ with the new $u = \max(u, v)$."""
    first_moment = beta1 * first_moment + (1 - beta1) * gradient
    second_moment = beta2 * second_moment + (1 - beta2) * jnp.square(gradient)
    largest = jnp.maximum(largest, second_moment)
    scale = jnp.sqrt(second_correction * largest + epsilon_root) + epsilon
    return -(learning_rate * first_correction) * first_moment / scale, first_moment, second_moment, largest


def corrected_amsgrad_update(
    gradient: Float[Array, " *shape"],
    first_moment: Float[Array, " *shape"],
    second_moment: Float[Array, " *shape"],
    largest: Float[Array, " *shape"],
    learning_rate: Float[Array, ""],
    first_correction: Float[Array, ""],
    second_correction: Float[Array, ""],
    beta1: Scalar,
    beta2: Scalar,
    epsilon: Scalar,
    epsilon_root: Scalar,
) -> tuple[Float[Array, " *shape"], Float[Array, " *shape"], Float[Array, " *shape"], Float[Array, " *shape"]]:
    r"""$\Delta\theta = -\alpha c_1 m / (\sqrt{u + \epsilon_r} + \epsilon)$ with the new $u = \max(u, c_2 v)$."""
    first_moment = beta1 * first_moment + (1 - beta1) * gradient
    second_moment = beta2 * second_moment + (1 - beta2) * jnp.square(gradient)
    largest = jnp.maximum(largest, second_correction * second_moment)
    scale = jnp.sqrt(largest + epsilon_root) + epsilon
    return -(learning_rate * first_correction) * first_moment / scale, first_moment, second_moment, largest


KERNELS = {"raw": amsgrad_update, "corrected": corrected_amsgrad_update}


def amsgrad(
    learning_rate: LearningRate = 1e-3,
    *,
    beta1: Setting = 0.9,
    beta2: Setting = 0.999,
    epsilon: Setting = 1e-8,
    epsilon_root: Setting = 0.0,
    largest_of: str = "raw",
    bias_correction: bool = True,
    weight_decay: Setting = 0.0,
    decoupled: bool = False,
    mask: Mask | None = None,
) -> optax.GradientTransformation:
    r"""Adam divided by the largest second moment so far, so that the steps cannot grow where gradients got small.

    $$ u_t = \max(u_{t-1}, v_t), \qquad
       \theta_t = \theta_{t-1} - \alpha_t \frac{\hat m_t}{\sqrt{u_t / (1 - \beta_2^t) + \epsilon_r} + \epsilon} $$

    with the moments $m, v$ of `adam`.

    | largest_of, bias_correction | $u_t$ | who |
    |---|---|---|
    | "raw", yes | $\max(u_{t-1}, v_t)$, corrected after | PyTorch (`Adam(amsgrad=True)`), Keras |
    | "corrected", yes | $\max(u_{t-1}, \hat v_t)$ | Optax (`amsgrad`) |
    | either, no | $\max(u_{t-1}, v_t)$, and $m_t$ for $\hat m_t$ | the paper, algorithm 2 |

    Parameters
    ----------
    learning_rate, beta1, beta2, epsilon, epsilon_root : as in `adam`.
    largest_of, bias_correction : see the table.
    weight_decay, mask, decoupled : as in `adam`; decoupled as in `adamw`.

    Raises
    ------
    ConfigurationError
        if a setting is out of its range.

    Examples
    --------
    >>> optimizer = amsgrad(0.1)
    >>> state = optimizer.init(jnp.zeros(()))
    >>> for gradient in (100.0, 1.0):
    ...     update, state = optimizer.update(jnp.array(gradient), state)
    >>> round(float(state.moments["largest"]), 3)
    10.0

    References
    ----------
    Reddi, Kale, Kumar, "On the convergence of Adam and beyond", ICLR 2018.
    """
    if largest_of not in KERNELS:
        raise unknown_name("choice of largest_of", largest_of, KERNELS)
    return transformation(
        "amsgrad",
        adam_settings(learning_rate, beta1, beta2, epsilon, epsilon_root, weight_decay),
        KERNELS[largest_of],
        adam_scalars if bias_correction else _without_correction,
        moments={"first_moment": 0.0, "second_moment": 0.0, "largest": 0.0},
        decay=Decay(decoupled, mask),
    )


def _without_correction(now: Mapping[str, Any], count: Int[Array, ""]) -> dict[str, Any]:
    one = jnp.ones((), jnp.result_type(float))
    return {**adam_scalars(now, count), "first_correction": one, "second_correction": one}
