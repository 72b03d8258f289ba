"""Optimizers by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import optax

from pullback.core.errors import ConfigurationError, unknown_name
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

OPTIMIZERS: dict[str, Callable[..., optax.GradientTransformation]] = {
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
    optimizer: str | optax.GradientTransformation, learning_rate: LearningRate, **arguments: Any
) -> optax.GradientTransformation:
    """The optimizer of this name at this learning rate; a transformation is returned as it is, with its own rate.

    `arguments` are further settings by name, such as `weight_decay` of "adamw".

    Raises
    ------
    ConfigurationError
        for a name outside the table, with the list, an argument that the optimizer does not have, or a setting out of
        its range.

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
        if arguments:
            raise ConfigurationError(
                "arguments are given beside a finished optimizer",
                expected="an optimizer's name with its arguments, or an optimizer alone",
                got=", ".join(arguments),
                fix="give the arguments to the optimizer itself",
            )
        return optimizer
    if optimizer not in OPTIMIZERS:
        raise unknown_name("optimizer", optimizer, OPTIMIZERS)
    known = optimizer_arguments(optimizer)
    for name in arguments:
        if name not in known:
            raise unknown_name(f"argument of {optimizer}", name, known)
    return OPTIMIZERS[optimizer](learning_rate, **arguments)


def optimizer_arguments(optimizer: str) -> tuple[str, ...]:
    """Names of the settings of an optimizer of the table beside its learning rate.

    Examples
    --------
    >>> optimizer_arguments("momentum")
    ('momentum', 'dampening', 'convention', 'weight_decay', 'mask')
    """
    return tuple(inspect.signature(OPTIMIZERS[optimizer]).parameters)[1:]
