"""Probabilities of a network made less sure of themselves, or surer, by one number."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp, ndtri, softmax

from pullback.core.errors import DataError
from pullback.metrics.rows import Vector, class_indices, class_labels, finite_rows, row_weights, same_length
from pullback.prob import Interval
from pullback.prob.level import confidence_level

MOST_STEPS = 200


@dataclass(frozen=True)
class TemperatureScaling:
    r"""$p = \operatorname{softmax}(z / T)$, made by `fit_temperature_scaling`.

    Above 1 the temperature makes probabilities more even; it never changes which class is the likeliest.

    Parameters
    ----------
    temperature : T with its interval, a normal one of $\log T$ from the observed information.
    loss_before, loss_after : mean cross entropy at T = 1 and at T on the rows it was fitted to, in nats.
    """

    temperature: Interval
    loss_before: float
    loss_after: float

    def __call__(self, logits: Any) -> Float[np.ndarray, "rows classes"]:
        """Probabilities (n, K) of logits (n, K); (n, 2) of one logit a row, (n,) or (n, 1)."""
        return softmax(_as_classes(logits) / self.temperature.value, axis=1)


def fit_temperature_scaling(
    truth: Vector, logits: Any, *, sample_weight: Vector | None = None, level: float = 0.95
) -> TemperatureScaling:
    r"""The temperature of least cross entropy, $\min_T \sum_i w_i (\log \sum_k e^{z_{ik} / T} - z_{i y_i} / T)$.

    The sum is convex in $\beta = 1 / T$, with derivatives $\sum_i w_i (\bar z_i - z_{i y_i})$ and $\sum_i w_i
    \operatorname{var}_i(z)$, mean and variance over the classes under $p_i$; Newton's method, kept between bounds that
    shrink. Use logits of rows that the network was not trained on.

    Parameters
    ----------
    truth : (n,) class indices 0 .. K - 1.
    logits : (n, K), of a network or the logarithm of probabilities; (n,) or (n, 1) for two classes.
    sample_weight : (n,) how many rows each row stands for.

    Raises
    ------
    DataError
        with row and value, for a label that is no class index or a logit that is not finite; if every true class has
        the largest logit, where the best temperature is zero; if the logits say no more of the classes than chance,
        where it is infinite.

    Examples
    --------
    >>> logits = np.log([[0.9, 0.1]] * 8 + [[0.1, 0.9]] * 2)
    >>> scaling = fit_temperature_scaling([0, 0, 0, 0, 0, 0, 1, 1, 1, 0], logits)
    >>> print(scaling.temperature, scaling(logits[:1]).round(3))
    2.593 [0.5255, 12.8] (95% delta, n = 10) [[0.7 0.3]]

    References
    ----------
    Guo, Pleiss, Sun, Weinberger, "On calibration of modern neural networks", ICML 2017.
    """
    z = _as_classes(logits)
    labels = class_labels("labels", truth)
    same_length("labels", labels, "logits", z)
    own = class_indices("labels", labels, range(z.shape[1])).astype(np.int64)
    weights = row_weights(sample_weight, len(z))
    z = z - np.take_along_axis(z, own[:, None], axis=1)
    _check_finite_optimum(z[weights > 0], weights[weights > 0])
    beta = _least(z, weights)
    information = _derivatives(z, weights, beta)[1] * beta**2
    n, temperature = weights.sum(), 1 / beta
    spread = math.exp(float(ndtri((1 + confidence_level(level)) / 2)) / math.sqrt(information))
    interval = Interval(temperature, temperature / spread, temperature * spread, level, round(n), "delta")
    before, after = (float(weights @ logsumexp(factor * z, axis=1)) / n for factor in (1.0, beta))
    return TemperatureScaling(interval, before, after)


def _derivatives(
    z: Float[np.ndarray, "rows classes"], weights: Float[np.ndarray, " rows"], beta: float
) -> tuple[float, float]:
    probability = softmax(beta * z, axis=1)
    mean = (probability * z).sum(1)
    variance = (probability * np.square(z - mean[:, None])).sum(1)
    return float(weights @ mean), float(weights @ variance)


def _least(z: Float[np.ndarray, "rows classes"], weights: Float[np.ndarray, " rows"]) -> float:
    low, high = 0.0, 1.0
    while _derivatives(z, weights, high)[0] < 0:
        low, high = high, 2 * high
    beta = high
    for _ in range(MOST_STEPS):
        slope, curvature = _derivatives(z, weights, beta)
        low, high = (beta, high) if slope < 0 else (low, beta)
        step = slope / curvature if curvature > 0 else math.inf
        following = beta - step if low < beta - step < high else (low + high) / 2
        if abs(following - beta) <= 4e-16 * beta:
            return following
        beta = following
    return beta


def _check_finite_optimum(z: Float[np.ndarray, "rows classes"], weights: Float[np.ndarray, " rows"]) -> None:
    """The logits are differences from the one of the true class."""
    if (z <= 0).all():
        raise DataError(
            "the true class has the largest logit in every row, so the best temperature is zero",
            expected="rows of which some are predicted wrongly",
            got=f"{len(z)} rows, all right",
            fix="calibrate on more rows, and on rows that the network was not trained on",
        )
    if _derivatives(z, weights, 0.0)[0] >= 0:
        raise DataError(
            "the logits say no more of the classes than chance, so the best temperature is infinite",
            expected="true classes with larger logits than the mean over all classes",
            got=f"{-weights @ z.mean(1) / weights.sum():.4g} above it on average",
            fix="check that labels and logits belong to the same rows and number the classes alike",
        )


def _as_classes(logits: Any) -> Float[np.ndarray, "rows classes"]:
    values = np.asarray(logits)
    columns = finite_rows("logits", values[:, None] if values.ndim == 1 else values)
    return np.concatenate([np.zeros_like(columns), columns], axis=1) if columns.shape[1] == 1 else columns
