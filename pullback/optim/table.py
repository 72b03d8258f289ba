"""Optimizers by name."""

from __future__ import annotations

from collections.abc import Callable

import optax

from pullback.core.errors import unknown_name
from pullback.optim.adadelta import adadelta
from pullback.optim.adagrad import adagrad
from pullback.optim.adam import adam
from pullback.optim.adamax import adamax
from pullback.optim.adamw import adamw
from pullback.optim.amsgrad import amsgrad
from pullback.optim.learning_rate import LearningRate
from pullback.optim.lion import lion
from pullback.optim.momentum import momentum
from pullback.optim.muon import muon
from pullback.optim.nadam import nadam
from pullback.optim.nesterov import nesterov
from pullback.optim.radam import radam
from pullback.optim.rmsprop import rmsprop
from pullback.optim.sgd import sgd

OPTIMIZERS: dict[str, Callable[[LearningRate], optax.GradientTransformation]] = {
    "adadelta": adadelta,
    "adagrad": adagrad,
    "adam": adam,
    "adamax": adamax,
    "adamw": adamw,
    "amsgrad": amsgrad,
    "lion": lion,
    "momentum": momentum,
    "muon": muon,
    "nadam": nadam,
    "nesterov": nesterov,
    "radam": radam,
    "rmsprop": rmsprop,
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
    >>> get_optimizer("adam_w", 1e-3)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    pullback.core.errors.ConfigurationError: unknown optimizer 'adam_w'
      expected: one of adadelta, adagrad, adam, ..., sgd
      got: 'adam_w'
      to do: did you mean 'adamw'?
    """
    if not isinstance(optimizer, str):
        return optimizer
    if optimizer not in OPTIMIZERS:
        raise unknown_name("optimizer", optimizer, OPTIMIZERS)
    return OPTIMIZERS[optimizer](learning_rate)
