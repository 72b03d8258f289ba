"""What the residuals say beyond their mean square."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.stats import spearmanr

from pullback.prob import mean_interval
from pullback.report.findings.finding import Finding
from pullback.report.number_text import decimals_for, fixed, number_text, percent_text, range_text
from pullback.report.outcome import Regression

LEVEL = 0.95
FEWEST_ROWS = 8


def regression_findings(outcome: Regression) -> list[Finding]:
    """Findings about held-out rows: the constant answer, bias, growing spread; each output by itself."""
    outputs = outcome.predicted.shape[1]
    found = []
    for output in range(outputs):
        suffix = "" if outputs == 1 else f" of output {output}"
        predicted, observed = outcome.predicted[:, output], outcome.observed[:, output]
        found += [_constant_answer(predicted, observed, suffix)]
        if len(predicted) >= FEWEST_ROWS:
            found += [_bias(observed - predicted, suffix), _spread(predicted, observed - predicted, suffix)]
    return found


def _constant_answer(
    predicted: Float[np.ndarray, " rows"], observed: Float[np.ndarray, " rows"], suffix: str
) -> Finding:
    error = float(np.sqrt(np.mean((observed - predicted) ** 2)))
    constant = float(observed.std())
    better = error < constant
    share = f", {percent_text(1 - error / constant, 0)} less" if better and constant else ""
    return Finding(
        f"Against the best constant answer{suffix}",
        f"Always answering the mean of these rows, {number_text(float(observed.mean()))}, has a root mean squared "
        "error of "
        f"{number_text(constant)}; the model has {number_text(error)}{share}.",
        caution=not better,
    )


def _bias(residuals: Float[np.ndarray, " rows"], suffix: str) -> Finding:
    interval = mean_interval(len(residuals), float(residuals.sum()), float(np.sum(residuals**2)), LEVEL)
    decimals = decimals_for(interval.value, (interval.upper - interval.lower) / 2)
    limits = f"{percent_text(LEVEL, 0)} interval {range_text(interval.lower, interval.upper, decimals)}"
    numbers = f"Observed minus predicted is {fixed(interval.value, decimals)} on average, {limits}"
    if 0 in interval:
        return Finding(f"No bias can be seen{suffix}", f"{numbers}, which includes zero.")
    return Finding(
        f"Predictions{suffix} are too {'low' if interval.value > 0 else 'high'} on average", f"{numbers}.", caution=True
    )


def _spread(predicted: Float[np.ndarray, " rows"], residuals: Float[np.ndarray, " rows"], suffix: str) -> Finding:
    if np.ptp(predicted) == 0 or np.ptp(residuals) == 0:
        return Finding(f"Predictions or residuals{suffix} do not vary", "The spread cannot be judged.", caution=True)
    correlation, chance = np.asarray(spearmanr(predicted, np.abs(residuals - np.median(residuals)))).tolist()
    text = f"The rank correlation of predicted value and size of the residual is {fixed(correlation, 2)}"
    if chance >= 1 - LEVEL:
        return Finding(f"The spread of the residuals{suffix} is even", f"{text}, within what chance gives.")
    direction = "grows" if correlation > 0 else "shrinks"
    return Finding(
        f"The spread of the residuals{suffix} {direction} with the prediction",
        f"{text}: one error bar for all rows would mislead; a transformed target may help.",
        caution=True,
    )
