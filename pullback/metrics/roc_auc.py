r"""Area under the ROC curve, with DeLong's covariance for any number of scores of the same rows.

For score r, $V_{ir}$ is the share of negative rows below positive row i, $W_{jr}$ the share of positive rows above
negative row j, ties counting one half. The area $A_r$ is the mean of either, and

$$ \operatorname{cov}(A_r, A_s) = \frac{S_{rs}(V)}{n_+} + \frac{S_{rs}(W)}{n_-} $$

with $S$ the sample covariance. Ranks give both in the time of a sort.

Sources: DeLong, DeLong, Clarke-Pearson, "Comparing the areas under two or more correlated receiver operating
characteristic curves", Biometrics 44 (1988); Sun and Xu, "Fast implementation of DeLong's algorithm", IEEE Signal
Processing Letters 21 (2014).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import expit, logit, ndtri
from scipy.stats import norm

from pullback.core.errors import DataError
from pullback.metrics.roc_curve import scored_rows
from pullback.metrics.rows import Vector, finite_rows
from pullback.prob import Interval
from pullback.prob.level import confidence_level


@dataclass(frozen=True)
class AreaComparison:
    """Areas of two scores of the same rows, and the test that they are equal.

    Parameters
    ----------
    first, second : each area with its own interval.
    difference : first minus second, with the limits of the paired test.
    statistic, p_value : the difference over its standard error, and the two-sided normal p-value; NaN where the two
        scores order all pairs of rows alike, which leaves nothing to test.
    """

    first: Interval
    second: Interval
    difference: Interval
    statistic: float
    p_value: float


def roc_auc(
    truth: Vector,
    score: Vector,
    *,
    sample_weight: Vector | None = None,
    positive: Any = None,
    level: float = 0.95,
) -> Interval:
    r"""Probability that a positive row is scored above a negative one, ties counting one half.

    It is Mann-Whitney's statistic over the number of pairs. The limits are normal ones of $\log(A / (1 - A))$ with
    DeLong's variance, so they stay in (0, 1). Where there is no spread to estimate it from, in an area of exactly 0 or
    1 or with a single row of a class, they are 0 and 1.

    Arguments and errors are those of `roc_curve`.

    Examples
    --------
    >>> print(roc_auc([0, 0, 1, 1, 1, 0], [0.1, 0.4, 0.35, 0.8, 0.7, 0.2]))
    0.8889 [0.2614, 0.9945] (95% delong, n = 6)
    """
    is_positive, values, weights = scored_rows(truth, score, sample_weight, positive)
    areas, covariance = _areas(is_positive, values[:, None], weights)
    return _interval(areas[0].item(), covariance[0, 0].item(), round(weights.sum()), level)


def delong_covariance(
    truth: Vector, scores: Any, *, sample_weight: Vector | None = None, positive: Any = None
) -> tuple[Float[np.ndarray, " models"], Float[np.ndarray, "models models"]]:
    """Areas of several scores of the same rows, (n, m), and their covariance.

    A class with a single row has no spread: the covariance is then NaN.

    Examples
    --------
    >>> areas, covariance = delong_covariance([0, 0, 1, 1], [[0.1, 1], [0.4, 3], [0.3, 2], [0.8, 2]])
    >>> areas, covariance.tolist()
    (array([0.75, 0.5 ]), [[0.125, 0.125], [0.125, 0.25]])
    """
    columns = finite_rows("scores", scores)
    is_positive, first, weights = scored_rows(truth, columns[:, 0], sample_weight, positive)
    if len(first) < len(columns):
        columns = columns[np.asarray(sample_weight, float) > 0]
    return _areas(is_positive, columns, weights)


def compare_roc_auc(
    truth: Vector,
    first: Vector,
    second: Vector,
    *,
    sample_weight: Vector | None = None,
    positive: Any = None,
    level: float = 0.95,
) -> AreaComparison:
    r"""DeLong's paired test that two scores of the same rows have equal areas.

    $$ z = \frac{A_1 - A_2}{\sqrt{\operatorname{var} A_1 + \operatorname{var} A_2 - 2 \operatorname{cov}(A_1, A_2)}} $$

    For models on rows that neither was fitted to; a model nested in the other has no such test on its training rows
    (Demler, Pencina, D'Agostino, Statistics in Medicine 31, 2012).

    Examples
    --------
    >>> found = compare_roc_auc([0, 0, 1, 1, 1, 0], [1, 3, 2, 6, 5, 4], [1, 4, 2, 3, 6, 5])
    >>> print(found.difference, round(found.p_value, 4))
    0.2222 [-0.2647, 0.7092] (95% delong, n = 6) 0.3711
    """
    pair = [np.asarray(values, float).reshape(-1) for values in (first, second)]
    if len(pair[0]) != len(pair[1]):
        raise DataError(
            "the two scores are not of the same rows",
            expected="as many of the first as of the second",
            got=f"{len(pair[0])} and {len(pair[1])}",
            fix="score the same rows with both models, in one order",
        )
    areas, covariance = delong_covariance(truth, np.stack(pair, axis=1), sample_weight=sample_weight, positive=positive)
    n = len(pair[0]) if sample_weight is None else round(float(np.sum(sample_weight)))
    own = [_interval(areas[k].item(), covariance[k, k].item(), n, level) for k in range(2)]
    gap = (areas[0] - areas[1]).item()
    variance = (covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]).item()
    # What rounding leaves of a variance of zero is no variance.
    if not variance > 1e-14:
        return AreaComparison(own[0], own[1], Interval(gap, -1.0, 1.0, level, n, "delong"), math.nan, math.nan)
    error = math.sqrt(variance)
    half_width = _quantile(level) * error
    difference = Interval(gap, max(gap - half_width, -1.0), min(gap + half_width, 1.0), level, n, "delong")
    return AreaComparison(own[0], own[1], difference, gap / error, 2 * float(norm.sf(abs(gap) / error)))


def _areas(
    positive: Bool[np.ndarray, " rows"], columns: Float[np.ndarray, "rows models"], weights: Float[np.ndarray, " rows"]
) -> tuple[Float[np.ndarray, " models"], Float[np.ndarray, "models models"]]:
    above = np.stack([_share_below(column[positive], column[~positive], weights[~positive]) for column in columns.T], 1)
    below = np.stack(
        [_share_below(-column[~positive], -column[positive], weights[positive]) for column in columns.T], 1
    )
    areas = np.average(above, axis=0, weights=weights[positive])
    return areas, _covariance_of_mean(above, weights[positive]) + _covariance_of_mean(below, weights[~positive])


def _share_below(
    values: Float[np.ndarray, " some"], others: Float[np.ndarray, " others"], weights: Float[np.ndarray, " others"]
) -> Float[np.ndarray, " some"]:
    """Share of the others below each value, half of those that equal it included."""
    order = np.argsort(others)
    total = np.append(0.0, np.cumsum(weights[order]))
    left, right = (np.searchsorted(others[order], values, side) for side in ("left", "right"))
    return (total[left] + total[right]) / (2 * total[-1])


def _covariance_of_mean(
    values: Float[np.ndarray, "rows models"], weights: Float[np.ndarray, " rows"]
) -> Float[np.ndarray, "models models"]:
    n = weights.sum()
    if n <= 1:
        return np.full((values.shape[1],) * 2, math.nan)
    gap = values - np.average(values, axis=0, weights=weights)
    return (gap.T * weights) @ gap / (n - 1) / n


def _interval(area: float, variance: float, n: int, level: float) -> Interval:
    if not 0 < area < 1 or not variance > 0:
        return Interval(area, 0.0, 1.0, confidence_level(level), n, "delong")
    half_width = _quantile(level) * math.sqrt(variance) / (area * (1 - area))
    lower, upper = expit(logit(area) + np.array([-half_width, half_width])).tolist()
    return Interval(area, lower, upper, level, n, "delong")


def _quantile(level: float) -> float:
    return float(ndtri((1 + confidence_level(level)) / 2))
