"""The calibration error of a run, with what chance alone makes of it."""

from __future__ import annotations

import numpy as np

from pullback.metrics import calibrated_limit, expected_calibration_error
from pullback.metrics import calibration_error as calibration_interval
from pullback.report.number_text import fixed
from pullback.report.outcome import Classification
from pullback.report.reliability import BINS, predicted_event
from pullback.report.run_folder import Estimate
from pullback.report.scores import LEVEL, Score


def calibration_error(outcome: Classification) -> Score:
    """The expected calibration error with its interval, and the value that a calibrated model seldom exceeds."""
    probability, happened = predicted_event(outcome)
    probability = np.clip(probability, 0, 1)
    limit = fixed(calibrated_limit(probability, BINS, LEVEL), 3)
    meaning = (
        f"mean distance of probability and frequency, {BINS} bins; with probability {LEVEL:g} a calibrated model stays "
        f"below {limit} on these rows"
    )
    if len(happened) < 2:
        estimate = Estimate(expected_calibration_error(probability, happened, BINS), n=len(happened))
    else:
        estimate = Estimate.of(calibration_interval(happened, probability, bins=BINS, level=LEVEL))
    return Score("calibration_error", estimate, meaning)
