"""A learning rate that shrinks by the same factor at every update."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.optim.schedules.real_step import real_step
from pullback.optim.settings import Scalar, log_of, positive_field


def exponential(t: Float[Array, ""], initial: Scalar, factor: Scalar) -> Float[Array, ""]:
    r"""$\alpha_t = \alpha_0 \, \gamma^t$.

    Written as $\alpha_0 e^{t \log \gamma}$: a factor next to one, rounded to float32, would be wrong after many steps.
    """
    return initial * jnp.exp(log_of(factor) * t)


@dataclass(frozen=True)
class Exponential:
    r"""Multiplied by a factor at every update.

    $$ \alpha_t = \alpha_0 \, \gamma^t $$

    Parameters
    ----------
    initial : $\alpha_0 > 0$.
    factor : $\gamma > 0$, a little below one.

    Examples
    --------
    >>> schedule = Exponential(0.1, factor=0.5)
    >>> [round(float(schedule(step)), 6) for step in range(3)]
    [0.1, 0.05, 0.025]
    """

    initial: Scalar
    factor: Scalar

    def __post_init__(self) -> None:
        positive_field("initial", self.initial)
        positive_field("factor", self.factor)

    def __call__(self, step: Any) -> Array:
        return exponential(real_step(step), self.initial, self.factor)
