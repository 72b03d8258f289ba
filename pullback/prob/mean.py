"""Interval of a mean."""

from __future__ import annotations

import math

from scipy.special import stdtrit

from pullback.core.checks import positive
from pullback.prob.interval import Interval
from pullback.prob.level import confidence_level


def mean_interval(n: float, total: float, squares: float, level: float = 0.95) -> Interval:
    r"""Interval of a mean from the number of values, their sum and their sum of squares.

    $$ \bar x \pm t_{n-1} \frac{s}{\sqrt n}, \qquad \bar x = \frac{1}{n} \sum_i x_i, \quad
       s^2 = \frac{1}{n - 1} \Big( \sum_i x_i^2 - n \bar x^2 \Big) $$

    with $t_{n-1}$ the $(1 + \text{level})/2$ quantile of Student's distribution. Exact for normal values, right for
    large n by the central limit theorem. A single value has no spread: its limits are infinite. Sums of
    weights that count rows may be fractions; the n of the interval is then rounded.

    Examples
    --------
    >>> print(mean_interval(4, 1.0 + 2.0 + 3.0 + 4.0, 1.0 + 4.0 + 9.0 + 16.0))
    2.5 [0.4457, 4.554] (95% t, n = 4)

    References
    ----------
    Student, "The probable error of a mean", Biometrika 6 (1908).
    """
    positive("n", n)
    confidence_level(level)
    mean = total / n
    if n <= 1:
        return Interval(mean, -math.inf, math.inf, level, round(n), "t")
    variance = max(squares - n * mean * mean, 0.0) / (n - 1)
    half_width = float(stdtrit(n - 1, (1 + level) / 2)) * math.sqrt(variance / n)
    return Interval(mean, mean - half_width, mean + half_width, level, round(n), "t")
