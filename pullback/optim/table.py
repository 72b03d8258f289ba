"""Optimizers by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
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
from pullback.optim.on_plateau import on_plateau
from pullback.optim.radam import radam
from pullback.optim.rmsprop import rmsprop
from pullback.optim.schedules.plateau import Plateau
from pullback.optim.settings import Setting
from pullback.optim.sgd import sgd
from pullback.optim.sharpness_aware import SharpnessAware
from pullback.optim.solver import Optimizer, Solver
from pullback.optim.stochastic_lbfgs import StochasticLBFGS

DEFAULT_RATE = 1e-3

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


def sam(
    learning_rate: LearningRate | Plateau | None,
    base_optimizer: str = "momentum",
    radius: Setting = 0.05,
    **arguments: Any,
) -> Solver:
    """Sharpness-aware minimization with an optimizer by name, to which the rate and all further arguments go.

    Examples
    --------
    >>> sam(0.1, "adamw", radius=0.1, weight_decay=0.01)  # doctest: +ELLIPSIS
    <pullback.optim.sharpness_aware.SharpnessAware object at ...>
    """
    return SharpnessAware(get_optimizer(base_optimizer, _rate(learning_rate), **arguments), radius)


def lbfgs(learning_rate: LearningRate | Plateau | None = None, memory: int = 10) -> Solver:
    """L-BFGS on batches, whose line search finds the length of every step.

    Raises
    ------
    ConfigurationError
        if a learning rate is given.

    Examples
    --------
    >>> lbfgs(memory=5)  # doctest: +ELLIPSIS
    <pullback.optim.stochastic_lbfgs.StochasticLBFGS object at ...>
    """
    if learning_rate is not None:
        raise ConfigurationError(
            "lbfgs has no learning rate",
            expected="no learning_rate: a line search finds the length of every step",
            got=f"learning_rate={learning_rate!r}",
            fix="leave learning_rate out",
        )
    return StochasticLBFGS(memory)


SOLVERS: dict[str, Callable[..., Solver]] = {"lbfgs": lbfgs, "sam": sam}


def get_optimizer(
    optimizer: str | optax.GradientTransformation, learning_rate: LearningRate | Plateau, **arguments: Any
) -> optax.GradientTransformation:
    """The optimizer of this name at this learning rate; a transformation is returned as it is, with its own rate.

    `arguments` are further settings by name, such as `weight_decay` of "adamw". With a `Plateau` the rate falls when
    `after_score` is told scores.

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
        check_finished(arguments)
        return optimizer
    if optimizer not in OPTIMIZERS:
        raise unknown_name("optimizer", optimizer, OPTIMIZERS)
    _check_arguments(optimizer, arguments)
    if isinstance(learning_rate, Plateau):
        return on_plateau(lambda rate: OPTIMIZERS[optimizer](rate, **arguments), learning_rate)
    return OPTIMIZERS[optimizer](learning_rate, **arguments)


def get_any_optimizer(
    optimizer: str | Optimizer, learning_rate: LearningRate | Plateau | None, **arguments: Any
) -> Optimizer:
    """As `get_optimizer`, of `SOLVERS` too; without a learning rate, that of the solver, or 0.001.

    Raises
    ------
    ConfigurationError
        as `get_optimizer`, and if a solver is given a rate that has none.

    Examples
    --------
    >>> get_any_optimizer("lbfgs", None, memory=5)  # doctest: +ELLIPSIS
    <pullback.optim.stochastic_lbfgs.StochasticLBFGS object at ...>
    >>> get_any_optimizer("lbgfs", None)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    pullback.core.errors.ConfigurationError: unknown optimizer 'lbgfs'
      expected: one of adadelta, adagrad, adam, ..., sam, sgd
      got: 'lbgfs'
      to do: did you mean 'lbfgs'?
    """
    if not isinstance(optimizer, str):
        check_finished(arguments)
        return optimizer
    if optimizer in OPTIMIZERS:
        return get_optimizer(optimizer, _rate(learning_rate), **arguments)
    if optimizer not in SOLVERS:
        raise unknown_name("optimizer", optimizer, [*OPTIMIZERS, *SOLVERS])
    _check_arguments(optimizer, arguments)
    return SOLVERS[optimizer](learning_rate, **arguments)


def optimizer_arguments(optimizer: str) -> tuple[str, ...]:
    """Names of the settings of an optimizer or solver of the tables beside its learning rate.

    Examples
    --------
    >>> optimizer_arguments("momentum")
    ('momentum', 'dampening', 'convention', 'weight_decay', 'mask')
    """
    parameters = inspect.signature({**OPTIMIZERS, **SOLVERS}[optimizer]).parameters.values()
    return tuple(each.name for each in parameters if each.kind is not each.VAR_KEYWORD)[1:]


def check_finished(arguments: Mapping[str, Any]) -> None:
    """ConfigurationError where settings are given beside an optimizer that is no name."""
    if arguments:
        raise ConfigurationError(
            "arguments are given beside a finished optimizer",
            expected="an optimizer's name with its arguments, or an optimizer alone",
            got=", ".join(arguments),
            fix="give the arguments to the optimizer itself",
        )


def _check_arguments(optimizer: str, arguments: Mapping[str, Any]) -> None:
    known = optimizer_arguments(optimizer)
    if optimizer == "sam":
        # All further arguments are those of the optimizer within, which may be any.
        within = arguments.get("base_optimizer", "momentum")
        known = (*known, *(optimizer_arguments(within) if within in OPTIMIZERS else arguments))
    for name in arguments:
        if name not in known:
            raise unknown_name(f"argument of {optimizer}", name, known)


def _rate(learning_rate: LearningRate | Plateau | None) -> LearningRate | Plateau:
    return DEFAULT_RATE if learning_rate is None else learning_rate
