"""Adamax: Adam with the largest gradient in place of the second moment."""

from __future__ import annotations

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from pullback.core.errors import unknown_name
from pullback.optim.adam import bias_correction
from pullback.optim.learning_rate import LearningRate
from pullback.optim.settings import CHECKS, Scalar, Setting, Settings
from pullback.optim.transformation import transformation
from pullback.optim.weight_decay import Decay, Mask


def adamax_update(
    gradient: Float[Array, " *shape"],
    first_moment: Float[Array, " *shape"],
    largest: Float[Array, " *shape"],
    learning_rate: Float[Array, ""],
    first_correction: Float[Array, ""],
    beta1: Scalar,
    beta2: Scalar,
    epsilon: Scalar,
) -> tuple[Float[Array, " *shape"], Float[Array, " *shape"], Float[Array, " *shape"]]:
    r"""$\Delta\theta = -\alpha c_1 m / u$ with the new $m$ and $u = \max(\beta_2 u, |g| + \epsilon)$."""
    first_moment = beta1 * first_moment + (1 - beta1) * gradient
    largest = jnp.maximum(beta2 * largest, jnp.abs(gradient) + epsilon)
    return -(learning_rate * first_correction) * first_moment / largest, first_moment, largest


def adamax_outside_update(
    gradient: Float[Array, " *shape"],
    first_moment: Float[Array, " *shape"],
    largest: Float[Array, " *shape"],
    learning_rate: Float[Array, ""],
    first_correction: Float[Array, ""],
    beta1: Scalar,
    beta2: Scalar,
    epsilon: Scalar,
) -> tuple[Float[Array, " *shape"], Float[Array, " *shape"], Float[Array, " *shape"]]:
    r"""$\Delta\theta = -\alpha c_1 m / (u + \epsilon)$ with the new $m$ and $u = \max(\beta_2 u, |g|)$."""
    first_moment = beta1 * first_moment + (1 - beta1) * gradient
    largest = jnp.maximum(beta2 * largest, jnp.abs(gradient))
    return -(learning_rate * first_correction) * first_moment / (largest + epsilon), first_moment, largest


KERNELS = {"inside": adamax_update, "outside": adamax_outside_update}


def adamax(
    learning_rate: LearningRate = 2e-3,
    *,
    beta1: Setting = 0.9,
    beta2: Setting = 0.999,
    epsilon: Setting = 1e-8,
    epsilon_place: str = "inside",
    weight_decay: Setting = 0.0,
    mask: Mask | None = None,
) -> optax.GradientTransformation:
    r"""Adam in the infinity norm, whose steps are never longer than about $\alpha$.

    $$ u_t = \max(\beta_2 u_{t-1}, |g_t| + \epsilon), \qquad
       \theta_t = \theta_{t-1} - \frac{\alpha_t}{1 - \beta_1^t} \frac{m_t}{u_t} $$

    with $m_t = \beta_1 m_{t-1} + (1 - \beta_1) g_t$.

    | epsilon_place | denominator | who |
    |---|---|---|
    | "inside" | $\max(\beta_2 u_{t-1}, \lvert g_t \rvert + \epsilon)$ | PyTorch, Optax |
    | "outside" | $\max(\beta_2 u_{t-1}, \lvert g_t \rvert) + \epsilon$ | Keras; the paper with $\epsilon = 0$ |

    Parameters
    ----------
    learning_rate : $\alpha$; 2e-3 as in PyTorch and the paper, Keras has 1e-3.
    beta1, beta2 : $\beta_1, \beta_2$ in [0, 1).
    epsilon, epsilon_place : see the table.
    weight_decay, mask : of a penalty in the gradient, as in `sgd`.

    Raises
    ------
    ConfigurationError
        if a setting is out of its range.

    Examples
    --------
    >>> optimizer = adamax(0.1)
    >>> update, state = optimizer.update(jnp.array([3.0, -0.01]), optimizer.init(jnp.zeros(2)))
    >>> [round(change, 5) for change in update.tolist()]
    [-0.1, 0.1]

    References
    ----------
    Kingma, Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 2.
    """
    if epsilon_place not in KERNELS:
        raise unknown_name("epsilon_place", epsilon_place, KERNELS)
    return transformation(
        "adamax",
        Settings(
            CHECKS, learning_rate=learning_rate, beta1=beta1, beta2=beta2, epsilon=epsilon, weight_decay=weight_decay
        ),
        KERNELS[epsilon_place],
        lambda now, count: {
            "first_correction": bias_correction(now["beta1"], count),
            **{name: now[name] for name in ("learning_rate", "beta1", "beta2", "epsilon")},
        },
        moments={"first_moment": 0.0, "largest": 0.0},
        decay=Decay(mask=mask),
    )
