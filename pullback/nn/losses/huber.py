"""The Huber loss."""

from __future__ import annotations

import dataclasses
import functools
from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.core.checks import positive
from pullback.nn.losses.targets import aligned, example_mean


@functools.partial(jax.jit, static_argnames="delta")
def huber(y_hat: Float[Array, "*shape"], y: Float[Array, "*shape"], delta: float = 1.0) -> Float[Array, "*shape"]:
    r"""\(\tfrac12 r^2\) if \(|r| \le \delta\), else \(\delta(|r| - \delta/2)\), with \(r = \hat y - y\)."""
    r = y_hat - y
    # Clipping inside the square keeps it finite where the other branch is taken.
    clipped = jnp.clip(r, -delta, delta)
    return 0.5 * clipped**2 + delta * (jnp.abs(r) - jnp.abs(clipped))


@dataclasses.dataclass(frozen=True)
class Huber:
    r"""\(\frac1d\sum_j h_\delta(\hat y_j - y_j)\): squared for residuals up to \(\delta\), absolute beyond.

    \(h_\delta(r) = r^2/2\) for \(|r| \le \delta\), \(\delta(|r| - \delta/2)\) otherwise: PyTorch's `HuberLoss`, which
    is \(\delta\) times its `SmoothL1Loss`.

    Parameters
    ----------
    delta : \(\delta > 0\), in the unit of the target.

    Call
    ----
    `loss(prediction, target)`: shapes as for `SquaredError`.

    Examples
    --------
    >>> Huber(1.0)(jnp.array([0.5, 3.0]), jnp.zeros(2)).tolist()
    [0.125, 2.5]

    Source: Huber, Annals of Mathematical Statistics 35, 1964.
    """

    delta: float = 1.0
    name: ClassVar[str] = "huber"
    target_kind: ClassVar[str] = "real"
    expects_logits: ClassVar[bool] = False

    def __post_init__(self) -> None:
        positive("delta", self.delta)

    def __call__(self, prediction: Array, target: Array) -> Array:
        return example_mean(huber(*aligned("huber", prediction, target), delta=self.delta))
