"""Mean absolute error as a share of the target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array

from pullback.metrics.metric import MeanMetric
from pullback.metrics.predictions import example_mean, same_shape


@dataclass(frozen=True)
class AbsolutePercentageError(MeanMetric):
    r"""$\frac{1}{n} \sum_i |\hat y_i - y_i| / |y_i|$, a share: 0.1 is ten percent.

    NaN as soon as one target is zero, of which nothing is a share; scikit-learn then divides by $2 \cdot 10^{-16}$.
    It rewards predictions that are too low: the best constant is a median weighted by $1 / |y_i|$.

    Shapes as for `SquaredError`.

    Examples
    --------
    >>> metric = AbsolutePercentageError()
    >>> metric.compute(metric.update(metric.init(), jnp.array([1.0, 2.0]), jnp.array([2.0, 4.0])))
    0.5
    """

    higher_is_better: ClassVar[bool] = False
    target_kinds: ClassVar[tuple[str, ...]] = ("real",)

    @property
    def name(self) -> str:
        return "absolute_percentage_error"

    def values(self, prediction: Array, target: Array) -> Array:
        observed = target.astype(prediction.dtype)
        return example_mean(jnp.abs(same_shape(prediction, target) - observed) / jnp.abs(observed))
