"""Binary cross entropy from logits."""

from __future__ import annotations

import dataclasses
import functools
from typing import ClassVar

import jax
from jaxtyping import Array, Float

from pullback.core.checks import fraction
from pullback.nn.activations import softplus
from pullback.nn.losses.targets import aligned, example_mean


@functools.partial(jax.jit, static_argnames="label_smoothing")
def binary_cross_entropy(
    z: Float[Array, "*shape"], t: Float[Array, "*shape"], label_smoothing: float = 0.0
) -> Float[Array, "*shape"]:
    r"""\(-t\log\sigma(z) - (1-t)\log(1-\sigma(z)) = t\,\mathrm{softplus}(-z) + (1-t)\,\mathrm{softplus}(z)\).

    With smoothing \(\epsilon\), \(t\) is replaced by \((1-\epsilon)t + \epsilon/2\). Both terms are positive, so
    nothing cancels for large \(|z|\).
    """
    if label_smoothing:
        t = (1 - label_smoothing) * t + label_smoothing / 2
    return t * softplus(-z) + (1 - t) * softplus(z)


@dataclasses.dataclass(frozen=True)
class BinaryCrossEntropy:
    r"""\(-t\log p - (1-t)\log(1-p)\) with \(p = \sigma(z)\), from the logit \(z\).

    Parameters
    ----------
    label_smoothing : \(\epsilon\) in [0, 1); \(t\) becomes \((1-\epsilon)t + \epsilon/2\).

    Call
    ----
    `loss(logits, target)`: logits `(n,)` or `(n, 1)` with labels `(n,)` in {0, 1} (probabilities are allowed). Logits
    and labels both `(n, k)` are \(k\) independent labels, averaged. Anything else is a `ShapeError`.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> BinaryCrossEntropy()(jnp.array([0.0, 1000.0]), jnp.array([1, 0])).round(4).tolist()
    [0.6930999755859375, 1000.0]

    Source: Cox, Journal of the Royal Statistical Society B 20, 1958. Smoothing: Szegedy et al., CVPR 2016.
    """

    label_smoothing: float = 0.0
    name: ClassVar[str] = "binary_cross_entropy"
    target_kind: ClassVar[str] = "binary"
    expects_logits: ClassVar[bool] = True

    def __post_init__(self) -> None:
        fraction("label_smoothing", self.label_smoothing)

    def __call__(self, prediction: Array, target: Array) -> Array:
        z, t = aligned("binary_cross_entropy", prediction, target)
        return example_mean(binary_cross_entropy(z, t, label_smoothing=self.label_smoothing))
