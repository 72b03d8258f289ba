"""Precision against recall of a score over all thresholds, and the area under its steps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import expit, logit, ndtri

from pullback.metrics.roc_curve import passed, scored_rows
from pullback.metrics.rows import Vector
from pullback.prob import Interval
from pullback.prob.level import confidence_level


@dataclass(frozen=True, eq=False)
class PrecisionRecallCurve:
    """Precision and recall at every threshold, the highest first.

    Parameters
    ----------
    thresholds : (m,) every distinct score; a row is called positive where its score is at least the threshold.
    precision, recall : (m,).
    prevalence : share of positive rows, the precision of calling every row positive.
    n : number of rows, or the sum of their weights.
    """

    thresholds: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    prevalence: float
    n: float


def precision_recall_curve(
    truth: Vector, score: Vector, *, sample_weight: Vector | None = None, positive: Any = None
) -> PrecisionRecallCurve:
    """Precision and recall for every threshold; arguments and errors are those of `roc_curve`.

    Examples
    --------
    >>> curve = precision_recall_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> curve.thresholds, curve.precision.round(3), curve.recall
    (array([0.8 , 0.4 , 0.35, 0.1 ]), array([1.   , 0.5  , 0.667, 0.5  ]), array([0.5, 0.5, 1. , 1. ]))
    """
    thresholds, true, false = passed(*scored_rows(truth, score, sample_weight, positive))
    called = true[1:] + false[1:]
    n = called[-1].item()
    return PrecisionRecallCurve(thresholds[1:], true[1:] / called, true[1:] / true[-1], true[-1].item() / n, n)


def average_precision(
    truth: Vector,
    score: Vector,
    *,
    sample_weight: Vector | None = None,
    positive: Any = None,
    level: float = 0.95,
) -> Interval:
    r"""Mean precision at the score of a positive row: $A = \frac{1}{W_+} \sum_{i \in P} w_i \, p(s_i)$.

    With $T_i$ and $F_i$ the weight of positive and of negative rows of at least the score $s_i$, $p(s_i) = T_i / (T_i
    + F_i)$: the area under the steps of the precision-recall curve, without interpolation.

    The limits are normal ones of $\log(A / (1 - A))$, with the variance $\sum_j w_j D_j^2$ of the infinitesimal
    jackknife, $D_j$ the derivative of A by the weight of row j:

    $$ D_j = \frac{1}{W_+} \Big( \mathbf{1}[j \in P] \, (p(s_j) - A) \pm \sum_{i \in P, \, s_i \le s_j}
       w_i \, \frac{F_i \text{ if } j \in P, \; T_i \text{ if not}}{(T_i + F_i)^2} \Big) $$

    with + for a positive row. Where that is zero, in an average precision of exactly 1, they are 0 and 1.

    Arguments and errors are those of `roc_curve`.

    Examples
    --------
    >>> print(average_precision([0, 0, 1, 1, 1, 0], [0.1, 0.4, 0.35, 0.8, 0.7, 0.2]))
    0.9167 [0.4633, 0.9929] (95% delta, n = 6)

    References
    ----------
    Efron, "The jackknife, the bootstrap and other resampling plans" (1982), chapter 6.
    """
    is_positive, values, weights = scored_rows(truth, score, sample_weight, positive)
    area, derivative = _area_and_derivative(is_positive, values, weights)
    n, spread = round(weights.sum()), math.sqrt((weights * derivative**2).sum())
    if area >= 1 or not spread:
        return Interval(area, 0.0, 1.0, confidence_level(level), n, "delta")
    half_width = float(ndtri((1 + confidence_level(level)) / 2)) * spread / (area * (1 - area))
    lower, upper = expit(logit(area) + np.array([-half_width, half_width])).tolist()
    return Interval(area, lower, upper, level, n, "delta")


def _area_and_derivative(
    positive: Bool[np.ndarray, " rows"], score: Float[np.ndarray, " rows"], weights: Float[np.ndarray, " rows"]
) -> tuple[float, Float[np.ndarray, " rows"]]:
    thresholds, true, false = (counts[1:] for counts in passed(positive, score, weights))
    precision, steps = true / (true + false), np.diff(true, prepend=0.0)
    area = (steps @ precision / true[-1]).item()
    place = np.searchsorted(-thresholds, -score)
    # What a little more weight at a threshold does to the precision there and at all lower ones.
    helps, hurts = (np.cumsum((steps * part / (true + false) ** 2)[::-1])[::-1][place] for part in (false, true))
    return area, np.where(positive, precision[place] - area + helps, -hurts) / true[-1]
