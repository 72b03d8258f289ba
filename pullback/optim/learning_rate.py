"""Learning rates: a number, an array or a schedule on the way in, the value in force on the way out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jaxtyping import Array, Float

from pullback.core.checks import positive
from pullback.optim.settings import Schedule as Schedule
from pullback.optim.settings import Setting, as_function, check_setting, settings_in_force

LearningRate = Setting


def as_schedule(learning_rate: LearningRate) -> Callable[[Any], Float[Array, ""]]:
    """The learning rate as a function of the update's number, in the default floating dtype.

    Raises
    ------
    ConfigurationError
        if the learning rate is a number that is not positive, or an array that is not a scalar.
    """
    return as_function(check_setting("learning_rate", learning_rate, positive))


def learning_rate_in_force(state: Any) -> Array | None:
    """The learning rate that the last update used; before any update, the one that the first will use.

    As `settings_in_force` finds it; a transformation from Optax keeps none: None.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> import optax
    >>> from pullback.optim import chain, clip_by_norm, sgd
    >>> optimizer = chain(clip_by_norm(1.0), sgd(0.5))
    >>> float(learning_rate_in_force(optimizer.init(jnp.zeros(3))))
    0.5
    >>> learning_rate_in_force(optax.sgd(0.5).init(jnp.zeros(3))) is None
    True
    """
    return settings_in_force(state).get("learning_rate")
