"""Mean squared error of class probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped

from pullback.metrics.metric import MeanMetric
from pullback.metrics.predictions import binary_logit, is_binary


@dataclass(frozen=True)
class BrierScore(MeanMetric):
    r"""$\frac{1}{n} \sum_i \sum_k (p_{ik} - \mathbf{1}[y_i = k])^2$, $p_i$ the softmax of the logits.

    Two classes count once, $\frac{1}{n} \sum_i (p_i - y_i)^2$, whether given as one logit or as two; so does
    scikit-learn's `brier_score_loss` by default. The range is then 0 to 1, with more classes 0 to 2.

    Predictions are logits (n, K), or (n,) and (n, 1) for two classes; targets are class indices (n,).

    Examples
    --------
    >>> metric = BrierScore()
    >>> metric.compute(metric.update(metric.init(), jnp.zeros((2, 4)), jnp.array([0, 3])))
    0.75

    References
    ----------
    Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78 (1950).
    """

    higher_is_better: ClassVar[bool] = False
    target_kinds: ClassVar[tuple[str, ...]] = ("class_index", "binary")

    @property
    def name(self) -> str:
        return "brier_score"

    def values(self, prediction: Array, target: Array) -> Array:
        if is_binary(prediction, target):
            logit = binary_logit(prediction, target)
            return jnp.square(jax.nn.sigmoid(logit) - target.astype(logit.dtype))
        distance = squared_distance(prediction, target)
        return distance / 2 if prediction.shape[-1] == 2 else distance


def squared_distance(z: Float[Array, "*batch classes"], y: Shaped[Array, " *batch"]) -> Float[Array, " *batch"]:
    r"""$\sum_k (\operatorname{softmax}(z)_k - \mathbf{1}[y = k])^2$."""
    truth = jax.nn.one_hot(y.astype(jnp.int32), z.shape[-1], dtype=z.dtype)
    return jnp.sum(jnp.square(jax.nn.softmax(z, axis=-1) - truth), axis=-1)
