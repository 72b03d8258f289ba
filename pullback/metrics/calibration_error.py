r"""Distance of the reliability diagram from its line with its interval, and what chance alone makes of it.

With residuals $r_i = [\text{event } i] - p_i$ in bins $b$, the calibration error is $\frac{1}{n} \sum_b |\sum_{i \in b}
r_i|$, so resampling rows needs only sums of residuals.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from pullback.core.checks import positive_integer
from pullback.core.errors import DataError
from pullback.core.random import generator
from pullback.metrics.rows import Vector, probabilities, same_length
from pullback.prob import Interval, bootstrap_interval
from pullback.prob.level import confidence_level

# Enough draws for stable limits, fewer where rows are many and each draw is long.
MOST_DRAWS, FEWEST_DRAWS, MOST_NUMBERS = 2000, 200, 20_000_000
# BCa leaves out each row in turn, which takes the square of their number.
MOST_LEFT_OUT = 5000


def calibration_error(happened: Vector, probability: Vector, *, bins: int = 15, level: float = 0.95) -> Interval:
    r"""The expected calibration error, $\sum_b \frac{n_b}{n} |\text{frequency}_b - \text{confidence}_b|$, in bins b.

    The error of resampled rows is larger than that of the rows, as theirs is larger than the model's; the BCa bootstrap
    corrects for it (percentiles above 5,000 rows). The limits do not reach zero, so compare a small error with
    `calibrated_limit`.

    Parameters
    ----------
    happened : (n,) whether the event happened, 0 and 1.
    probability : (n,) its predicted probability: of class 1, or of the predicted class for whether it is right.
    bins : number of bins of equal width.

    Raises
    ------
    DataError
        with row and value, for a probability outside [0, 1] or an outcome that is not 0 or 1; for a single row.

    Examples
    --------
    >>> draw = np.random.default_rng(0)
    >>> probability = draw.random(300)
    >>> error = calibration_error(draw.random(300) < probability**2, probability, bins=10)
    >>> round(error.value, 3), 1 / 6 in error, error.method
    (0.177, True, 'bca bootstrap')

    References
    ----------
    Guo, Pleiss, Sun, Weinberger, "On calibration of modern neural networks", ICML 2017; the mean distance of $p$ and
    $p^2$ in the example is 1/6.
    """
    chance = probabilities("probabilities", probability)
    outcome = probabilities("outcomes", happened)
    same_length("outcomes", outcome, "probabilities", chance)
    rows = len(chance)
    between = (outcome > 0) & (outcome < 1)
    if between.any() or rows < 2:
        raise DataError(
            "the outcomes cannot be compared with probabilities",
            expected="0 or 1 in each of at least two rows",
            got=f"{outcome[between][0]} in row {np.flatnonzero(between)[0]}" if between.any() else "one row",
            fix="pass whether the event happened",
        )
    positive_integer("bins", bins)
    return bootstrap_interval(
        outcome - chance,
        _bin_of(chance, bins),
        statistic=lambda residual, place: np.abs(np.bincount(place, residual, bins)).sum() / len(residual),
        level=level,
        resamples=_draws(rows),
        method="bca" if rows <= MOST_LEFT_OUT else "percentile",
    )


def calibrated_limit(probability: Vector, bins: int = 15, level: float = 0.95) -> float:
    """Quantile of the calibration error when every event happens with its stated probability.

    Examples
    --------
    >>> abs(calibrated_limit(np.full(400, 0.5), bins=1) - 1.96 * 0.5 / 20) < 0.003
    True

    References
    ----------
    Bröcker and Smith, "Increasing the reliability of reliability diagrams", Weather and Forecasting 22 (2007).
    """
    chance = probabilities("probabilities", probability)
    place, rows = _bin_of(chance, positive_integer("bins", bins)), len(chance)
    draw, draws = generator(0, "report", "calibrated limit"), _draws(rows)
    errors = np.empty(draws)
    for number in range(draws):
        residual = (draw.random(rows) < chance) - chance
        errors[number] = np.abs(np.bincount(place, residual, bins)).sum() / rows
    return float(np.quantile(errors, confidence_level(level)))


def _bin_of(probability: Float[np.ndarray, " rows"], bins: int) -> Int[np.ndarray, " rows"]:
    return np.maximum(np.ceil(probability * bins).astype(int) - 1, 0)


def _draws(rows: int) -> int:
    return int(np.clip(MOST_NUMBERS // rows, FEWEST_DRAWS, MOST_DRAWS))
