"""A learning rate that stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.optim.schedules.real_step import real_step
from pullback.optim.settings import Scalar, positive_field


def constant(t: Float[Array, ""], initial: Scalar) -> Float[Array, ""]:
    r"""$\alpha_t = \alpha_0$."""
    return jnp.full_like(t, initial)


@dataclass(frozen=True)
class Constant:
    r"""$\alpha_t = \alpha_0$ for every update $t = 0, 1, \dots$

    A number passed as `learning_rate` means the same; this form joins with other schedules.

    Examples
    --------
    >>> round(float(Constant(0.1)(1000)), 6)
    0.1
    """

    initial: Scalar

    def __post_init__(self) -> None:
        positive_field("initial", self.initial)

    def __call__(self, step: Any) -> Array:
        return constant(real_step(step), self.initial)
