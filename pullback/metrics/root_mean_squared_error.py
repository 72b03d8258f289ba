"""Root of the mean squared error."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

from jaxtyping import Array

from pullback.metrics.metric import Metric, Statistics
from pullback.metrics.squared_error import SquaredError
from pullback.prob import Interval

MEAN = SquaredError()


@dataclass(frozen=True)
class RootMeanSquaredError(Metric):
    r"""$\sqrt{\frac{1}{n} \sum_i (\hat y_i - y_i)^2}$, in the unit of the target.

    Shapes as for `SquaredError`. The limits are the roots of those of the mean squared error, a negative one counting
    as zero: the root keeps order, so it keeps coverage.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> metric = RootMeanSquaredError()
    >>> metric.compute(metric.update(metric.init(), jnp.array([1.0, 2.0]), jnp.array([1.0, 6.0])))
    2.8284271247461903
    """

    higher_is_better: ClassVar[bool] = False
    target_kinds: ClassVar[tuple[str, ...]] = ("real",)

    @property
    def name(self) -> str:
        return "root_mean_squared_error"

    def init(self) -> Statistics:
        return MEAN.init()

    def update(self, stats: Statistics, prediction: Array, target: Array, weight: Array | None = None) -> Statistics:
        return MEAN.update(stats, prediction, target, weight)

    def compute(self, stats: Statistics) -> float:
        return math.sqrt(MEAN.compute(stats))

    def interval(self, stats: Statistics, level: float = 0.95) -> Interval:
        squared = MEAN.interval(stats, level)
        lower, upper = math.sqrt(max(squared.lower, 0.0)), math.sqrt(squared.upper)
        return replace(squared, value=math.sqrt(squared.value), lower=lower, upper=upper)
