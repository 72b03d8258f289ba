"""A learning rate that drops by a factor at regular intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.core.checks import positive, positive_integer
from pullback.optim.schedules.real_step import real_step


def step_decay(t: Float[Array, ""], initial: float, factor: float, every: int) -> Float[Array, ""]:
    r"""$\alpha_t = \alpha_0 \, \gamma^{\lfloor t / k \rfloor}$."""
    return initial * jnp.exp(math.log(factor) * jnp.floor(t / every))


@dataclass(frozen=True)
class StepDecay:
    r"""Multiplied by a factor once in `every` updates.

    $$ \alpha_t = \alpha_0 \, \gamma^{\lfloor t / k \rfloor} $$

    Parameters
    ----------
    initial : $\alpha_0 > 0$.
    factor : $\gamma > 0$.
    every : $k \ge 1$, in updates.

    Notes
    -----
    PyTorch's `StepLR` counts whatever the caller counts, epochs as a rule; here it is always updates.

    Examples
    --------
    >>> schedule = StepDecay(0.1, factor=0.5, every=10)
    >>> [round(float(schedule(step)), 6) for step in (0, 9, 10, 25)]
    [0.1, 0.1, 0.05, 0.025]
    """

    initial: float
    factor: float
    every: int

    def __post_init__(self) -> None:
        positive("initial", self.initial)
        positive("factor", self.factor)
        positive_integer("every", self.every)

    def __call__(self, step: Any) -> Array:
        return step_decay(real_step(step), self.initial, self.factor, self.every)
