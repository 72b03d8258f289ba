"""What a metric is, and the two families most of them belong to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from pullback.core.errors import DataError
from pullback.metrics.predictions import row_mask
from pullback.metrics.sums import add, count, masked_sum, merge_sums, zero_count, zero_sum
from pullback.prob import Interval, mean_interval, wilson_interval

# Small arrays: JAX's inside a program, NumPy's too where the host computes a score.
Statistics = dict[str, Any]


class Metric(ABC):
    """A score of predictions against targets, as sufficient statistics that merge.

    The statistics of a batch are a flat dict of small arrays. `init`, `update` and `merge` are pure and compile with
    the training step; `compute` and `interval` run on the host. Rows of weight zero are padding and do not count;
    any other weight counts the row once.

    Every member also says
    higher_is_better : which way a monitor looks.
    target_kinds : the kinds of target it makes sense for, of "class_index", "binary", "real".
    """

    higher_is_better: ClassVar[bool]
    target_kinds: ClassVar[tuple[str, ...]]

    @property
    @abstractmethod
    def name(self) -> str:
        """The name under which the score is recorded."""

    @abstractmethod
    def init(self) -> Statistics:
        """Statistics of no rows."""

    @abstractmethod
    def update(self, stats: Statistics, prediction: Array, target: Array, weight: Array | None = None) -> Statistics:
        """Statistics of the rows so far and of these."""

    def merge(self, a: Statistics, b: Statistics) -> Statistics:
        """Statistics of two disjoint sets of rows together."""
        return merge_sums(a, b)

    @abstractmethod
    def compute(self, stats: Statistics) -> float:
        """The score; NaN if no row was counted."""

    @abstractmethod
    def interval(self, stats: Statistics, level: float = 0.95) -> Interval:
        """The score with limits; DataError if no row was counted."""


class ProportionMetric(Metric):
    """A share of examples that are right: exact counts, Wilson's interval."""

    @abstractmethod
    def successes(self, prediction: Array, target: Array) -> Array:
        """Whether each example is right, in the shape of the target."""

    def init(self) -> Statistics:
        return {"count": zero_count(), "successes": zero_count()}

    def update(self, stats: Statistics, prediction: Array, target: Array, weight: Array | None = None) -> Statistics:
        right = self.successes(prediction, target)
        mask = row_mask(weight, right)
        return {
            "count": stats["count"] + count(mask),
            "successes": stats["successes"] + count(mask & right),
        }

    def compute(self, stats: Statistics) -> float:
        n = int(stats["count"])
        return int(stats["successes"]) / n if n else float("nan")

    def interval(self, stats: Statistics, level: float = 0.95) -> Interval:
        return wilson_interval(int(stats["successes"]), at_least_one(self.name, int(stats["count"])), level)


class MeanMetric(Metric):
    """A mean of one value an example: count, sum and sum of squares, Student's interval."""

    @abstractmethod
    def values(self, prediction: Array, target: Array) -> Array:
        """One value an example."""

    def init(self) -> Statistics:
        return mean_statistics()

    def update(self, stats: Statistics, prediction: Array, target: Array, weight: Array | None = None) -> Statistics:
        return add_values(stats, self.values(prediction, target), weight)

    def compute(self, stats: Statistics) -> float:
        n = int(stats["count"])
        return two_float(stats["total"]) / n if n else float("nan")

    def interval(self, stats: Statistics, level: float = 0.95) -> Interval:
        n = at_least_one(self.name, int(stats["count"]))
        return mean_interval(n, two_float(stats["total"]), two_float(stats["squares"]), level)


def mean_statistics() -> Statistics:
    """Statistics of no values: their count, sum and sum of squares.

    Examples
    --------
    >>> stats = add_values(mean_statistics(), jnp.array([1.0, 2.0, 6.0]))
    >>> int(stats["count"]), two_float(stats["total"]), two_float(stats["squares"])
    (3, 9.0, 41.0)
    """
    return {"count": zero_count(), "total": zero_sum(), "squares": zero_sum()}


def add_values(stats: Statistics, values: Array, weight: Array | None = None) -> Statistics:
    """Statistics with these values as well; `weight` is one a row, zero for padding."""
    mask = row_mask(weight, values)
    return {
        "count": stats["count"] + count(mask),
        "total": add(stats["total"], masked_sum(values, mask)),
        "squares": add(stats["squares"], masked_sum(jnp.square(values), mask)),
    }


def two_float(pair: Array | np.ndarray) -> float:
    """The Python float that a two-float sum stands for."""
    return float(np.asarray(pair, np.float64).sum())


def at_least_one(name: str, n: int) -> int:
    """The number of rows counted; DataError if there are none."""
    if n == 0:
        raise DataError(
            f"{name} has seen no rows",
            expected="at least one row of weight one",
            got="none",
            fix="update the statistics with predictions first",
        )
    return n
