"""Adadelta: steps in the units of the parameters themselves."""

from __future__ import annotations

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from pullback.core.checks import positive
from pullback.optim.learning_rate import LearningRate
from pullback.optim.settings import CHECKS, Scalar, Setting, Settings
from pullback.optim.transformation import transformation
from pullback.optim.weight_decay import Decay, Mask


def adadelta_update(
    gradient: Float[Array, " *shape"],
    second_moment: Float[Array, " *shape"],
    squared_steps: Float[Array, " *shape"],
    learning_rate: Float[Array, ""],
    decay: Scalar,
    epsilon: Scalar,
) -> tuple[Float[Array, " *shape"], Float[Array, " *shape"], Float[Array, " *shape"]]:
    r"""$\Delta\theta = -\alpha d$ with $d = g \sqrt{u + \epsilon} / \sqrt{v + \epsilon}$ and the new means $v$, $u$.

    They are the running means of $g^2$ and of $d^2$, decaying by $\rho$.
    """
    second_moment = decay * second_moment + (1 - decay) * jnp.square(gradient)
    direction = jnp.sqrt(squared_steps + epsilon) / jnp.sqrt(second_moment + epsilon) * gradient
    squared_steps = decay * squared_steps + (1 - decay) * jnp.square(direction)
    return -learning_rate * direction, second_moment, squared_steps


def adadelta(
    learning_rate: LearningRate = 1.0,
    *,
    decay: Setting = 0.9,
    epsilon: Setting = 1e-6,
    weight_decay: Setting = 0.0,
    mask: Mask | None = None,
) -> optax.GradientTransformation:
    r"""Steps as large as the last ones were, in proportion to the gradient.

    $$ v_t = \rho v_{t-1} + (1 - \rho) g_t^2, \qquad
       d_t = \frac{\sqrt{u_{t-1} + \epsilon}}{\sqrt{v_t + \epsilon}} g_t, \qquad
       u_t = \rho u_{t-1} + (1 - \rho) d_t^2, \qquad \theta_t = \theta_{t-1} - \alpha_t d_t $$

    | | $\alpha$ | $\rho$ | $\epsilon$ |
    |---|---|---|---|
    | PyTorch, these defaults; Optax with $\alpha = 1$ | 1 | 0.9 | 1e-6 |
    | Keras (`Adadelta`) | 1e-3 | 0.95 | 1e-7 |
    | the paper | 1 | 0.95 | 1e-6 |

    $\epsilon$ sets the size of the first steps, so that it is not only there against a division by zero.

    Parameters
    ----------
    learning_rate : $\alpha$.
    decay : $\rho$ in [0, 1).
    epsilon : $\epsilon > 0$.
    weight_decay, mask : of a penalty in the gradient, as in `sgd`.

    Raises
    ------
    ConfigurationError
        if a setting is out of its range.

    Examples
    --------
    >>> optimizer = adadelta(decay=0.0, epsilon=1.0)
    >>> update, state = optimizer.update(jnp.array(0.75), optimizer.init(jnp.zeros(())))
    >>> round(float(update), 6)
    -0.6

    References
    ----------
    Zeiler, "ADADELTA: an adaptive learning rate method" (2012), algorithm 1.
    """
    return transformation(
        "adadelta",
        Settings(
            {**CHECKS, "epsilon": positive},
            learning_rate=learning_rate,
            decay=decay,
            epsilon=epsilon,
            weight_decay=weight_decay,
        ),
        adadelta_update,
        lambda now, count: {name: now[name] for name in ("learning_rate", "decay", "epsilon")},
        moments={"second_moment": 0.0, "squared_steps": 0.0},
        decay=Decay(mask=mask),
    )
