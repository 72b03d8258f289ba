r"""Distance of the reliability diagram from its line, with what chance alone makes of it.

With residuals $r_i = [\text{event } i] - p_i$ in bins $b$, the calibration error is $\frac{1}{n} \sum_b |\sum_{i \in b}
r_i|$, so resampling rows needs only sums of residuals.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int

from pullback.core.random import generator
from pullback.metrics import expected_calibration_error
from pullback.prob import bootstrap_interval
from pullback.report.number_text import fixed
from pullback.report.outcome import Classification
from pullback.report.reliability import BINS, predicted_event
from pullback.report.run_folder import Estimate
from pullback.report.scores import LEVEL, Score

# Enough draws for stable limits, fewer where rows are many and each draw is long.
MOST_DRAWS, FEWEST_DRAWS, MOST_NUMBERS = 2000, 200, 20_000_000
# BCa leaves out each row in turn, which takes the square of their number.
MOST_LEFT_OUT = 5000
Probabilities = Float[np.ndarray, " rows"]
Events = Bool[np.ndarray, " rows"]


def calibration_error(outcome: Classification) -> Score:
    """The expected calibration error with its interval, and the value that a calibrated model seldom exceeds."""
    probability, happened = predicted_event(outcome)
    probability = np.clip(probability, 0, 1)
    limit = fixed(calibrated_limit(probability), 3)
    meaning = (
        f"mean distance of probability and frequency, {BINS} bins; with probability {LEVEL:g} a calibrated model stays "
        f"below {limit} on these rows"
    )
    return Score("calibration_error", calibration_estimate(probability, happened), meaning)


def calibration_estimate(probability: Probabilities, happened: Events, level: float = LEVEL) -> Estimate:
    """Expected calibration error with bootstrap limits.

    The error of resampled rows is larger than that of the rows, as theirs is larger than the model's; BCa corrects for
    it. The limits do not reach zero, so compare a small error with `calibrated_limit`.
    """
    rows = len(probability)
    if rows < 2:
        return Estimate(expected_calibration_error(probability, happened, BINS), n=rows)
    interval = bootstrap_interval(
        happened - probability,
        _bin_of(probability),
        statistic=lambda residual, place: np.abs(np.bincount(place, residual, BINS)).sum() / len(residual),
        level=level,
        resamples=_draws(rows),
        method="bca" if rows <= MOST_LEFT_OUT else "percentile",
    )
    return Estimate.of(interval)


def calibrated_limit(probability: Probabilities, level: float = LEVEL) -> float:
    """Quantile of the calibration error when every event happens with its stated probability.

    References
    ----------
    Bröcker and Smith, "Increasing the reliability of reliability diagrams", Weather and Forecasting 22 (2007).
    """
    place, rows = _bin_of(probability), len(probability)
    draw, draws = generator(0, "report", "calibrated limit"), _draws(rows)
    errors = np.empty(draws)
    for number in range(draws):
        residual = (draw.random(rows) < probability) - probability
        errors[number] = np.abs(np.bincount(place, residual, BINS)).sum() / rows
    return float(np.quantile(errors, level))


def _bin_of(probability: Probabilities) -> Int[np.ndarray, " rows"]:
    return np.maximum(np.ceil(probability * BINS).astype(int) - 1, 0)


def _draws(rows: int) -> int:
    return int(np.clip(MOST_NUMBERS // rows, FEWEST_DRAWS, MOST_DRAWS))
