"""Area under the ROC curve with DeLong's interval."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import expit, logit, ndtri
from scipy.stats import rankdata

from pullback.prob import Interval


def roc_auc_interval(
    score: Float[np.ndarray, " rows"], positive: Bool[np.ndarray, " rows"], level: float = 0.95
) -> Interval:
    r"""Probability that a positive row is scored above a negative one, ties counting one half.

    With $V_i$ the share of negative rows below positive row $i$ and $W_j$ the share of positive rows above negative
    row $j$, the area $A$ is the mean of either, and

    $$ \operatorname{var} A = \frac{s^2(V)}{n_+} + \frac{s^2(W)}{n_-} $$

    The limits are normal ones of $\log(A / (1 - A))$, so they stay in (0, 1). An area of exactly 0 or 1 has no spread
    to estimate: its limits are 0 and 1. Both kinds of row must occur.

    Examples
    --------
    >>> score = np.array([0.1, 0.4, 0.35, 0.8, 0.7, 0.2])
    >>> print(roc_auc_interval(score, np.array([False, False, True, True, True, False])))
    0.8889 [0.2614, 0.9945] (95% delong, n = 6)

    References
    ----------
    DeLong, DeLong, Clarke-Pearson, "Comparing the areas under two or more correlated receiver operating
    characteristic curves", Biometrics 44 (1988); Sun and Xu, IEEE Signal Processing Letters 21 (2014), for the ranks.
    """
    ranks = rankdata(score)
    above = (ranks[positive] - rankdata(score[positive])) / np.sum(~positive)
    below = 1 - (ranks[~positive] - rankdata(score[~positive])) / np.sum(positive)
    area = float(above.mean())
    variance = _variance_of_mean(above) + _variance_of_mean(below)
    if not 0 < area < 1 or not variance:
        return Interval(area, 0.0, 1.0, level, len(score), "delong")
    half_width = float(ndtri((1 + level) / 2)) * math.sqrt(variance) / (area * (1 - area))
    limits = expit(logit(area) + np.array([-half_width, half_width])).tolist()
    return Interval(area, limits[0], limits[1], level, len(score), "delong")


def _variance_of_mean(values: Float[np.ndarray, " rows"]) -> float:
    return float(values.var(ddof=1)) / len(values) if len(values) > 1 else 0.0
