"""Mean squared error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array

from pullback.metrics.metric import MeanMetric
from pullback.metrics.predictions import example_mean, same_shape


@dataclass(frozen=True)
class SquaredError(MeanMetric):
    r"""$\frac{1}{n} \sum_i (\hat y_i - y_i)^2$, in the squared unit of the target.

    Predictions have the shape of the targets, (n,) or (n, k), or one more axis of 1. With k numbers an example its
    value is their mean, so that n counts examples.

    Examples
    --------
    >>> metric = SquaredError()
    >>> metric.compute(metric.update(metric.init(), jnp.array([1.0, 2.0]), jnp.array([1.0, 4.0])))
    2.0
    """

    higher_is_better: ClassVar[bool] = False
    target_kinds: ClassVar[tuple[str, ...]] = ("real",)

    @property
    def name(self) -> str:
        return "squared_error"

    def values(self, prediction: Array, target: Array) -> Array:
        return example_mean(jnp.square(same_shape(prediction, target) - target.astype(prediction.dtype)))
