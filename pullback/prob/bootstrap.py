"""Intervals of any statistic by resampling the rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from pullback.core.checks import positive_integer
from pullback.core.errors import DataError, unknown_name
from pullback.core.random import generator
from pullback.prob.interval import Interval
from pullback.prob.level import confidence_level

METHODS = ("percentile", "bca")
Statistic = Callable[..., Any]


def bootstrap_interval(
    *samples: np.ndarray,
    statistic: Statistic = np.mean,
    level: float = 0.95,
    resamples: int = 9999,
    method: str = "bca",
    seed: int = 0,
) -> Interval:
    r"""Interval of $\hat\theta = s(x_1, \dots, x_n)$ from the same statistic of rows drawn with replacement.

    "percentile" takes the quantiles $(1 \mp \text{level}) / 2$ of the resampled values $\theta^*$. "bca" corrects the
    two probabilities for bias and for a spread that changes with $\theta$:

    $$ \alpha \mapsto \Phi\Big( z_0 + \frac{z_0 + z_\alpha}{1 - a (z_0 + z_\alpha)} \Big), \qquad
       z_0 = \Phi^{-1}\big(P(\theta^* < \hat\theta) + \tfrac{1}{2} P(\theta^* = \hat\theta)\big), \qquad
       a = \frac{\sum_i d_i^3}{6 (\sum_i d_i^2)^{3/2}} $$

    where $d_i$ is the mean of the leave-one-out values less the one without row $i$; that asks for n more evaluations.

    Parameters
    ----------
    samples : one array, or several of equal length whose rows belong together (predictions and targets, two models on
        the same rows): they are drawn together.
    statistic : called as `statistic(*samples)` on arrays of the same shapes; returns one number.
    resamples : number of resamples.
    seed : the limits are a function of the samples, the statistic and the seed.

    Raises
    ------
    DataError
        if there are fewer than two rows, the lengths differ, or the statistic of the samples is not finite.
    ConfigurationError
        for an unknown method, or a setting out of its range.

    Examples
    --------
    >>> print(bootstrap_interval(np.array([2.0, 3.0, 5.0, 7.0, 11.0, 13.0])))
    6.833 [3.833, 10.33] (95% bca bootstrap, n = 6)
    >>> before, after = np.array([3.0, 5.0, 4.0, 6.0]), np.array([2.0, 4.5, 2.0, 5.5])
    >>> difference = bootstrap_interval(before, after, statistic=lambda a, b: (a - b).mean(), method="percentile")
    >>> difference.lower > 0
    True

    References
    ----------
    Efron, "Better bootstrap confidence intervals", JASA 82 (1987).
    """
    rows = _checked(samples)
    positive_integer("resamples", resamples)
    if method not in METHODS:
        raise unknown_name("bootstrap method", method, METHODS)
    tail = (1 - confidence_level(level)) / 2
    n = len(rows[0])
    value = float(statistic(*rows))
    if not np.isfinite(value):
        raise DataError(
            "the statistic of the samples is not finite",
            expected="a finite number",
            got=repr(value),
            fix="check the samples and the statistic",
        )
    random = generator(seed, "bootstrap")
    drawn = (random.integers(0, n, n) for _ in range(resamples))
    distribution = np.array([float(statistic(*(sample[index] for sample in rows))) for index in drawn])
    probabilities = np.array([tail, 1 - tail])
    if method == "bca":
        probabilities = corrected(probabilities, value, distribution, leave_one_out(rows, statistic))
    # A resample may leave a statistic undefined, for example a correlation of equal rows.
    defined = distribution[np.isfinite(distribution)]
    lower, upper = np.quantile(defined, probabilities).tolist()
    return Interval(value, lower, upper, level, n, f"{method} bootstrap")


def leave_one_out(samples: tuple[np.ndarray, ...], statistic: Statistic) -> np.ndarray:
    """The statistic without each row in turn."""
    return np.array(
        [float(statistic(*(np.delete(sample, row, axis=0) for sample in samples))) for row in range(len(samples[0]))]
    )


def corrected(probabilities: np.ndarray, value: float, distribution: np.ndarray, left_out: np.ndarray) -> np.ndarray:
    """The probabilities at which BCa reads the distribution."""
    below = ((distribution < value).mean() + (distribution <= value).mean()) / 2
    # With every resample on one side the normal score is infinite; half a resample is what B of them can tell.
    resolution = 0.5 / len(distribution)
    bias = ndtri(np.clip(below, resolution, 1 - resolution))
    gap = left_out.mean() - left_out
    spread = np.square(gap).sum()
    acceleration = (gap**3).sum() / (6 * spread**1.5) if spread > 0 else 0.0
    shifted = bias + ndtri(probabilities)
    return ndtr(bias + shifted / (1 - acceleration * shifted))


def _checked(samples: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
    rows = tuple(np.asarray(sample) for sample in samples)
    lengths = [sample.shape[0] if sample.ndim else 0 for sample in rows]
    if not rows or min(lengths) < 2 or len(set(lengths)) > 1:
        raise DataError(
            "these samples cannot be resampled together",
            expected="one array or several of one length, at least 2 rows",
            got=f"lengths {lengths}",
            fix="pass the values of the rows, not their mean",
        )
    return rows
