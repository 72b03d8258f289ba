"""Mean absolute error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array

from pullback.metrics.metric import MeanMetric
from pullback.metrics.predictions import example_mean, same_shape


@dataclass(frozen=True)
class AbsoluteError(MeanMetric):
    r"""$\frac{1}{n} \sum_i |\hat y_i - y_i|$, in the unit of the target.

    Shapes as for `SquaredError`.

    Examples
    --------
    >>> metric = AbsoluteError()
    >>> metric.compute(metric.update(metric.init(), jnp.array([1.0, 2.0]), jnp.array([1.0, 4.0])))
    1.0
    """

    higher_is_better: ClassVar[bool] = False
    target_kinds: ClassVar[tuple[str, ...]] = ("real",)

    @property
    def name(self) -> str:
        return "absolute_error"

    def values(self, prediction: Array, target: Array) -> Array:
        return example_mean(jnp.abs(same_shape(prediction, target) - target.astype(prediction.dtype)))
