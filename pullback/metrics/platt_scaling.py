"""Probabilities from any score by a logistic curve in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import expit

from pullback.core.errors import ConvergenceError, DataError
from pullback.metrics.roc_curve import scored_rows
from pullback.metrics.rows import Vector, finite_numbers

MOST_STEPS = 100
SHORTEST_STEP = 2.0**-40


@dataclass(frozen=True, eq=False)
class PlattScaling:
    r"""$p(s) = \sigma(a s + b)$, made by `fit_platt_scaling`.

    Parameters
    ----------
    slope, intercept : a and b; a slope below zero turns the order of the scores round.
    covariance : (2, 2) of slope and intercept, the inverse Fisher information; without regard to smoothed targets.
    n : rows it was fitted to, or the sum of their weights.
    """

    slope: float
    intercept: float
    covariance: np.ndarray
    n: float

    def __call__(self, score: Vector) -> Float[np.ndarray, " rows"]:
        """Probability of the positive class, (n,)."""
        return expit(self.slope * finite_numbers("scores", score) + self.intercept)


def fit_platt_scaling(
    truth: Vector,
    score: Vector,
    *,
    sample_weight: Vector | None = None,
    positive: Any = None,
    smooth_targets: bool = True,
) -> PlattScaling:
    r"""The logistic curve of greatest likelihood, $\max_{a, b} \sum_i w_i (t_i \log p_i + (1 - t_i) \log(1 - p_i))$.

    Platt's targets are those of a uniform prior, $t_i = (n_+ + 1) / (n_+ + 2)$ for positive and $1 / (n_- + 2)$ for
    negative rows: they keep the curve finite where the scores separate the classes. `smooth_targets=False` takes 1 and
    0, the logistic regression on the score.

    Newton's method, the step halved until the likelihood grows. Use scores of rows that the model was not fitted to.

    Parameters
    ----------
    truth, score, sample_weight, positive : as for `roc_curve`.

    Raises
    ------
    DataError
        as `roc_curve`; for scores that are all equal; for separated classes without smoothed targets.

    Examples
    --------
    >>> curve = fit_platt_scaling([0, 0, 1, 0, 1, 1], [-2.0, -1.0, -0.5, 0.5, 1.0, 2.0])
    >>> curve([-1.0, 0.0, 1.0]).round(4)
    array([0.3474, 0.5   , 0.6526])

    References
    ----------
    Platt, "Probabilistic outputs for support vector machines", in Advances in Large Margin Classifiers (2000); Lin,
    Lin, Weng, "A note on Platt's probabilistic outputs for support vector machines", Machine Learning 68 (2007).
    """
    is_positive, values, weights = scored_rows(truth, score, sample_weight, positive)
    center, scale = _center_and_scale(values, weights)
    targets = is_positive.astype(float)
    if smooth_targets:
        positives, negatives = weights[is_positive].sum(), weights[~is_positive].sum()
        targets = np.where(is_positive, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    else:
        _check_overlap(values, is_positive)
    design = np.stack([(values - center) / scale, np.ones(len(values))], axis=1)
    coefficients, information = _newton(design, targets, weights)
    back = np.array([[1 / scale, 0.0], [-center / scale, 1.0]])
    slope, intercept = (back @ coefficients).tolist()
    return PlattScaling(slope, intercept, back @ np.linalg.inv(information) @ back.T, weights.sum().item())


def _newton(
    design: Float[np.ndarray, "rows 2"], targets: Float[np.ndarray, " rows"], weights: Float[np.ndarray, " rows"]
) -> tuple[Float[np.ndarray, " 2"], Float[np.ndarray, "2 2"]]:
    share = np.average(targets, weights=weights)
    coefficients = np.array([0.0, np.log(share / (1 - share))])
    for _ in range(MOST_STEPS):
        logits = design @ coefficients
        probability = expit(logits)
        gradient = design.T @ (weights * (probability - targets))
        information = (design.T * (weights * probability * (1 - probability))) @ design
        step = np.linalg.solve(information, gradient)
        # Half the square of Newton's decrement is what the likelihood can still gain.
        gain = float(gradient @ step)
        if gain < 1e-20 * weights.sum():
            return coefficients, information
        length, loss = 1.0, _loss(logits, targets, weights)
        while _loss(design @ (coefficients - length * step), targets, weights) > loss - 1e-4 * length * gain:
            length /= 2
            if length < SHORTEST_STEP:
                return coefficients, information
        coefficients = coefficients - length * step
    raise ConvergenceError(
        "the logistic curve did not settle",
        expected=f"at most {MOST_STEPS} steps of Newton's method",
        got=f"slope {coefficients[0]:.4g} and still moving",
        fix="use smooth_targets=True",
    )


def _loss(
    logits: Float[np.ndarray, " rows"], targets: Float[np.ndarray, " rows"], weights: Float[np.ndarray, " rows"]
) -> float:
    return float(weights @ (np.logaddexp(0, logits) - targets * logits))


def _center_and_scale(values: Float[np.ndarray, " rows"], weights: Float[np.ndarray, " rows"]) -> tuple[float, float]:
    center = np.average(values, weights=weights)
    scale = np.sqrt(np.average(np.square(values - center), weights=weights))
    if values.min() == values.max():
        raise DataError(
            "the scores are all equal",
            expected="scores that differ from row to row",
            got=f"{values[0]} in every row",
            fix="pass decision values or log odds, not predicted classes",
        )
    return float(center), float(scale)


def _check_overlap(score: Float[np.ndarray, " rows"], positive: Bool[np.ndarray, " rows"]) -> None:
    yes, no = score[positive], score[~positive]
    if yes.min() >= no.max() or yes.max() <= no.min():
        raise DataError(
            "the scores separate the classes, so the likelihood grows for ever with the slope",
            expected="a positive row scored below a negative one, and one above",
            got=f"positive rows in {yes.min():.6g} .. {yes.max():.6g}, others in {no.min():.6g} .. {no.max():.6g}",
            fix="use smooth_targets=True, or more rows",
        )
