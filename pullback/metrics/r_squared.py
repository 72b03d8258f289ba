"""Share of the variance that a regression explains."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float
from scipy.special import stdtrit

from pullback.core.errors import ShapeError
from pullback.metrics.metric import Metric, Statistics, at_least_one
from pullback.metrics.predictions import row_mask, same_shape
from pullback.metrics.sums import add, as_two_floats
from pullback.prob import Interval

# Groups of rows that the jackknife leaves out one at a time: enough for a stable variance, few enough to keep.
GROUPS = 32


@dataclass(frozen=True)
class RSquared(Metric):
    r"""Coefficient of determination on these rows.

    $$ R^2 = 1 - \frac{\sum_i (y_i - \hat y_i)^2}{\sum_i (y_i - \bar y)^2} $$

    At most 1; negative when the mean of the same targets predicts better; NaN when the targets do not vary.

    The interval is Student's with a delete-a-group jackknife: rows fall into 32 groups in turn, and the spread of the
    score as each group is left out gives its standard error. It assumes rows in no particular order.

    Predictions and targets are (n,), or (n, 1); for several outputs, score each.

    Examples
    --------
    >>> metric = RSquared()
    >>> stats = metric.update(metric.init(), jnp.array([1.0, 2.0, 4.0]), jnp.array([1.0, 2.0, 3.0]))
    >>> metric.compute(stats)
    0.5

    References
    ----------
    Chan, Golub, LeVeque, "Algorithms for computing the sample variance", The American Statistician 37 (1983), for the
    update of the sum of squares; Kott, "The delete-a-group jackknife", Journal of Official Statistics 17 (2001).
    """

    higher_is_better: ClassVar[bool] = True
    target_kinds: ClassVar[tuple[str, ...]] = ("real",)

    @property
    def name(self) -> str:
        return "r_squared"

    def init(self) -> Statistics:
        zeros = jnp.zeros((GROUPS, 2), jnp.float32)
        return {"count": jnp.zeros(GROUPS, jnp.int32), "total": zeros, "spread": zeros, "residual": zeros}

    def update(self, stats: Statistics, prediction: Array, target: Array, weight: Array | None = None) -> Statistics:
        if target.size != target.shape[0]:
            raise ShapeError(
                "r_squared scores one output",
                expected="targets of shape (n,) or (n, 1)",
                got=f"{target.shape}",
                fix="score each output by itself",
            )
        y = target.astype(prediction.dtype)
        residual = (same_shape(prediction, target) - y).reshape(-1)
        y = y.reshape(-1)
        batch = group_statistics(y, residual, row_mask(weight, y))
        # The next row belongs to the group after the last one's, wherever a batch ends.
        turn = jnp.sum(stats["count"], dtype=jnp.int32) % GROUPS
        return self.merge(stats, {name: jnp.roll(entry, turn, axis=0) for name, entry in batch.items()})

    def merge(self, a: Statistics, b: Statistics) -> Statistics:
        n_a, n_b = (stats["count"].astype(jnp.float32) for stats in (a, b))
        gap = means(b) - means(a)
        between = jnp.square(gap) * n_a * (n_b / jnp.maximum(n_a + n_b, 1))
        return {
            "count": a["count"] + b["count"],
            "total": add(a["total"], b["total"]),
            "spread": add(add(a["spread"], b["spread"]), as_two_floats(between)),
            "residual": add(a["residual"], b["residual"]),
        }

    def compute(self, stats: Statistics) -> float:
        return float(pooled(*on_host(stats)))

    def interval(self, stats: Statistics, level: float = 0.95) -> Interval:
        count, total, spread, residual = on_host(stats)
        n = at_least_one(self.name, int(count.sum()))
        value = float(pooled(count, total, spread, residual))
        others = np.flatnonzero(count)
        left_out = np.array(
            [pooled(*(np.delete(sums, group) for sums in (count, total, spread, residual))) for group in others]
        )
        groups = len(others)
        if groups < 3 or not np.isfinite(left_out).all():
            return Interval(value, -math.inf, 1.0, level, n, "jackknife")
        error = math.sqrt((groups - 1) / groups * np.square(left_out - left_out.mean()).sum())
        half_width = float(stdtrit(groups - 1, (1 + level) / 2)) * error
        return Interval(value, value - half_width, min(value + half_width, 1.0), level, n, "jackknife")


def group_statistics(
    y: Float[Array, " rows"], residual: Float[Array, " rows"], mask: Bool[Array, " rows"]
) -> dict[str, Array]:
    """Count, sum, sum of squares about the mean, and residual sum of squares of each group of these rows."""
    padding = (0, -y.size % GROUPS)
    y, residual, mask = (jnp.pad(values, padding).reshape(-1, GROUPS) for values in (y, residual, mask))
    zero = jnp.zeros_like(y)
    count = jnp.sum(mask, axis=0, dtype=jnp.int32)
    total = jnp.where(mask, y, zero).sum(0)
    mean = total / jnp.maximum(count, 1).astype(y.dtype)
    sums = {
        "total": total,
        "spread": jnp.where(mask, jnp.square(y - mean), zero).sum(0),
        "residual": jnp.where(mask, jnp.square(residual), zero).sum(0),
    }
    return {"count": count} | {name: as_two_floats(entry) for name, entry in sums.items()}


def means(stats: dict[str, Array]) -> Float[Array, " groups"]:
    """Mean target of each group, zero for an empty one."""
    return (stats["total"] / jnp.maximum(stats["count"], 1).astype(jnp.float32)[:, None]).sum(-1)


def on_host(stats: Statistics) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Counts and sums of the groups in float64."""
    sums = (np.asarray(stats[name], np.float64).sum(-1) for name in ("total", "spread", "residual"))
    return np.asarray(stats["count"]), *sums


def pooled(count: np.ndarray, total: np.ndarray, spread: np.ndarray, residual: np.ndarray) -> float:
    """The score of all groups together."""
    n = count.sum()
    if n == 0:
        return math.nan
    between = count * np.square(total / np.maximum(count, 1) - total.sum() / n)
    whole = spread.sum() + between.sum()
    return 1 - residual.sum() / whole if whole > 0 else math.nan
