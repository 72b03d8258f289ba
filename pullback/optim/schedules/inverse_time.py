"""A learning rate that falls like one over the time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.core.checks import positive
from pullback.optim.schedules.real_step import real_step
from pullback.optim.settings import Scalar, non_negative_field, positive_field


def inverse_time(t: Float[Array, ""], initial: Scalar, rate: Scalar, steps: float) -> Float[Array, ""]:
    r"""$\alpha_t = \alpha_0 / (1 + k t / T)$."""
    return initial / (1 + rate * t / steps)


@dataclass(frozen=True)
class InverseTime:
    r"""One over the time, as the theory of stochastic approximation asks for.

    $$ \alpha_t = \frac{\alpha_0}{1 + k \, t / T} \qquad \text{or with stairs} \qquad
       \alpha_t = \frac{\alpha_0}{1 + k \lfloor t / T \rfloor} $$

    The sum of the rates is infinite and the sum of their squares is not (Robbins and Monro).

    Parameters
    ----------
    initial : $\alpha_0 > 0$.
    rate : $k \ge 0$.
    steps : $T > 0$, in updates.
    stairs : whether it changes once in `steps` updates only.

    Notes
    -----
    Keras' `InverseTimeDecay`; with $T = 1$ the `lr_decay` of PyTorch's Adagrad.

    Examples
    --------
    >>> schedule = InverseTime(0.1, rate=1.0, steps=10)
    >>> [round(float(schedule(step)), 6) for step in (0, 10, 30)]
    [0.1, 0.05, 0.025]
    """

    initial: Scalar
    rate: Scalar
    steps: float = 1
    stairs: bool = False

    def __post_init__(self) -> None:
        positive_field("initial", self.initial)
        non_negative_field("rate", self.rate)
        positive("steps", self.steps)

    def __call__(self, step: Any) -> Array:
        t = real_step(step)
        if self.stairs:
            return inverse_time(jnp.floor(t / self.steps), self.initial, self.rate, 1)
        return inverse_time(t, self.initial, self.rate, self.steps)
