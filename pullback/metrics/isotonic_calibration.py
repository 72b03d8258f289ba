"""Probabilities from any score by the best rising curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.optimize import isotonic_regression

from pullback.metrics.roc_curve import scored_rows
from pullback.metrics.rows import Vector, finite_numbers


@dataclass(frozen=True, eq=False)
class IsotonicCalibration:
    """A rising curve through points, straight between them and level beyond; made by `fit_isotonic_calibration`.

    Parameters
    ----------
    scores : (m,) rising; the two ends of every level stretch.
    probabilities : (m,) in [0, 1], not falling.
    n : rows it was fitted to, or the sum of their weights.
    """

    scores: np.ndarray
    probabilities: np.ndarray
    n: float

    def __call__(self, score: Vector) -> Float[np.ndarray, " rows"]:
        """Probability of the positive class, (n,)."""
        return np.interp(finite_numbers("scores", score), self.scores, self.probabilities)


def fit_isotonic_calibration(
    truth: Vector, score: Vector, *, sample_weight: Vector | None = None, positive: Any = None
) -> IsotonicCalibration:
    r"""$\min_f \sum_i w_i (y_i - f(s_i))^2$ over all functions that do not fall, by pooling adjacent violators.

    Rows of equal score share one value. It needs no shape but order, and more rows than a logistic curve: below about a
    thousand it follows the noise (Niculescu-Mizil and Caruana, ICML 2005).

    Arguments and errors are those of `roc_curve`.

    Examples
    --------
    >>> curve = fit_isotonic_calibration([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4])
    >>> curve([0.0, 0.2, 0.25, 0.3, 0.35, 0.9])
    array([0.  , 0.5 , 0.5 , 0.5 , 0.75, 1.  ])

    References
    ----------
    Zadrozny and Elkan, "Transforming classifier scores into accurate multiclass probability estimates", KDD 2002;
    Busing, "Monotone regression: a simple and fast O(n) PAVA implementation", Journal of Statistical Software 102
    (2022), for the algorithm that SciPy runs.
    """
    is_positive, values, weights = scored_rows(truth, score, sample_weight, positive)
    places, row_place = np.unique(values, return_inverse=True)
    heights, _, starts = isotonic_blocks(row_place, is_positive.astype(float), weights)
    ends = np.unique(np.concatenate([starts[:-1], starts[1:] - 1]))
    return IsotonicCalibration(places[ends], heights[ends], weights.sum().item())


def isotonic_blocks(
    place: np.ndarray, outcome: Float[np.ndarray, " rows"], weights: Float[np.ndarray, " rows"]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fitted height and weight at each place 0 .. m - 1, and where the pooled blocks start, m at the end."""
    weight = np.bincount(place, weights)
    mean = np.bincount(place, weights * outcome) / weight
    found = isotonic_regression(mean, weights=weight)
    return np.clip(found.x, 0, 1), weight, found.blocks
