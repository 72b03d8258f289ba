"""Which optimizer an experiment asks for, at which rate, and whether both fit the rest of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jax

from pullback.core.errors import ConfigurationError
from pullback.metrics import Metric
from pullback.optim import OPTIMIZERS, Optimizer, Solver, backed_off, get_any_optimizer, get_optimizer
from pullback.optim.schedules import Plateau, check_schedule_covers, for_run, is_schedule
from pullback.optim.table import DEFAULT_RATE

if TYPE_CHECKING:
    from pullback.train.experiment import Experiment


def with_schedules(experiment: Experiment, steps_per_epoch: int) -> Experiment:
    """The experiment with every schedule by epoch or fraction told how long the run is."""
    given = {"learning_rate": experiment.learning_rate, **experiment.optimizer_arguments}
    told = {name: for_run(value, steps_per_epoch, experiment.epochs) for name, value in given.items()}
    if all(told[name] is value for name, value in given.items()):
        return experiment
    rate = told.pop("learning_rate")
    return replace(experiment, learning_rate=rate, optimizer_arguments=told)


def choose_optimizer(experiment: Experiment, steps_per_epoch: int, metrics: tuple[Metric, ...]) -> Optimizer:
    """The optimizer that is meant, checked against the rest of the experiment.

    Raises
    ------
    ConfigurationError
        for an unknown name or setting, a rate beside a finished optimizer, a schedule that ends before the run, and
        what solvers and plateaus cannot do.
    """
    rate = experiment.learning_rate
    if rate is not None and not isinstance(experiment.optimizer, str):
        raise ConfigurationError(
            "learning_rate is given beside a finished optimizer",
            expected="an optimizer's name with learning_rate, or an optimizer alone",
            got=f"learning_rate={rate!r}",
            fix="give the rate to the optimizer itself",
        )
    if isinstance(rate, Plateau):
        _check_plateau(experiment, rate, metrics)
    elif rate is not None and is_schedule(rate):
        check_schedule_covers(rate, steps_per_epoch * experiment.epochs)
    _check_kind(experiment.optimizer)
    optimizer = get_any_optimizer(experiment.optimizer, rate, **experiment.optimizer_arguments)
    if isinstance(optimizer, Solver):
        _check_solver(experiment)
    return optimizer if experiment.on_non_finite == "stop" else _with_back_off(experiment)


def _with_back_off(experiment: Experiment) -> Optimizer:
    """The optimizer by name, at a rate that a restart lowers."""
    name, rate, arguments = experiment.optimizer, experiment.learning_rate, experiment.optimizer_arguments
    if name not in OPTIMIZERS:
        raise ConfigurationError(
            "a restart lowers the learning rate, which it does not find in this optimizer",
            expected=f"one of {', '.join(OPTIMIZERS)} by name",
            got=repr(name),
            fix='name the optimizer, or leave on_non_finite="restart" out',
        )
    assert isinstance(name, str)
    if isinstance(rate, Plateau):
        return get_optimizer(name, rate, **arguments)
    return backed_off(
        lambda schedule: get_optimizer(name, schedule, **arguments), DEFAULT_RATE if rate is None else rate
    )


def _check_plateau(experiment: Experiment, plateau: Plateau, metrics: tuple[Metric, ...]) -> None:
    if experiment.validation_data is None:
        raise ConfigurationError(
            "a plateau is seen in validation scores",
            expected="validation_data beside learning_rate=Plateau(...)",
            got="no validation_data",
            fix="pass validation_data, or a schedule of updates",
        )
    higher = {metric.name: metric.higher_is_better for metric in metrics}.get(experiment.monitor, False)
    if plateau.higher_is_better != higher:
        raise ConfigurationError(
            f"the plateau looks for the other direction than {experiment.monitor} improves in",
            expected=f"Plateau(..., higher_is_better={higher})",
            got=f"higher_is_better={plateau.higher_is_better}",
            fix="change it, or the monitor",
        )


def _check_kind(optimizer: Any) -> None:
    if not isinstance(optimizer, str | Optimizer):
        raise ConfigurationError(
            "the optimizer is not understood",
            expected="a name, an Optax transformation, or a solver with init and step",
            got=repr(optimizer),
            fix="call its maker: pullback.optim.adam(1e-3)",
        )


def _check_solver(experiment: Experiment) -> None:
    if experiment.watch_learning_rate:
        raise ConfigurationError(
            "the steps of a solver are not a learning rate times a direction, so there is no rate to watch",
            expected=f"watch_learning_rate left out, or one of {', '.join(OPTIMIZERS)}",
            got=f"watch_learning_rate={experiment.watch_learning_rate!r} with {experiment.optimizer!r}",
            fix="leave watch_learning_rate out, or choose another optimizer",
        )
    if experiment.accumulate_steps > 1:
        raise ConfigurationError(
            "a solver sees the objective of the whole batch, which accumulation cuts into parts",
            expected="accumulate_steps=1",
            got=f"accumulate_steps={experiment.accumulate_steps}",
            fix="leave accumulate_steps out and choose a batch that fits in memory, or another optimizer",
        )
    if experiment.value_and_grad is not jax.value_and_grad:
        raise ConfigurationError(
            "a solver differentiates by itself",
            expected="value_and_grad left out",
            got=repr(experiment.value_and_grad),
            fix="give it to the solver: SharpnessAware(..., value_and_grad=...)",
        )
