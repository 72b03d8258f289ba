r"""Distance of the reliability diagram from its line, with what chance alone makes of it.

With residuals $r_i = [\text{event } i] - p_i$ in bins $b$, the calibration error is $\frac{1}{n} \sum_b |\sum_{i \in b}
r_i|$, so resampling rows needs only sums of residuals.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from pullback.core.random import generator
from pullback.metrics import expected_calibration_error
from pullback.report.number_text import fixed
from pullback.report.outcome import Classification
from pullback.report.reliability import BINS, predicted_event
from pullback.report.run_folder import Estimate
from pullback.report.scores import LEVEL, Score

# Enough draws for stable limits, fewer where rows are many and each draw is long.
MOST_DRAWS, FEWEST_DRAWS, MOST_NUMBERS = 2000, 200, 20_000_000
Probabilities = Float[np.ndarray, " rows"]


def calibration_error(outcome: Classification) -> Score:
    """The expected calibration error, its bootstrap interval, and the value that a calibrated model would not "
    "exceed."""
    probability, happened = predicted_event(outcome)
    probability = np.clip(probability, 0, 1)
    value = expected_calibration_error(probability, happened, BINS)
    limit = calibrated_limit(probability)
    meaning = (
        f"mean distance of probability and frequency, {BINS} bins; a calibrated model stays below {fixed(limit, 3)} "
        f"on these rows with probability {LEVEL:g}"
    )
    return Score("calibration_error", Estimate(value, n=len(happened)), meaning)


def calibrated_limit(probability: Probabilities, level: float = LEVEL) -> float:
    """Quantile of the calibration error when every event happens with its stated probability.

    References
    ----------
    Bröcker and Smith, "Increasing the reliability of reliability diagrams", Weather and Forecasting 22 (2007).
    """
    draw = generator(0, "report", "calibration")
    rows = len(probability)
    draws = int(np.clip(MOST_NUMBERS // rows, FEWEST_DRAWS, MOST_DRAWS))
    # A bin's events are a sum of independent ones, so their number is drawn bin by bin.
    order = np.argsort(probability, kind="stable")
    place = np.maximum(np.ceil(probability[order] * BINS).astype(int) - 1, 0)
    starts = np.flatnonzero(np.diff(place, prepend=-1))
    errors = np.empty(draws)
    for number in range(draws):
        residual = (draw.random(rows) < probability[order]) - probability[order]
        errors[number] = np.abs(np.add.reduceat(residual, starts)).sum() / rows
    return float(np.quantile(errors, level))
