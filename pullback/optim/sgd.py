"""Gradient descent."""

from __future__ import annotations

import optax
from jaxtyping import Array, Float

from pullback.optim.learning_rate import LearningRate
from pullback.optim.settings import CHECKS, Setting, Settings
from pullback.optim.transformation import transformation
from pullback.optim.weight_decay import Decay, Mask


def sgd_update(gradient: Float[Array, " *shape"], learning_rate: Float[Array, ""]) -> Float[Array, " *shape"]:
    r"""$\Delta\theta = -\alpha g$."""
    return -learning_rate * gradient


def sgd(
    learning_rate: LearningRate, *, weight_decay: Setting = 0.0, mask: Mask | None = None
) -> optax.GradientTransformation:
    r"""Stochastic gradient descent.

    $$ \theta_{t} = \theta_{t-1} - \alpha_t g_t, \qquad g_t = \nabla f_t(\theta_{t-1}) + \lambda \theta_{t-1} $$

    Every number of this and the other optimizers may be an array, which a sweep can trace, or a schedule.

    Parameters
    ----------
    learning_rate : $\alpha$, a positive number or a schedule of the number of updates made so far.
    weight_decay : $\lambda \ge 0$, of the penalty $\frac{\lambda}{2} \lVert \theta \rVert^2$.
    mask : which parameters are penalized: a tree of booleans, or a function from the parameters to one. Default: all.

    Raises
    ------
    ConfigurationError
        if a setting is out of its range.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> optimizer = sgd(0.1)
    >>> update, state = optimizer.update(jnp.array([1.0, -2.0]), optimizer.init(jnp.zeros(2)))
    >>> update.tolist()
    [-0.10000000149011612, 0.20000000298023224]

    References
    ----------
    Robbins, Monro, "A stochastic approximation method", Annals of Mathematical Statistics 22 (1951).
    """
    return transformation(
        "sgd",
        Settings(CHECKS, learning_rate=learning_rate, weight_decay=weight_decay),
        lambda gradient, learning_rate: (sgd_update(gradient, learning_rate),),
        lambda now, count: {"learning_rate": now["learning_rate"]},
        decay=Decay(mask=mask),
    )
