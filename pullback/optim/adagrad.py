"""Adagrad: steps divided by the root of the sum of all squared gradients."""

from __future__ import annotations

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from pullback.core.checks import non_negative
from pullback.optim.learning_rate import LearningRate
from pullback.optim.schedules.inverse_time import inverse_time
from pullback.optim.schedules.real_step import real_step
from pullback.optim.settings import CHECKS, Scalar, Setting, Settings
from pullback.optim.transformation import transformation
from pullback.optim.weight_decay import Decay, Mask


def adagrad_update(
    gradient: Float[Array, " *shape"],
    sum_of_squares: Float[Array, " *shape"],
    learning_rate: Float[Array, ""],
    epsilon: Scalar,
    epsilon_root: Scalar,
) -> tuple[Float[Array, " *shape"], Float[Array, " *shape"]]:
    r"""$\Delta\theta = -\alpha g / (\sqrt{s + \epsilon_r} + \epsilon)$ with the new sum $s = s + g^2$."""
    sum_of_squares = sum_of_squares + jnp.square(gradient)
    return -learning_rate * gradient / (jnp.sqrt(sum_of_squares + epsilon_root) + epsilon), sum_of_squares


def adagrad(
    learning_rate: LearningRate = 1e-2,
    *,
    rate_decay: Setting = 0.0,
    initial_accumulator: float = 0.0,
    epsilon: Setting = 1e-10,
    epsilon_root: Setting = 0.0,
    weight_decay: Setting = 0.0,
    mask: Mask | None = None,
) -> optax.GradientTransformation:
    r"""A rate of its own for every parameter: large where gradients were rare.

    $$ s_t = s_{t-1} + g_t^2, \qquad
       \theta_t = \theta_{t-1} - \frac{\alpha_t}{1 + \eta (t - 1)} \frac{g_t}{\sqrt{s_t + \epsilon_r} + \epsilon} $$

    | | $s_0$ | $\epsilon$ | $\epsilon_r$ |
    |---|---|---|---|
    | PyTorch, these defaults | 0 | 1e-10 | 0 |
    | Optax (`adagrad`) | 0.1 | 0 | 1e-7 |
    | Keras (`Adagrad`) | 0.1 | 0 | 1e-7 |

    Parameters
    ----------
    learning_rate : $\alpha$.
    rate_decay : $\eta \ge 0$, PyTorch's `lr_decay`.
    initial_accumulator : $s_0 \ge 0$.
    epsilon, epsilon_root : outside and inside the root; one of them has to be positive if $s_0 = 0$.
    weight_decay, mask : of a penalty in the gradient, as in `sgd`.

    Raises
    ------
    ConfigurationError
        if a setting is out of its range.

    Examples
    --------
    >>> optimizer = adagrad(0.5)
    >>> state = optimizer.init(jnp.zeros(2))
    >>> for _ in range(4):
    ...     update, state = optimizer.update(jnp.array([3.0, 0.01]), state)
    >>> [round(change, 6) for change in update.tolist()]
    [-0.25, -0.25]

    References
    ----------
    Duchi, Hazan, Singer, "Adaptive subgradient methods for online learning and stochastic optimization", Journal of
    Machine Learning Research 12 (2011).
    """
    return transformation(
        "adagrad",
        Settings(
            {**CHECKS, "rate_decay": non_negative},
            learning_rate=learning_rate,
            rate_decay=rate_decay,
            epsilon=epsilon,
            epsilon_root=epsilon_root,
            weight_decay=weight_decay,
        ),
        adagrad_update,
        lambda now, count: {
            "learning_rate": inverse_time(real_step(count - 1), now["learning_rate"], now["rate_decay"], 1),
            "epsilon": now["epsilon"],
            "epsilon_root": now["epsilon_root"],
        },
        moments={"sum_of_squares": non_negative("initial_accumulator", initial_accumulator)},
        decay=Decay(mask=mask),
    )
