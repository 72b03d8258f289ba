"""A learning rate that rises on a line and falls like one over the root of the time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.core.checks import positive
from pullback.optim.schedules.real_step import real_step
from pullback.optim.settings import Scalar, positive_field


def inverse_square_root(t: Float[Array, ""], peak: Scalar, warm_up: float) -> Float[Array, ""]:
    r"""$\alpha_t = \alpha \min(n / w, \sqrt{w / n})$ with $n = t + 1$."""
    n = t + 1
    return peak * jnp.minimum(n / warm_up, jnp.sqrt(warm_up / n))


@dataclass(frozen=True)
class InverseSquareRoot:
    r"""The schedule of the Transformer: a line up to the peak, then one over the root of the time.

    $$ \alpha_t = \alpha \min \Big(\frac{t + 1}{w}, \sqrt{\frac{w}{t + 1}} \Big) $$

    The paper writes $d^{-1/2} \min(n^{-1/2}, n \, w^{-3/2})$ with $n = t + 1$, of width $d$: its peak is
    $\alpha = (d \, w)^{-1/2}$, at $n = w$; `InverseSquareRoot.noam(d, w)`.

    Parameters
    ----------
    peak : $\alpha > 0$.
    warm_up : $w > 0$, in updates.

    Examples
    --------
    >>> schedule = InverseSquareRoot(0.1, warm_up=4)
    >>> [round(float(schedule(step)), 6) for step in (0, 3, 15)]
    [0.025, 0.1, 0.05]
    >>> round(float(InverseSquareRoot.noam(512, 4000)(3999)), 9)
    0.000698771

    References
    ----------
    Vaswani and others, "Attention is all you need", NeurIPS 2017, equation 3.
    """

    peak: Scalar
    warm_up: float

    def __post_init__(self) -> None:
        positive_field("peak", self.peak)
        positive("warm_up", self.warm_up)

    @classmethod
    def noam(cls, width: float, warm_up: float = 4000, factor: float = 1.0) -> InverseSquareRoot:
        r"""With the peak $k \, (d \, w)^{-1/2}$ of a model of width $d$."""
        return cls(factor * (positive("width", width) * positive("warm_up", warm_up)) ** -0.5, warm_up)

    def __call__(self, step: Any) -> Array:
        return inverse_square_root(real_step(step), self.peak, self.warm_up)
