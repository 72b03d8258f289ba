"""Mean surprise of the true classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
from jax.scipy.special import logsumexp
from jaxtyping import Array, Float, Shaped

from pullback.metrics.metric import MeanMetric
from pullback.metrics.predictions import binary_logit, is_binary


@dataclass(frozen=True)
class CrossEntropy(MeanMetric):
    r"""$-\frac{1}{n} \sum_i \log p_{i, y_i}$ in nats, $p_i$ the softmax (or sigmoid) of the logits.

    Predictions are logits (n, K), or (n,) and (n, 1) for two classes; targets are class indices (n,).

    Examples
    --------
    >>> metric = CrossEntropy()
    >>> stats = metric.update(metric.init(), jnp.zeros((3, 10)), jnp.array([0, 4, 9]))
    >>> round(metric.compute(stats), 6)
    2.302585
    """

    higher_is_better: ClassVar[bool] = False
    target_kinds: ClassVar[tuple[str, ...]] = ("class_index", "binary")

    @property
    def name(self) -> str:
        return "cross_entropy"

    def values(self, prediction: Array, target: Array) -> Array:
        if is_binary(prediction, target):
            return binary_surprise(binary_logit(prediction, target), target)
        return surprise(prediction, target)


def surprise(z: Float[Array, "*batch classes"], y: Shaped[Array, " *batch"]) -> Float[Array, " *batch"]:
    r"""$\log \sum_k e^{z_k} - z_y$."""
    chosen = jnp.take_along_axis(z, y.astype(jnp.int32)[..., None], axis=-1)[..., 0]
    return logsumexp(z, axis=-1) - chosen


def binary_surprise(z: Float[Array, " *batch"], y: Shaped[Array, " *batch"]) -> Float[Array, " *batch"]:
    r"""$\log(1 + e^z) - y z$."""
    return jnp.logaddexp(z, jnp.zeros_like(z)) - y.astype(z.dtype) * z
