"""Wilson's score interval of a proportion."""

from __future__ import annotations

import math

from scipy.special import ndtri

from pullback.core.checks import positive
from pullback.core.errors import ConfigurationError
from pullback.prob.interval import Interval
from pullback.prob.level import confidence_level


def wilson_interval(successes: float, n: float, level: float = 0.95) -> Interval:
    r"""Interval of a proportion from `successes` in `n` independent trials.

    $$ \frac{\hat p + \frac{z^2}{2n} \pm z \sqrt{\frac{\hat p (1 - \hat p)}{n} + \frac{z^2}{4 n^2}}}{1 + \frac{z^2}{n}},
       \qquad \hat p = \frac{\text{successes}}{n}, \quad z = \Phi^{-1}\Big(\frac{1 + \text{level}}{2}\Big) $$

    It inverts the score test, so it stays inside [0, 1] and has width when every trial succeeds, where
    $\hat p \pm z \sqrt{\hat p (1 - \hat p) / n}$ has none.

    Sums of weights that count rows may be fractions; the n of the interval is then rounded.

    Raises
    ------
    ConfigurationError
        if n <= 0, successes are not in 0 .. n, or level is not in (0, 1).

    Examples
    --------
    >>> print(wilson_interval(90, 100))
    0.9 [0.8256, 0.9448] (95% wilson, n = 100)

    References
    ----------
    Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    positive("n", n)
    if not 0 <= successes <= n:
        raise ConfigurationError(
            "successes do not fit the number of trials",
            expected=f"a number 0 .. {n}",
            got=repr(successes),
            fix="count successes and trials over the same rows",
        )
    proportion = successes / n
    z2 = float(ndtri((1 + confidence_level(level)) / 2)) ** 2
    center = (proportion + z2 / (2 * n)) / (1 + z2 / n)
    half_width = math.sqrt(z2 * (proportion * (1 - proportion) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    # At the two ends the limit equals the estimate exactly; rounding would leave it on either side.
    lower = 0.0 if successes == 0 else center - half_width
    upper = 1.0 if successes == n else center + half_width
    return Interval(proportion, lower, upper, level, round(n), "wilson")
