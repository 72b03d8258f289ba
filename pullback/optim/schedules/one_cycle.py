"""One rise and one fall of the learning rate over the whole run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.core.checks import fraction, positive
from pullback.core.errors import ConfigurationError, unknown_name
from pullback.optim.schedules.join import join
from pullback.optim.schedules.real_step import real_step
from pullback.optim.settings import Scalar, positive_field

SHAPES = ("cosine", "linear")
CONVENTIONS = ("pytorch", "optax")


def straight(p: Float[Array, ""], begin: Scalar, end: Scalar) -> Float[Array, ""]:
    r"""$(1 - p) \alpha_a + p \alpha_b$."""
    return (1 - p) * begin + p * end


def half_cosine(p: Float[Array, ""], begin: Scalar, end: Scalar) -> Float[Array, ""]:
    r"""$\alpha_b + \frac{1}{2} (\alpha_a - \alpha_b) (1 + \cos \pi p)$."""
    return end + (begin - end) / 2 * (1 + jnp.cos(math.pi * p))


@dataclass(frozen=True)
class OneCycle:
    r"""From a small rate to the peak, down again, and at the end far below.

    Between the updates $t_i$ and $t_{i+1}$ along half a cosine or a straight line:

    | phases | $t_0, t_1, \dots$ as fractions of $T$ | rates there |
    |---|---|---|
    | two | $0, p, 1$ | $\alpha / d, \ \alpha, \ \alpha / (d D)$ |
    | three | $0, p, q, 1$ | $\alpha / d, \ \alpha, \ \alpha / d, \ \alpha / (d D)$ |

    | convention | corners at | who |
    |---|---|---|
    | "pytorch" | $pT - 1$, $qT - 2$, $T - 1$: the last update has the least rate | `OneCycleLR` |
    | "optax" | $\lfloor pT \rfloor, \lfloor qT \rfloor, T$ | `cosine_` and (three phases) `linear_onecycle_schedule` |

    Parameters
    ----------
    peak : $\alpha > 0$.
    steps : $T$, in updates; after that the rate stays.
    rise : $p$ in (0, 1).
    start_divisor, final_divisor : $d, D > 0$.
    shape : "cosine" or "linear".
    three_phases : whether the way down has a corner.
    fall : $q$ in (p, 1), of three phases; default $2 p$ in PyTorch's convention and 0.85 in Optax'.
    convention : see the table.

    Notes
    -----
    The momentum that PyTorch moves the other way is a schedule of its own:
    `OneCycle(0.85, steps, start_divisor=0.85 / 0.95, final_divisor=1.0)`.

    Examples
    --------
    >>> schedule = OneCycle(0.1, steps=100)
    >>> [round(float(schedule(step)), 6) for step in (0, 29, 99)]
    [0.004, 0.1, 0.0]

    References
    ----------
    Smith, Topin, "Super-convergence: very fast training of neural networks using large learning rates" (2017).
    """

    peak: Scalar
    steps: int
    rise: float = 0.3
    start_divisor: float = 25.0
    final_divisor: float = 1e4
    shape: str = "cosine"
    three_phases: bool = False
    fall: float | None = None
    convention: str = "pytorch"

    def __post_init__(self) -> None:
        positive_field("peak", self.peak)
        for name in ("steps", "rise", "start_divisor", "final_divisor"):
            positive(name, getattr(self, name))
        fraction("rise", self.rise)
        for kind, name, known in (("shape", self.shape, SHAPES), ("convention", self.convention, CONVENTIONS)):
            if name not in known:
                raise unknown_name(kind, name, known)
        corners = self.corners()
        if any(after <= before for before, after in zip(corners, corners[1:], strict=False)):
            raise ConfigurationError(
                "the phases of the cycle do not follow each other",
                expected="corners at increasing updates",
                got=", ".join(f"{corner:g}" for corner in corners),
                fix="choose a larger steps, or rise < fall < 1",
            )

    def corners(self) -> list[float]:
        """The updates between which the rate follows one curve."""
        pytorch = self.convention == "pytorch"
        fall = self.fall if self.fall is not None else (2 * self.rise if pytorch else 0.85)
        inner = [self.rise, fall] if self.three_phases else [self.rise]
        if pytorch:
            return [0.0, *(part * self.steps - 1 - i for i, part in enumerate(inner)), self.steps - 1.0]
        return [0.0, *(float(int(part * self.steps)) for part in inner), float(self.steps)]

    def __call__(self, step: Any) -> Array:
        t, corners = real_step(step), self.corners()
        start = self.peak / self.start_divisor
        rates = [start, self.peak, *([start] if self.three_phases else []), start / self.final_divisor]
        curve = half_cosine if self.shape == "cosine" else straight
        value = jnp.full_like(t, rates[0])
        for i, begin in enumerate(corners[:-1]):
            p = jnp.clip((t - begin) / (corners[i + 1] - begin), 0, 1)
            value = join(t, begin, value, curve(p, rates[i], rates[i + 1]))
        return value
