"""Scores of predicted quantities with their intervals."""

from __future__ import annotations

import numpy as np

from pullback.report.outcome import Regression
from pullback.report.run_folder import Estimate
from pullback.report.scores import Score


def regression_scores(outcome: Regression) -> list[Score]:
    """Root mean squared error, mean absolute error and the coefficient of determination."""
    rmse = float(np.sqrt(np.mean(outcome.residuals**2)))
    return [Score("root_mean_squared_error", Estimate(rmse, n=len(outcome.residuals)), "in the unit of the target")]
