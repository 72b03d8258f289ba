"""Loss of a predicted quantile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array

from pullback.core.checks import fraction, positive
from pullback.metrics.metric import MeanMetric
from pullback.metrics.predictions import example_mean, same_shape


@dataclass(frozen=True)
class PinballLoss(MeanMetric):
    r"""$\frac{1}{n} \sum_i \max(q (y_i - \hat y_i), (q - 1)(y_i - \hat y_i))$, least at the q-quantile of the target.

    Half the absolute error at q = 1/2. Shapes as for `SquaredError`.

    Parameters
    ----------
    quantile : q in (0, 1).

    Examples
    --------
    >>> metric = PinballLoss(0.75)
    >>> metric.name, metric.compute(metric.update(metric.init(), jnp.array([1.0, 4.0]), jnp.array([3.0, 2.0])))
    ('pinball_loss_0.75', 1.0)

    References
    ----------
    Koenker and Bassett, "Regression quantiles", Econometrica 46 (1978).
    """

    quantile: float = 0.5
    higher_is_better: ClassVar[bool] = False
    target_kinds: ClassVar[tuple[str, ...]] = ("real",)

    def __post_init__(self) -> None:
        fraction("quantile", positive("quantile", self.quantile))

    @property
    def name(self) -> str:
        return f"pinball_loss_{self.quantile:g}"

    def values(self, prediction: Array, target: Array) -> Array:
        gap = target.astype(prediction.dtype) - same_shape(prediction, target)
        return example_mean(jnp.maximum(self.quantile * gap, (self.quantile - 1) * gap))
