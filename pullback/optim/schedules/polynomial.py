"""A learning rate that falls along a power of the remaining time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.core.checks import positive
from pullback.optim.schedules.real_step import real_step
from pullback.optim.settings import Scalar, non_negative_field, positive_field


def polynomial(t: Float[Array, ""], initial: Scalar, steps: float, power: Scalar, final: Scalar) -> Float[Array, ""]:
    r"""$\alpha_t = \alpha_T + (\alpha_0 - \alpha_T) (\max(T - t, 0) / T)^p$.

    The remaining time is a difference of whole numbers: one minus a quotient may be rounded to less than zero.
    """
    return final + (initial - final) * (jnp.maximum(steps - t, 0) / steps) ** power


@dataclass(frozen=True)
class Polynomial:
    r"""From `initial` to `final` along a power of the time that is left, then constant; a straight line with power 1.

    $$ \alpha_t = \alpha_T + (\alpha_0 - \alpha_T) \Big(\frac{\max(T - t, 0)}{T} \Big)^p $$

    Parameters
    ----------
    initial : $\alpha_0 > 0$.
    steps : $T > 0$, in updates.
    power : $p > 0$.
    final : $\alpha_T \ge 0$.

    Notes
    -----
    Optax's `polynomial_schedule` and Keras' `PolynomialDecay`; PyTorch's `PolynomialLR` with `final` 0.

    Examples
    --------
    >>> schedule = Polynomial(0.1, steps=100, power=2.0)
    >>> [round(float(schedule(step)), 6) for step in (0, 50, 100, 200)]
    [0.1, 0.025, 0.0, 0.0]
    """

    initial: Scalar
    steps: float
    power: Scalar = 1.0
    final: Scalar = 0.0

    def __post_init__(self) -> None:
        positive_field("initial", self.initial)
        positive("steps", self.steps)
        positive_field("power", self.power)
        non_negative_field("final", self.final)

    def __call__(self, step: Any) -> Array:
        return polynomial(real_step(step), self.initial, self.steps, self.power, self.final)
