"""Optimizers by name."""

from __future__ import annotations

from collections.abc import Callable

import optax

from pullback.core.errors import unknown_name
from pullback.optim.adam import adam
from pullback.optim.adamw import adamw
from pullback.optim.learning_rate import LearningRate
from pullback.optim.momentum import momentum
from pullback.optim.nesterov import nesterov
from pullback.optim.sgd import sgd

OPTIMIZERS: dict[str, Callable[[LearningRate], optax.GradientTransformation]] = {
    "adam": adam,
    "adamw": adamw,
    "momentum": momentum,
    "nesterov": nesterov,
    "sgd": sgd,
}


def get_optimizer(
    optimizer: str | optax.GradientTransformation, learning_rate: LearningRate
) -> optax.GradientTransformation:
    """The optimizer of this name at this learning rate; a transformation is returned as it is, with its own rate.

    Raises
    ------
    ConfigurationError
        for a name outside the table, with the list, or a learning rate that is not positive.

    Examples
    --------
    >>> get_optimizer("adma", 1e-3)
    Traceback (most recent call last):
        ...
    pullback.core.errors.ConfigurationError: unknown optimizer 'adma'
      expected: one of adam, adamw, momentum, nesterov, sgd
      got: 'adma'
      to do: did you mean 'adam'?
    """
    if not isinstance(optimizer, str):
        return optimizer
    if optimizer not in OPTIMIZERS:
        raise unknown_name("optimizer", optimizer, OPTIMIZERS)
    return OPTIMIZERS[optimizer](learning_rate)
