"""A learning rate that goes up and down in triangles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.core.checks import positive
from pullback.core.errors import unknown_name
from pullback.optim.schedules.real_step import real_step
from pullback.optim.settings import Scalar, log_of, non_negative_field, positive_field

MODES = ("triangular", "triangular2", "exp_range")


def triangle(t: Float[Array, ""], up: float, down: float) -> Float[Array, ""]:
    r"""$\min(s / a, (a + b - s) / b)$ with $s = t \bmod (a + b)$: up in $a$ updates, down in $b$."""
    s = jnp.mod(t, up + down)
    return jnp.minimum(s / up, (up + down - s) / down)


@dataclass(frozen=True)
class Cyclic:
    r"""Triangles between two rates.

    $$ \alpha_t = \alpha_{\min} + (\alpha_{\max} - \alpha_{\min}) \, h_t \,
       \min \Big(\frac{s}{a}, \frac{a + b - s}{b} \Big), \qquad s = t \bmod (a + b) $$

    | mode | $h_t$, with the number $c = \lfloor t / (a + b) \rfloor$ of triangles before |
    |---|---|
    | "triangular" | 1 |
    | "triangular2" | $2^{-c}$ |
    | "exp_range" | $\gamma^t$ |

    Parameters
    ----------
    lowest, highest : $\alpha_{\min} \ge 0$, $\alpha_{\max} > 0$.
    up, down : $a, b > 0$, in updates; $b = a$ unless it is given.
    mode, factor : see the table; $\gamma$ is of "exp_range".

    Notes
    -----
    PyTorch's `CyclicLR`; its momentum, which falls where the rate rises, is a schedule of its own:
    `Cyclic(0.9, 0.8, ...)`.

    Examples
    --------
    >>> schedule = Cyclic(0.1, 0.5, up=10, mode="triangular2")
    >>> [round(float(schedule(step)), 6) for step in (0, 5, 10, 20, 30)]
    [0.1, 0.3, 0.5, 0.1, 0.3]

    References
    ----------
    Smith, "Cyclical learning rates for training neural networks", WACV 2017.
    """

    lowest: Scalar
    highest: Scalar
    up: float = 2000
    down: float | None = None
    mode: str = "triangular"
    factor: Scalar = 1.0

    def __post_init__(self) -> None:
        non_negative_field("lowest", self.lowest)
        positive_field("highest", self.highest)
        positive("up", self.up)
        positive("down", self._down)
        positive_field("factor", self.factor)
        if self.mode not in MODES:
            raise unknown_name("mode", self.mode, MODES)

    @property
    def _down(self) -> float:
        return self.up if self.down is None else self.down

    def __call__(self, step: Any) -> Array:
        t = real_step(step)
        height = (self.highest - self.lowest) * triangle(t, self.up, self._down)
        if self.mode == "triangular2":
            height = height * 0.5 ** jnp.floor(t / (self.up + self._down))
        if self.mode == "exp_range":
            height = height * jnp.exp(log_of(self.factor) * t)
        return self.lowest + height
