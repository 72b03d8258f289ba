"""Counts of true against predicted classes, and a score of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

from pullback.core.checks import positive_integer
from pullback.core.errors import unknown_name
from pullback.metrics.accuracy import predicted_class
from pullback.metrics.cell_posterior import posterior_limits
from pullback.metrics.metric import Metric, Statistics, at_least_one
from pullback.metrics.predictions import row_mask
from pullback.metrics.scores import SCORES
from pullback.prob import Interval


@dataclass(frozen=True)
class ConfusionMatrix(Metric):
    r"""$C_{jk}$: how many rows of true class $j$ are predicted to be of class $k$, and a score computed from them.

    Predictions are logits (n, K), or (n,) and (n, 1) for two classes; targets are class indices (n,). `counts` gives
    the matrix, `compute` its score.

    The interval is that of `pullback.metrics.cell_posterior`. A quotient 0 / 0 counts as 0.

    Parameters
    ----------
    num_classes : K >= 2.
    score : a name from `pullback.metrics.scores.SCORES`, such as "balanced_accuracy" or "f1_macro".

    Examples
    --------
    >>> metric = ConfusionMatrix(2, "f1_macro")
    >>> logits = jnp.array([-1.0, 2.0, 0.5, -3.0])
    >>> stats = metric.update(metric.init(), logits, jnp.array([0, 1, 0, 0]))
    >>> metric.counts(stats).tolist(), round(metric.compute(stats), 4)
    ([[2, 1], [0, 1]], 0.7333)
    """

    num_classes: int
    score: str = "balanced_accuracy"
    higher_is_better: ClassVar[bool] = True
    target_kinds: ClassVar[tuple[str, ...]] = ("class_index", "binary")

    def __post_init__(self) -> None:
        positive_integer("num_classes - 1", self.num_classes - 1)
        if self.score not in SCORES:
            raise unknown_name("score", self.score, SCORES)

    @property
    def name(self) -> str:
        return self.score

    def init(self) -> Statistics:
        return {"counts": jnp.zeros((self.num_classes, self.num_classes), jnp.int32)}

    def update(self, stats: Statistics, prediction: Array, target: Array, weight: Array | None = None) -> Statistics:
        predicted = predicted_class(prediction, target)
        mask = row_mask(weight, predicted)
        return {"counts": count_pairs(stats["counts"], target.astype(jnp.int32), predicted, mask)}

    def counts(self, stats: Statistics) -> np.ndarray:
        """The matrix C, int64."""
        return np.asarray(stats["counts"], np.int64)

    def compute(self, stats: Statistics) -> float:
        counts = self.counts(stats)
        return float(SCORES[self.score](counts)) if counts.sum() else float("nan")

    def interval(self, stats: Statistics, level: float = 0.95) -> Interval:
        counts = self.counts(stats)
        n = at_least_one(self.name, int(counts.sum()))
        value = float(SCORES[self.score](counts))
        lower, upper = posterior_limits(counts, SCORES[self.score], value, level)
        return Interval(value, lower, upper, level, n, "dirichlet")


def count_pairs(
    counts: Int[Array, "classes classes"],
    true: Int[Array, " *batch"],
    predicted: Int[Array, " *batch"],
    mask: Bool[Array, " *batch"],
) -> Int[Array, "classes classes"]:
    """The counts with these pairs as well."""
    return counts.at[true.reshape(-1), predicted.reshape(-1)].add(mask.reshape(-1).astype(jnp.int32))
