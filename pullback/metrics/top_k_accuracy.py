"""Share of examples whose true class is among the k most likely."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Int, Shaped

from pullback.core.checks import positive_integer
from pullback.core.errors import ShapeError
from pullback.metrics.metric import ProportionMetric
from pullback.metrics.predictions import is_binary


@dataclass(frozen=True)
class TopKAccuracy(ProportionMetric):
    r"""$\frac{1}{n} \sum_i \mathbf{1}[\operatorname{rank}_i(y_i) < k]$, rank 0 the class of the largest logit.

    Predictions are logits (n, K) with K > k; targets are class indices (n,). Of equal logits the lower class ranks
    first, so k = 1 is `Accuracy`. The interval is Wilson's.

    Examples
    --------
    >>> metric = TopKAccuracy(2)
    >>> logits = jnp.array([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0]])
    >>> metric.name, metric.compute(metric.update(metric.init(), logits, jnp.array([1, 2])))
    ('top_2_accuracy', 0.5)
    """

    k: int = 5
    higher_is_better: ClassVar[bool] = True
    target_kinds: ClassVar[tuple[str, ...]] = ("class_index",)

    def __post_init__(self) -> None:
        positive_integer("k", self.k)

    @property
    def name(self) -> str:
        return f"top_{self.k}_accuracy"

    def successes(self, prediction: Array, target: Array) -> Array:
        if is_binary(prediction, target) or prediction.shape[-1] <= self.k:
            raise ShapeError(
                f"{self.name} needs more than {self.k} classes",
                expected=f"logits of shape {(*target.shape, 'K')} with K > {self.k}",
                got=f"{prediction.shape}",
                fix="choose a smaller k, or Accuracy",
            )
        return rank(prediction, target) < self.k


def rank(z: Shaped[Array, "*batch classes"], y: Shaped[Array, " *batch"]) -> Int[Array, " *batch"]:
    """Number of classes before the true one when classes are sorted by falling logit, then by index."""
    label = y.astype(jnp.int32)[..., None]
    own = jnp.take_along_axis(z, label, axis=-1)
    index = jnp.arange(z.shape[-1], dtype=jnp.int32)
    return jnp.sum((z > own) | ((z == own) & (index < label)), axis=-1, dtype=jnp.int32)
