"""A learning rate that drops by a factor at regular intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.core.checks import positive
from pullback.optim.schedules.real_step import real_step
from pullback.optim.settings import Scalar, log_of, positive_field


def step_decay(t: Float[Array, ""], initial: Scalar, factor: Scalar, every: float) -> Float[Array, ""]:
    r"""$\alpha_t = \alpha_0 \, \gamma^{\lfloor t / k \rfloor}$."""
    return initial * jnp.exp(log_of(factor) * jnp.floor(t / every))


@dataclass(frozen=True)
class StepDecay:
    r"""Multiplied by a factor once in `every` updates.

    $$ \alpha_t = \alpha_0 \, \gamma^{\lfloor t / k \rfloor} $$

    Parameters
    ----------
    initial : $\alpha_0 > 0$.
    factor : $\gamma > 0$.
    every : $k > 0$, in updates.

    Notes
    -----
    PyTorch's `StepLR` counts what the caller counts, epochs as a rule; here it is updates, unless `PerEpoch` reads it.

    Examples
    --------
    >>> schedule = StepDecay(0.1, factor=0.5, every=10)
    >>> [round(float(schedule(step)), 6) for step in (0, 9, 10, 25)]
    [0.1, 0.1, 0.05, 0.025]
    """

    initial: Scalar
    factor: Scalar
    every: float

    def __post_init__(self) -> None:
        positive_field("initial", self.initial)
        positive_field("factor", self.factor)
        positive("every", self.every)

    def __call__(self, step: Any) -> Array:
        return step_decay(real_step(step), self.initial, self.factor, self.every)
