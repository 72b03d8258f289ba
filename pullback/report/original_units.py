r"""Prepared inputs taken back to the units they were measured in: $x = \mu + \sigma z$ undoes a standardization."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Num

from pullback.report.outcome import Regression
from pullback.report.records import Record, number


def original_units(
    inputs: Num[np.ndarray, "rows features"], preprocessing: Sequence[Record]
) -> tuple[Num[np.ndarray, "rows features"], str]:
    """Inputs before preparation where every step of it can be undone, and words that say which they are.

    Examples
    --------
    >>> steps = [{"kind": "standardize", "mean": [10.0], "scale": [2.0]}]
    >>> original_units(np.array([[1.5]]), steps)
    (array([[13.]]), 'in their original units (the standardization is undone)')
    """
    if not preprocessing:
        return inputs, "as the model received them"
    values = inputs.astype(np.float64)
    for step in reversed(preprocessing):
        mean, scale = (_row(step.get(name), inputs.shape[1]) for name in ("mean", "scale"))
        if step.get("kind") != "standardize" or mean is None or scale is None:
            return inputs, "as the model received them, after preparation"
        values = mean + scale * values
    return values, "in their original units (the standardization is undone)"


def _row(values: object, features: int) -> Num[np.ndarray, " features"] | None:
    try:
        row = np.asarray(values, np.float64).reshape(-1)
    except (TypeError, ValueError):
        return None
    return row if row.shape == (features,) and np.isfinite(row).all() else None


def target_location_and_scale(preprocessing: Sequence[Record]) -> tuple[float, float]:
    r"""Mean and scale by which the target of a table was standardized; (0, 1) if it was not.

    Examples
    --------
    >>> target_location_and_scale([{"kind": "table", "target_mean": 150.0, "target_scale": 75.0}])
    (150.0, 75.0)
    """
    for step in preprocessing:
        if step.get("kind") == "table":
            return number(step, "target_mean") or 0.0, number(step, "target_scale") or 1.0
    return 0.0, 1.0


def in_target_units(outcome: Regression, preprocessing: Sequence[Record]) -> Regression:
    """Predictions and observations in the units in which the target was given."""
    mean, scale = target_location_and_scale(preprocessing)
    return Regression(mean + scale * outcome.predicted, mean + scale * outcome.observed)
