"""The certified values of NIST's linear sets."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pullback.models.linear.least_squares import fit_least_squares

SETS = Path(__file__).parents[2] / "shared" / "data" / "nist" / "linear.json"
NAMES = "norris pontius noint1 noint2 filip wampler1 wampler2 wampler3 wampler4 wampler5 longley".split()
# All sets of one number of columns share a program.
ROWS = 82


def certified(name: str) -> dict[str, Any]:
    if not SETS.exists():
        pytest.skip(f"the certified data sets are not at {SETS}")
    return json.loads(SETS.read_text())[name]


def columns(one: dict[str, Any]) -> np.ndarray:
    """The predictors, or their powers rounded to float64."""
    predictors = np.array([[float(value) for value in row] for row in one["predictors"]])
    degree = re.search(r"polynomial of degree (\d+)", one["model"])
    if degree is None:
        return predictors
    return np.column_stack([predictors[:, 0] ** power for power in range(1, int(degree[1]) + 1)])


def digits(found: np.ndarray, exact: list[str]) -> float:
    """The log relative error of the worst, absolute where the certified value is zero."""
    values = np.array([float(value) for value in exact])
    error = np.abs(found - values) / np.where(values == 0, 1, np.abs(values))
    return float(-np.log10(np.maximum(error.max(), 1e-16)))


@pytest.mark.parametrize("name", NAMES)
def test_certified_digits(name: str) -> None:
    one = certified(name)
    X, y = columns(one), np.array([float(value) for value in one["response"]])
    intercept = "no intercept" not in one["model"]
    missing = ROWS - len(y)
    weight = np.repeat([1.0, 0.0], [len(y), missing])
    found = fit_least_squares(
        np.pad(X, ((0, missing), (0, 0)), mode="edge"),
        np.pad(y, (0, missing), mode="edge"),
        weight,
        fit_intercept=intercept,
    )
    coefficients = np.append(found.intercept, found.coef) if intercept else found.coef
    freedom = len(y) - len(coefficients)
    deviation = np.sqrt(found.residual_sum_of_squares / freedom)
    errors = deviation * np.linalg.norm(found.root, axis=1)
    least = 7 if name == "filip" else 9
    assert digits(coefficients, one["coefficients"]) >= least
    assert digits(errors, one["standard_errors"]) >= least
    assert digits(deviation, [one["residual_standard_deviation"]]) >= least
    total = found.total_sum_of_squares if intercept else np.sum(y**2)
    assert digits(1 - found.residual_sum_of_squares / total, [one["r_squared"]]) >= least
