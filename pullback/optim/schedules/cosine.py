"""A learning rate that follows half a cosine."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.core.checks import positive
from pullback.optim.schedules.real_step import real_step
from pullback.optim.settings import Scalar, non_negative_field, positive_field


def cosine(t: Float[Array, ""], initial: Scalar, steps: Scalar, final: Scalar) -> Float[Array, ""]:
    r"""$\alpha_t = \alpha_T + \frac{1}{2} (\alpha_0 - \alpha_T) (1 + \cos(\pi \min(t, T) / T))$."""
    return final + (initial - final) / 2 * (1 + jnp.cos(jnp.minimum(t, steps) * math.pi / steps))


@dataclass(frozen=True)
class Cosine:
    r"""From `initial` to `final` along half a cosine, then constant.

    $$ \alpha_t = \alpha_T + \tfrac{1}{2} (\alpha_0 - \alpha_T) \Big(1 + \cos \frac{\pi \min(t, T)}{T} \Big) $$

    Parameters
    ----------
    initial : $\alpha_0 > 0$.
    steps : $T > 0$, in updates.
    final : $\alpha_T \ge 0$.

    Notes
    -----
    Up to $T$ this is PyTorch's `CosineAnnealingLR`, which rises again afterwards; Optax's `cosine_decay_schedule`
    stays, as this does.

    Examples
    --------
    >>> schedule = Cosine(0.1, steps=100)
    >>> [round(float(schedule(step)), 6) for step in (0, 50, 100, 200)]
    [0.1, 0.05, 0.0, 0.0]

    References
    ----------
    Loshchilov, Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017, equation 5.
    """

    initial: Scalar
    steps: float
    final: Scalar = 0.0

    def __post_init__(self) -> None:
        positive_field("initial", self.initial)
        positive("steps", self.steps)
        non_negative_field("final", self.final)

    def __call__(self, step: Any) -> Array:
        return cosine(real_step(step), self.initial, self.steps, self.final)
