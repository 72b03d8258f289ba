"""A schedule read by another clock than the number of updates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from pullback.core.checks import positive_integer
from pullback.optim.learning_rate import Schedule, as_schedule
from pullback.optim.schedules.real_step import real_step


@dataclass(frozen=True)
class PerEpoch:
    r"""A schedule that is counted in epochs, and so changes between epochs only.

    $$ \alpha_t = \eta_{\lfloor t / k \rfloor} $$

    Parameters
    ----------
    schedule : $\eta$.
    steps_per_epoch : $k \ge 1$, in updates.

    Examples
    --------
    >>> from pullback.optim.schedules import StepDecay
    >>> schedule = PerEpoch(StepDecay(0.1, factor=0.5, every=30), steps_per_epoch=100)
    >>> [round(float(schedule(step)), 6) for step in (0, 2999, 3000)]
    [0.1, 0.1, 0.05]
    """

    schedule: Schedule
    steps_per_epoch: int

    def __post_init__(self) -> None:
        positive_integer("steps_per_epoch", self.steps_per_epoch)

    def __call__(self, step: Any) -> Array:
        return as_schedule(self.schedule)(jnp.asarray(step) // self.steps_per_epoch)


@dataclass(frozen=True)
class PerFraction:
    r"""A schedule that is written for a run of length one.

    $$ \alpha_t = \eta_{t / T} $$

    The same schedule then serves runs of every length: `Cosine(0.1, steps=1)`, `MultiStep(0.1, 0.1, (0.5, 0.75))`.

    Parameters
    ----------
    schedule : $\eta$, whose times are fractions of the run.
    steps : $T \ge 1$, the updates of the run.

    Examples
    --------
    >>> from pullback.optim.schedules import MultiStep
    >>> schedule = PerFraction(MultiStep(0.1, 0.1, milestones=(0.5, 0.75)), steps=200)
    >>> [round(float(schedule(step)), 6) for step in (99, 100, 150)]
    [0.1, 0.01, 0.001]
    """

    schedule: Schedule
    steps: int

    def __post_init__(self) -> None:
        positive_integer("steps", self.steps)

    def __call__(self, step: Any) -> Array:
        return as_schedule(self.schedule)(real_step(step) / self.steps)
