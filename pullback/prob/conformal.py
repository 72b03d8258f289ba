r"""Split conformal prediction: intervals and sets that cover with a stated probability, whatever the model.

A score $s(x, y)$ says how badly the label $y$ suits the prediction at $x$. Its values $s_1, \dots, s_n$ on calibration
rows that the model has not seen are exchangeable with the score of a new row. With

$$ k = \lceil (n + 1) \, \text{level} \rceil, \qquad \hat q = s_{(k)} \text{ (the k-th smallest; } \infty
   \text{ if } k > n), \qquad C(x) = \{ y : s(x, y) \le \hat q \} $$

$P(Y \in C(X)) \ge \text{level}$, and at most $\text{level} + 1/(n+1)$ where scores do not tie: over the draw of the
calibration rows and the new row together. Given the calibration rows the coverage follows a beta distribution.

Sources: Vovk, Gammerman, Shafer, "Algorithmic Learning in a Random World" (2005); Lei, G'Sell, Rinaldo, Tibshirani,
Wasserman, "Distribution-free predictive inference for regression", JASA 113 (2018); Sadinle, Lei, Wasserman, "Least
ambiguous set-valued classifiers with bounded error levels", JASA 114 (2019); Romano, Sesia, Candes, "Classification
with valid and adaptive coverage", NeurIPS (2020).
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from jaxtyping import Bool, Float, Int, Real

from pullback.core.checks import positive_integer
from pullback.core.errors import DataError
from pullback.prob.level import confidence_level

Probabilities = Real[np.ndarray, "rows classes"]
Labels = Int[np.ndarray, " rows"]
Scores = Float[np.ndarray, " rows"]
Sets = Bool[np.ndarray, "rows classes"]


def conformal_rank(n: int, level: float) -> int:
    r"""Rank $k = \lceil (n + 1) \, \text{level} \rceil$ of the score that bounds the set; $n + 1$ means no bound.

    The level is taken as the decimal number that is printed, so that rounding never moves the rank: 99 rows and 0.55
    give 55, although 100 * 0.55 is a little more than 55 in floating point.

    Examples
    --------
    >>> conformal_rank(99, 0.9), conformal_rank(99, 0.55), conformal_rank(8, 0.9)
    (90, 55, 9)
    """
    positive_integer("n", n)
    return math.ceil((n + 1) * Fraction(repr(float(confidence_level(level)))))


def fewest_rows(level: float) -> int:
    r"""The smallest n that gives a finite bound, $\lceil \text{level} / (1 - \text{level}) \rceil$.

    It is the first n with $\lceil (n + 1) \, \text{level} \rceil \le n$; the level is taken as the decimal number
    that is printed.

    Examples
    --------
    >>> [fewest_rows(level) for level in (0.8, 0.9, 0.99)]
    [4, 9, 99]
    """
    exact = Fraction(repr(float(confidence_level(level))))
    return math.ceil(exact / (1 - exact))


def conformal_quantile(scores: np.ndarray, level: float) -> float:
    r"""The bound $\hat q$ on the score, from the scores of n calibration rows.

    Infinite if n is too small for the level: then the interval is the whole line and the set holds every class. The
    smallest n with a finite bound is the first with $n \ge \text{level} / (1 - \text{level})$.

    Raises
    ------
    DataError
        if there are no scores, or one is not a number.

    Examples
    --------
    >>> conformal_quantile(np.array([0.3, 0.1, 0.2, 0.4]), 0.8), conformal_quantile(np.array([0.3, 0.1]), 0.8)
    (0.4, inf)
    """
    values = np.asarray(scores, np.float64)
    if values.ndim != 1 or not values.size or np.isnan(values).any():
        raise DataError(
            "these scores cannot calibrate a prediction",
            expected="one number a calibration row, at least one row",
            got=f"shape {values.shape}, {int(np.isnan(values).sum())} not a number",
            fix="compute the scores on calibration rows with finite predictions",
        )
    rank = conformal_rank(len(values), level)
    return math.inf if rank > len(values) else float(np.partition(values, rank - 1)[rank - 1])


def coverage_distribution(n: int, level: float) -> tuple[int, int]:
    r"""Parameters (a, b) of the beta distribution that coverage follows over draws of n calibration rows.

    $$ P(Y \in C(X) \mid \text{calibration}) \sim \mathrm{Beta}(k, n + 1 - k) $$

    for scores that do not tie; its mean is $k / (n + 1) \ge \text{level}$. With $k > n$ coverage is 1 and b is 0.

    Examples
    --------
    >>> coverage_distribution(99, 0.9)
    (90, 10)

    References
    ----------
    Vovk, "Conditional validity of inductive conformal predictors", ACML (2012).
    """
    rank = conformal_rank(n, level)
    return rank, n + 1 - rank


def absolute_residual(
    prediction: np.ndarray, target: np.ndarray, scale: np.ndarray | None = None
) -> Float[np.ndarray, "*shape"]:
    r"""Score $|y - \hat f(x)|$, or $|y - \hat f(x)| / \hat\sigma(x)$ with a positive `scale` for each row.

    Examples
    --------
    >>> absolute_residual(np.array([1.0, 2.0]), np.array([1.5, 0.0]))
    array([0.5, 2. ])
    """
    predicted, observed = np.asarray(prediction, np.float64), np.asarray(target, np.float64)
    if predicted.shape != observed.shape:
        raise DataError(
            "predictions and targets differ in shape",
            expected=f"{observed.shape}",
            got=f"{predicted.shape}",
            fix="pass one prediction a target",
        )
    residual = np.abs(observed - predicted)
    return residual if scale is None else residual / _positive(scale)


def residual_interval(
    prediction: np.ndarray, quantile: float, scale: np.ndarray | None = None
) -> tuple[Float[np.ndarray, "*shape"], Float[np.ndarray, "*shape"]]:
    r"""Interval $\hat f(x) \mp \hat q$, or $\hat f(x) \mp \hat q \, \hat\sigma(x)$: the y of small residual score.

    Examples
    --------
    >>> lower, upper = residual_interval(np.array([1.0, 2.0]), 0.5, scale=np.array([1.0, 3.0]))
    >>> lower.tolist(), upper.tolist()
    ([0.5, 0.5], [1.5, 3.5])
    """
    center = np.asarray(prediction, np.float64)
    half_width = quantile if scale is None else quantile * _positive(scale)
    return center - half_width, center + half_width


def least_ambiguous_score(probabilities: Probabilities, labels: Labels) -> Scores:
    r"""Score $1 - \hat p_y(x)$, whose sets are the smallest on average if the probabilities are right.

    Examples
    --------
    >>> least_ambiguous_score(np.array([[0.75, 0.25], [0.5, 0.5]]), np.array([0, 1]))
    array([0.25, 0.5 ])
    """
    return np.take_along_axis(_least_ambiguous_scores(probabilities), labels[:, None], axis=1)[:, 0]


def least_ambiguous_set(probabilities: Probabilities, quantile: float, allow_empty: bool = False) -> Sets:
    r"""Classes with $1 - \hat p_k(x) \le \hat q$, True where a class belongs to the set.

    A row none of whose classes is likely enough has an empty set; unless `allow_empty`, it gets its most probable
    class, which can only raise the coverage.

    Examples
    --------
    >>> least_ambiguous_set(np.array([[0.7, 0.2, 0.1], [0.4, 0.35, 0.25]]), 0.6).tolist()
    [[True, False, False], [True, False, False]]
    """
    return _filled(_least_ambiguous_scores(probabilities) <= quantile, probabilities, allow_empty)


def adaptive_score(probabilities: Probabilities, labels: Labels, uniform: np.ndarray | None = None) -> Scores:
    r"""Score $\sum_{j : \hat p_j \ge \hat p_y} \hat p_j(x) - u \, \hat p_y(x)$, whose sets grow where rows are hard.

    Parameters
    ----------
    uniform : one independent number $u$ in [0, 1) a row makes the coverage exact; without it $u = 0$, which covers
        more than the level asks for. The set of a row takes the same number as its score.

    Examples
    --------
    >>> adaptive_score(np.array([[0.5, 0.375, 0.125]]), np.array([1]))
    array([0.875])
    """
    return np.take_along_axis(_adaptive_scores(probabilities, uniform), labels[:, None], axis=1)[:, 0]


def adaptive_set(
    probabilities: Probabilities, quantile: float, uniform: np.ndarray | None = None, allow_empty: bool = False
) -> Sets:
    r"""Classes whose adaptive score is at most $\hat q$: the most probable ones until their sum reaches it.

    Examples
    --------
    >>> adaptive_set(np.array([[0.5, 0.375, 0.125]]), 0.9).tolist()
    [[True, True, False]]
    """
    return _filled(_adaptive_scores(probabilities, uniform) <= quantile, probabilities, allow_empty)


def _least_ambiguous_scores(probabilities: Probabilities) -> Float[np.ndarray, "rows classes"]:
    return 1 - np.asarray(probabilities, np.float64)


def _adaptive_scores(probabilities: Probabilities, uniform: np.ndarray | None) -> Float[np.ndarray, "rows classes"]:
    values = np.asarray(probabilities, np.float64)
    order = np.argsort(-values, axis=1, kind="stable")
    scores = np.empty_like(values)
    np.put_along_axis(scores, order, np.cumsum(np.take_along_axis(values, order, axis=1), axis=1), axis=1)
    return scores if uniform is None else scores - np.asarray(uniform, np.float64)[:, None] * values


def _filled(sets: Sets, probabilities: Probabilities, allow_empty: bool) -> Sets:
    if not allow_empty:
        sets[np.arange(len(sets)), np.argmax(probabilities, axis=1)] |= ~sets.any(axis=1)
    return sets


def _positive(scale: np.ndarray) -> Float[np.ndarray, "*shape"]:
    values = np.asarray(scale, np.float64)
    if not (values > 0).all():
        raise DataError(
            "a scale of the residuals is not positive",
            expected="numbers > 0",
            got=f"smallest {values.min()}",
            fix="bound the scale from below",
        )
    return values
