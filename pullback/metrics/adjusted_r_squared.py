"""Share of the variance that a regression explains, less what its parameters explain by chance."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

from jaxtyping import Array

from pullback.core.checks import positive_integer
from pullback.metrics.metric import Metric, Statistics
from pullback.metrics.r_squared import RSquared
from pullback.prob import Interval

PLAIN = RSquared()


@dataclass(frozen=True)
class AdjustedRSquared(Metric):
    r"""$\bar R^2 = 1 - (1 - R^2) \frac{n - 1}{n - p - 1}$ of a model with p slopes and an intercept on its own rows.

    It compares unbiased estimates of the two variances. On rows that the model was not fitted to, `RSquared` needs no
    adjustment. NaN unless n > p + 1. The limits are those of `RSquared`, adjusted alike.

    Parameters
    ----------
    parameters : p, without the intercept.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> metric = AdjustedRSquared(1)
    >>> metric.compute(metric.update(metric.init(), jnp.array([1.0, 2.0, 4.0]), jnp.array([1.0, 2.0, 3.0])))
    0.0

    References
    ----------
    Theil, "Economic Forecasts and Policy" (1961), section 6.2.
    """

    parameters: int
    higher_is_better: ClassVar[bool] = True
    target_kinds: ClassVar[tuple[str, ...]] = ("real",)

    def __post_init__(self) -> None:
        positive_integer("parameters", self.parameters)

    @property
    def name(self) -> str:
        return "adjusted_r_squared"

    def init(self) -> Statistics:
        return PLAIN.init()

    def update(self, stats: Statistics, prediction: Array, target: Array, weight: Array | None = None) -> Statistics:
        return PLAIN.update(stats, prediction, target, weight)

    def merge(self, a: Statistics, b: Statistics) -> Statistics:
        return PLAIN.merge(a, b)

    def compute(self, stats: Statistics) -> float:
        return self._adjusted(PLAIN.compute(stats), int(stats["count"].sum()))

    def interval(self, stats: Statistics, level: float = 0.95) -> Interval:
        plain = PLAIN.interval(stats, level)
        value, lower, upper = (self._adjusted(limit, plain.n) for limit in (plain.value, plain.lower, plain.upper))
        return replace(plain, value=value, lower=lower, upper=upper)

    def _adjusted(self, r_squared: float, n: int) -> float:
        free = n - self.parameters - 1
        return 1 - (1 - r_squared) * (n - 1) / free if free > 0 else math.nan
