"""Schedules one after another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float, Real

from pullback.core.errors import ConfigurationError
from pullback.optim.learning_rate import LearningRate, as_schedule
from pullback.optim.schedules.boundaries import check_boundaries


def join(
    t: Real[Array, ""] | int, boundary: float, before: Float[Array, ""], after: Float[Array, ""]
) -> Float[Array, ""]:
    r"""$\alpha_t$ of one schedule for $t < b$, of the next from there on."""
    return jnp.where(t < boundary, before, after)


@dataclass(frozen=True)
class Join:
    r"""Schedule $j$ from boundary $b_j$ on, each counted from its own beginning.

    $$ \alpha_t = \eta^{(j)}_{t - b_j} \quad \text{for} \quad b_j \le t < b_{j+1}, \qquad b_0 = 0 $$

    It is Optax's `join_schedules` and PyTorch's `SequentialLR`.

    Parameters
    ----------
    schedules : $\eta^{(0)}, \dots, \eta^{(k)}$, numbers or schedules.
    boundaries : $b_1 < \dots < b_k$, in updates.

    Raises
    ------
    ConfigurationError
        unless there is one boundary less than schedules and the boundaries increase.

    Examples
    --------
    >>> schedule = Join((0.1, 0.02), boundaries=(10,))
    >>> [round(float(schedule(step)), 6) for step in (9, 10)]
    [0.1, 0.02]
    """

    schedules: tuple[LearningRate, ...]
    boundaries: tuple[float, ...]

    def __post_init__(self) -> None:
        check_boundaries("boundaries", self.boundaries)
        if len(self.schedules) != len(self.boundaries) + 1:
            raise ConfigurationError(
                "schedules and boundaries do not fit together",
                expected=f"{len(self.boundaries) + 1} schedules for {len(self.boundaries)} boundaries",
                got=f"{len(self.schedules)} schedules",
                fix="give one boundary between each schedule and the next",
            )
        for schedule in self.schedules:
            as_schedule(schedule)

    def __call__(self, step: Any) -> Array:
        value = as_schedule(self.schedules[0])(step)
        for schedule, boundary in zip(self.schedules[1:], self.boundaries, strict=True):
            # A schedule that has not begun is asked for its first value, so that none sees a negative step.
            value = join(step, boundary, value, as_schedule(schedule)(jnp.maximum(step - boundary, 0)))
        return value
