"""Scores of predicted quantities with their intervals."""

from __future__ import annotations

import numpy as np

from pullback.metrics import AbsoluteError, RootMeanSquaredError, RSquared
from pullback.report.number_text import number_text
from pullback.report.outcome import Regression
from pullback.report.scores import Score, estimates


def regression_scores(outcome: Regression) -> list[Score]:
    """Root mean squared error, mean absolute error, and the share of variance explained of each output."""
    predicted, observed = outcome.predicted.astype(np.float32), outcome.observed.astype(np.float32)
    outputs = predicted.shape[1]
    found = estimates((RootMeanSquaredError(), AbsoluteError()), predicted, observed)
    deviation = number_text(float(outcome.observed.std(axis=0).mean()))
    unit = f"in the unit of the target, whose standard deviation is {deviation}"
    scores = [
        Score("root_mean_squared_error", found["root_mean_squared_error"], unit),
        Score("absolute_error", found["absolute_error"], "in the unit of the target"),
    ]
    for output in range(outputs):
        name = "r_squared" if outputs == 1 else f"r_squared_of_output_{output}"
        column = slice(output, output + 1)
        explained = estimates((RSquared(),), predicted[:, column], observed[:, column])["r_squared"]
        scores.append(Score(name, explained, "share of the variance that is explained", explained.value > 0))
    return scores
