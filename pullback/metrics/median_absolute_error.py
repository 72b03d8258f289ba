"""Median absolute error, which a few wild rows do not move."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float
from scipy.stats import binom

from pullback.metrics.rows import Vector, finite_numbers, row_weights, same_length
from pullback.prob import Interval
from pullback.prob.level import confidence_level


def median_absolute_error(
    target: Vector, prediction: Vector, *, sample_weight: Vector | None = None, level: float = 0.95
) -> Interval:
    r"""$\operatorname{median}_i |y_i - \hat y_i|$, for even n the middle of the two central values.

    The limits are order statistics, $|e|_{(k)}$ and $|e|_{(n + 1 - k)}$ with the largest k for which $P(B < k) \le
    (1 - \text{level}) / 2$, B binomial with n trials of probability 1/2: exact for any continuous law, and wider than
    the level asks for where n is small. With too few rows for the level they are 0 and infinity.

    Raises
    ------
    DataError
        with row and value, for a number that is not finite or a weight that is no count; for different lengths.

    Examples
    --------
    >>> error = [0.1, -0.3, 0.2, 0.5, -0.4, 7.0, 0.6]
    >>> print(median_absolute_error(np.zeros(7), error))
    0.4 [0.1, 7] (95% order statistics, n = 7)

    References
    ----------
    Thompson, "On confidence ranges for the median and other expectation distributions for populations of unknown
    distribution form", Annals of Mathematical Statistics 7 (1936).
    """
    observed, predicted = finite_numbers("targets", target), finite_numbers("predictions", prediction)
    same_length("targets", observed, "predictions", predicted)
    weights = row_weights(sample_weight, len(observed))
    order = np.argsort(np.abs(observed - predicted), kind="stable")
    errors, counts = np.abs(observed - predicted)[order], np.cumsum(weights[order])
    n = round(counts[-1].item())
    value = (errors[_first(counts, counts[-1] / 2, "left")] + errors[_first(counts, counts[-1] / 2, "right")]) / 2
    tail = (1 - confidence_level(level)) / 2
    rank = int(binom.ppf(tail, n, 0.5))
    # The quantile is the first count whose probability reaches the tail; one that only equals it may still be left out.
    rank += int(binom.cdf(rank, n, 0.5) <= tail * (1 + 1e-12))
    if rank < 1:
        return Interval(value.item(), 0.0, math.inf, level, n, "order statistics")
    lower, upper = errors[_first(counts, rank, "left")], errors[_first(counts, n + 1 - rank, "left")]
    return Interval(value.item(), lower.item(), upper.item(), level, n, "order statistics")


def _first(counts: Float[np.ndarray, " rows"], rank: float, side: str) -> int:
    """Place of the first error up to which at least (left) or more than (right) `rank` rows are counted."""
    place = np.searchsorted(counts, rank, "left" if side == "left" else "right")
    return int(min(place, len(counts) - 1))
