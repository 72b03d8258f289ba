"""Gradient descent."""

from __future__ import annotations

from typing import Any, NamedTuple

import optax
from jaxtyping import Array, Float, Int

from pullback.optim.learning_rate import LearningRate, as_schedule
from pullback.optim.leaves import map_leaves, no_steps


class SgdState(NamedTuple):
    """Updates made so far and the learning rate of the last one."""

    step: Int[Array, ""]
    learning_rate: Float[Array, ""]


def sgd_update(gradient: Float[Array, " *shape"], learning_rate: Float[Array, ""]) -> Float[Array, " *shape"]:
    r"""$\Delta\theta = -\alpha g$."""
    return -learning_rate * gradient


def sgd(learning_rate: LearningRate) -> optax.GradientTransformation:
    r"""Stochastic gradient descent.

    $$ \theta_{t} = \theta_{t-1} - \alpha_t g_t $$

    Parameters
    ----------
    learning_rate : $\alpha$, a positive number or a schedule of the number of updates made so far.

    Raises
    ------
    ConfigurationError
        if the learning rate is not positive.

    Notes
    -----
    An L2 penalty is a transformation of its own: `chain(optax.add_decayed_weights(1e-4), sgd(0.1))`.

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
    schedule = as_schedule(learning_rate)

    def init(params: Any) -> SgdState:
        return SgdState(no_steps(), schedule(no_steps()))

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, SgdState]:
        rate = schedule(state.step)
        (updates,) = map_leaves(lambda gradient: (sgd_update(gradient, rate.astype(gradient.dtype)),), updates)
        return updates, SgdState(state.step + 1, rate)

    return optax.GradientTransformation(init, update)
