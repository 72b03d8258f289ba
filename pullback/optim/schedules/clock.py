"""A schedule read by another clock than the number of updates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from pullback.core.checks import positive_integer
from pullback.core.errors import ConfigurationError
from pullback.optim.learning_rate import Schedule, as_schedule
from pullback.optim.schedules.real_step import real_step


@dataclass(frozen=True)
class PerEpoch:
    r"""A schedule that is counted in epochs, and so changes between epochs only.

    $$ \alpha_t = \eta_{\lfloor t / k \rfloor} $$

    Parameters
    ----------
    schedule : $\eta$.
    steps_per_epoch : $k \ge 1$, in updates; `train.fit` knows it, elsewhere it has to be given.

    Raises
    ------
    ConfigurationError
        where it is asked for a rate before $k$ is known.

    Examples
    --------
    >>> from pullback.optim.schedules import StepDecay
    >>> schedule = PerEpoch(StepDecay(0.1, factor=0.5, every=30), steps_per_epoch=100)
    >>> [round(float(schedule(step)), 6) for step in (0, 2999, 3000)]
    [0.1, 0.1, 0.05]
    """

    schedule: Schedule
    steps_per_epoch: int | None = None

    def __post_init__(self) -> None:
        if self.steps_per_epoch is not None:
            positive_integer("steps_per_epoch", self.steps_per_epoch)

    def __call__(self, step: Any) -> Array:
        return as_schedule(self.schedule)(jnp.asarray(step) // _known("steps_per_epoch", self.steps_per_epoch, self))


@dataclass(frozen=True)
class PerFraction:
    r"""A schedule that is written for a run of length one.

    $$ \alpha_t = \eta_{t / T} $$

    The same schedule then serves runs of every length: `Cosine(0.1, steps=1)`, `MultiStep(0.1, 0.1, (0.5, 0.75))`.

    Parameters
    ----------
    schedule : $\eta$, whose times are fractions of the run.
    steps : $T \ge 1$, the updates of the run; `train.fit` knows them, elsewhere they have to be given.

    Raises
    ------
    ConfigurationError
        where it is asked for a rate before $T$ is known.

    Examples
    --------
    >>> from pullback.optim.schedules import MultiStep
    >>> schedule = PerFraction(MultiStep(0.1, 0.1, milestones=(0.5, 0.75)), steps=200)
    >>> [round(float(schedule(step)), 6) for step in (99, 100, 150)]
    [0.1, 0.01, 0.001]
    """

    schedule: Schedule
    steps: int | None = None

    def __post_init__(self) -> None:
        if self.steps is not None:
            positive_integer("steps", self.steps)

    def __call__(self, step: Any) -> Array:
        return as_schedule(self.schedule)(real_step(step) / _known("steps", self.steps, self))


def for_run(value: Any, steps_per_epoch: int, epochs: int) -> Any:
    """A schedule by epoch or fraction that does not know the run yet, told of it; anything else as it is.

    Examples
    --------
    >>> from pullback.optim.schedules import Cosine
    >>> for_run(PerFraction(Cosine(0.1, steps=1)), steps_per_epoch=10, epochs=3)
    PerFraction(schedule=Cosine(initial=0.1, steps=1, final=0.0), steps=30)
    """
    if isinstance(value, PerEpoch) and value.steps_per_epoch is None:
        return replace(value, steps_per_epoch=steps_per_epoch)
    if isinstance(value, PerFraction) and value.steps is None:
        return replace(value, steps=steps_per_epoch * epochs)
    return value


def _known(name: str, value: int | None, schedule: PerEpoch | PerFraction) -> int:
    if value is None:
        method = type(schedule).__name__
        raise ConfigurationError(
            f"{method} does not know the length of the run",
            expected=f"{name}, the number of updates",
            got=f"{method} without it, outside train.fit or inside another schedule",
            fix=f"give {name}, or make {method} the outermost schedule that is passed to train.fit",
        )
    return value
