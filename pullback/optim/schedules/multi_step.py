"""A learning rate that drops by a factor at given updates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.optim.schedules.boundaries import check_boundaries
from pullback.optim.schedules.real_step import real_step
from pullback.optim.settings import Scalar, log_of, positive_field


def multi_step(t: Float[Array, ""], initial: Scalar, factor: Scalar, milestones: Sequence[float]) -> Float[Array, ""]:
    r"""$\alpha_t = \alpha_0 \, \gamma^{\#\{j : m_j \le t\}}$."""
    passed = sum((t >= milestone).astype(t.dtype) for milestone in milestones)
    return initial * jnp.exp(log_of(factor) * passed)


@dataclass(frozen=True)
class MultiStep:
    r"""Multiplied by a factor at each milestone.

    $$ \alpha_t = \alpha_0 \, \gamma^{\#\{j : m_j \le t\}} $$

    Parameters
    ----------
    initial : $\alpha_0 > 0$.
    factor : $\gamma > 0$.
    milestones : $m_1 < m_2 < \dots$, in updates.

    Examples
    --------
    >>> schedule = MultiStep(0.1, factor=0.5, milestones=(10, 15))
    >>> [round(float(schedule(step)), 6) for step in (9, 10, 14, 15)]
    [0.1, 0.05, 0.05, 0.025]
    """

    initial: Scalar
    factor: Scalar
    milestones: tuple[float, ...]

    def __post_init__(self) -> None:
        positive_field("initial", self.initial)
        positive_field("factor", self.factor)
        check_boundaries("milestones", self.milestones)

    def __call__(self, step: Any) -> Array:
        return multi_step(real_step(step), self.initial, self.factor, self.milestones)
