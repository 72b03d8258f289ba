"""Learning rates: a number or a schedule on the way in, the value in force on the way out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.core.checks import positive

# A schedule is a pure function of the number of updates already made.
Schedule = Callable[[Any], Any]
LearningRate = float | Array | Schedule


def as_schedule(learning_rate: LearningRate) -> Callable[[Any], Float[Array, ""]]:
    """The learning rate as a function of the update's number, in the default floating dtype.

    An array is taken as it is, so that a sweep can trace it; a number must be positive.

    Raises
    ------
    ConfigurationError
        if the learning rate is a number that is not positive.
    """
    if callable(learning_rate):
        return lambda step: jnp.asarray(learning_rate(step), dtype=jnp.result_type(float))
    value = learning_rate if isinstance(learning_rate, jax.Array) else positive("learning_rate", learning_rate)
    return lambda step: jnp.asarray(value, dtype=jnp.result_type(float))


def learning_rate_in_force(state: Any) -> Array | None:
    """The learning rate that the last update used; before any update, the one that the first will use.

    Our optimizers keep it in their state under the name `learning_rate`, so it is found through `chain` and through
    Optax wrappers, compiled or not, and is saved with the rest. A transformation from Optax keeps none: None.

    Examples
    --------
    >>> import optax
    >>> from pullback.optim import chain, clip_by_norm, sgd
    >>> optimizer = chain(clip_by_norm(1.0), sgd(0.5))
    >>> float(learning_rate_in_force(optimizer.init(jnp.zeros(3))))
    0.5
    >>> learning_rate_in_force(optax.sgd(0.5).init(jnp.zeros(3))) is None
    True
    """
    if not isinstance(state, tuple):
        return None
    names: tuple[str, ...] = getattr(state, "_fields", ())
    if "learning_rate" in names:
        return state[names.index("learning_rate")]
    found = (learning_rate_in_force(member) for member in state)
    return next((rate for rate in found if rate is not None), None)
