"""Lion: the sign of a running mean."""

from __future__ import annotations

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from pullback.optim.learning_rate import LearningRate
from pullback.optim.settings import CHECKS, Scalar, Setting, Settings
from pullback.optim.transformation import transformation
from pullback.optim.weight_decay import Decay, Mask


def lion_update(
    gradient: Float[Array, " *shape"],
    first_moment: Float[Array, " *shape"],
    learning_rate: Float[Array, ""],
    beta1: Scalar,
    beta2: Scalar,
) -> tuple[Float[Array, " *shape"], Float[Array, " *shape"]]:
    r"""$\Delta\theta = -\alpha \operatorname{sign}(\beta_1 m + (1 - \beta_1) g)$, then $m$ by $\beta_2$."""
    toward = jnp.sign(beta1 * first_moment + (1 - beta1) * gradient)
    return -learning_rate * toward, beta2 * first_moment + (1 - beta2) * gradient


def lion(
    learning_rate: LearningRate = 1e-4,
    *,
    beta1: Setting = 0.9,
    beta2: Setting = 0.99,
    weight_decay: Setting = 1e-3,
    mask: Mask | None = None,
) -> optax.GradientTransformation:
    r"""Every parameter by the same length, in the direction that gradients mostly had.

    $$ \theta_t = \theta_{t-1} - \alpha_t \big( \operatorname{sign}(\beta_1 m_{t-1} + (1 - \beta_1) g_t)
       + \lambda \theta_{t-1} \big), \qquad m_t = \beta_2 m_{t-1} + (1 - \beta_2) g_t $$

    It keeps one number a parameter. Its rate is 3 to 10 times smaller than Adam's, its decay as much larger.
    Defaults and decoupled decay as in Optax (`lion`); PyTorch has no such optimizer.

    Parameters
    ----------
    learning_rate : $\alpha$.
    beta1, beta2 : $\beta_1, \beta_2$ in [0, 1).
    weight_decay, mask : $\lambda \ge 0$, decoupled as in `adamw`.

    Raises
    ------
    ConfigurationError
        if a setting is out of its range.

    Examples
    --------
    >>> optimizer = lion(0.1, weight_decay=0.0)
    >>> update, state = optimizer.update(jnp.array([3.0, -0.01, 0.0]), optimizer.init(jnp.zeros(3)))
    >>> [round(change, 5) for change in update.tolist()]
    [-0.1, 0.1, -0.0]

    References
    ----------
    Chen and others, "Symbolic discovery of optimization algorithms", NeurIPS 2023, program 1.
    """
    return transformation(
        "lion",
        Settings(CHECKS, learning_rate=learning_rate, beta1=beta1, beta2=beta2, weight_decay=weight_decay),
        lion_update,
        lambda now, count: {name: now[name] for name in ("learning_rate", "beta1", "beta2")},
        moments={"first_moment": 0.0},
        decay=Decay(decoupled=True, mask=mask),
    )
