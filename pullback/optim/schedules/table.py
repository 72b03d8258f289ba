"""Schedules by name, their values over a run, and whether they last as long."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from pullback.core.checks import positive_integer
from pullback.core.errors import ConfigurationError
from pullback.optim.learning_rate import LearningRate, as_schedule
from pullback.optim.schedules.clock import PerEpoch, PerFraction
from pullback.optim.schedules.constant import Constant
from pullback.optim.schedules.cosine import Cosine
from pullback.optim.schedules.cyclic import Cyclic
from pullback.optim.schedules.exponential import Exponential
from pullback.optim.schedules.inverse_square_root import InverseSquareRoot
from pullback.optim.schedules.inverse_time import InverseTime
from pullback.optim.schedules.join import Join
from pullback.optim.schedules.multi_step import MultiStep
from pullback.optim.schedules.one_cycle import OneCycle
from pullback.optim.schedules.plateau import Plateau
from pullback.optim.schedules.polynomial import Polynomial
from pullback.optim.schedules.step_decay import StepDecay
from pullback.optim.schedules.warm_restarts import WarmRestarts
from pullback.optim.schedules.warm_up import WarmUp

SCHEDULES: dict[str, Any] = {
    "constant": Constant,
    "cosine": Cosine,
    "cyclic": Cyclic,
    "exponential": Exponential,
    "inverse_square_root": InverseSquareRoot,
    "inverse_time": InverseTime,
    "multi_step": MultiStep,
    "one_cycle": OneCycle,
    "plateau": Plateau,
    "polynomial": Polynomial,
    "step_decay": StepDecay,
    "warm_restarts": WarmRestarts,
    "warm_up": WarmUp,
}


def schedule_values(schedule: LearningRate, steps: int) -> np.ndarray:
    r"""$\alpha_0, \dots, \alpha_{n-1}$: the rates of the first `steps` updates, shape (steps,).

    Examples
    --------
    >>> schedule_values(Polynomial(1.0, steps=4), 4).tolist()
    [1.0, 0.75, 0.5, 0.25]
    """
    positive_integer("steps", steps)
    return np.asarray(jax.jit(jax.vmap(as_schedule(schedule)))(jnp.arange(steps, dtype=jnp.int32)))


def check_schedule_covers(schedule: LearningRate, steps: int) -> None:
    r"""Raise where a schedule ends before a run of `steps` updates: $\alpha_t = 0$ for all $t \ge s$, some $s < n$.

    Raises
    ------
    ConfigurationError
        that names the update from which on nothing would be learned.

    Examples
    --------
    >>> check_schedule_covers(Cosine(0.1, steps=100), 100)
    >>> check_schedule_covers(Cosine(0.1, steps=80), 100)
    Traceback (most recent call last):
        ...
    pullback.core.errors.ConfigurationError: the learning rate is zero from update 80 on, and the run has 100
      expected: a schedule that lasts for the run
      got: Cosine(initial=0.1, steps=80, final=0.0)
      to do: give the schedule the updates of the run, or a final rate above zero
    """
    positive_integer("steps", steps)
    if _last_rate(schedule, steps) != 0:
        return
    # A long cosine is zero in single precision a little before its end.
    with jax.enable_x64(True):
        if _last_rate(schedule, steps) != 0:
            return
        alive = np.flatnonzero(schedule_values(schedule, steps))
    first = int(alive[-1]) + 1 if len(alive) else 0
    raise ConfigurationError(
        f"the learning rate is zero from update {first} on, and the run has {steps}",
        expected="a schedule that lasts for the run",
        got=repr(schedule),
        fix="give the schedule the updates of the run, or a final rate above zero",
    )


def is_schedule(value: Any) -> bool:
    """Whether a setting is one of the schedules of the library that are functions of the update's number.

    Examples
    --------
    >>> is_schedule(Cosine(0.1, steps=100)), is_schedule(0.1)
    (True, False)
    """
    return callable(value) and type(value) in {*SCHEDULES.values(), Join, PerEpoch, PerFraction}


def _last_rate(schedule: LearningRate, steps: int) -> float:
    return float(as_schedule(schedule)(jnp.asarray(steps - 1, jnp.int32)))
