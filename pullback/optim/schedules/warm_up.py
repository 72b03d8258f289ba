"""A learning rate that rises before it follows its schedule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.core.checks import positive
from pullback.optim.learning_rate import LearningRate, as_schedule
from pullback.optim.schedules.join import join
from pullback.optim.schedules.real_step import real_step
from pullback.optim.settings import Scalar, non_negative_field


def warm_up(t: Float[Array, ""], start: Scalar, peak: Float[Array, ""], steps: float) -> Float[Array, ""]:
    r"""$\alpha_t = \alpha_s + (\alpha_p - \alpha_s) \, t / T$."""
    return start + (peak - start) * t / steps


@dataclass(frozen=True)
class WarmUp:
    r"""A straight line from `start` to the first value of a schedule, then that schedule from its own beginning.

    $$ \alpha_t = \alpha_s + (\eta_0 - \alpha_s) \frac{t}{T} \quad (t < T), \qquad
       \alpha_t = \eta_{t - T} \quad (t \ge T) $$

    Parameters
    ----------
    schedule : $\eta$, a positive number or any schedule.
    steps : $T > 0$, in updates.
    start : $\alpha_s \ge 0$. With 0 the first update changes nothing.

    Notes
    -----
    `WarmUp(Cosine(peak, decay_steps - steps, final), steps, start)` is Optax's `warmup_cosine_decay_schedule`;
    PyTorch's `LinearLR` has `start` as a fraction of the peak.

    Examples
    --------
    >>> schedule = WarmUp(0.1, steps=4)
    >>> [round(float(schedule(step)), 6) for step in range(6)]
    [0.0, 0.025, 0.05, 0.075, 0.1, 0.1]

    References
    ----------
    Goyal and others, "Accurate, large minibatch SGD: training ImageNet in 1 hour" (2017), section 2.2.
    """

    schedule: LearningRate
    steps: float
    start: Scalar = 0.0

    def __post_init__(self) -> None:
        as_schedule(self.schedule)
        positive("steps", self.steps)
        non_negative_field("start", self.start)

    def __call__(self, step: Any) -> Array:
        t, schedule = real_step(step), as_schedule(self.schedule)
        rising = warm_up(t, self.start, schedule(0), self.steps)
        # A schedule that has not begun is asked for its first value, so that none sees a negative step.
        return join(t, self.steps, rising, schedule(jnp.maximum(step - self.steps, 0)))
