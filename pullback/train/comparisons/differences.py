"""Paired differences over shared seeds, with intervals and p-values that hold for all of them at once."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import stats

from pullback.prob.holm import holm
from pullback.prob.interval import Interval


@dataclass(frozen=True)
class Difference:
    r"""Two methods on one problem, or two levels of a factor.

    Attributes
    ----------
    problem, first, second : their names; in a factorial the effect stands for the problem.
    interval : of the mean difference of the scores, first minus second, simultaneous over all pairs.
    p_value, adjusted : of Student's paired test, alone and by Holm's method over all pairs and problems.
    named : whether the difference is told from noise.
    """

    problem: str
    first: str
    second: str
    interval: Interval
    p_value: float
    adjusted: float
    named: bool


def paired_differences(
    scores: Float[np.ndarray, "problems methods seeds"],
    problems: Sequence[str],
    methods: Sequence[str],
    level: float = 0.95,
) -> tuple[Difference, ...]:
    """Every pair of methods on every problem, with intervals and p-values corrected for their number.

    A seed at which one of the two diverged is left out of their mean difference; where fewer than two seeds are left,
    nothing is said of the pair.

    Examples
    --------
    >>> scores = np.array([[[1.0, 1.1, 0.9, 1.0], [2.0, 2.2, 1.9, 2.1]]])
    >>> (found,) = paired_differences(scores, ["digits"], ["adam", "sgd"])
    >>> round(found.interval.value, 3), found.named
    (-1.05, True)
    """
    pairs = [(p, a, b) for p in range(len(problems)) for a, b in itertools.combinations(range(len(methods)), 2)]
    names = [(problems[p], methods[a], methods[b]) for p, a, b in pairs]
    return simultaneous(names, [_paired(scores[p, a], scores[p, b]) for p, a, b in pairs], level)


def simultaneous(
    names: Sequence[tuple[str, str, str]], values: Sequence[Float[np.ndarray, " _"]], level: float
) -> tuple[Difference, ...]:
    """The mean of each row of differences; intervals by Bonferroni's method and p-values by Holm's over all rows.

    Parameters
    ----------
    names : problem, first and second of each.
    values : a difference a seed.
    """
    p_values = np.array([_paired_p(each) for each in values])
    found = []
    for name, each, p_value, adjusted in zip(names, values, p_values, holm(p_values), strict=True):
        interval = _interval(each, 1 - (1 - level) / len(names), level)
        found.append(Difference(*name, interval, float(p_value), float(adjusted), bool(adjusted < 1 - level)))
    return tuple(found)


def better_than_all(
    differences: Sequence[Difference], methods: Sequence[str], problems: int, *, higher_is_better: bool = False
) -> str | None:
    """The method that is better than every other on every problem by a named difference, if there is one."""
    better: dict[str, int] = dict.fromkeys(methods, 0)
    for each in differences:
        if each.named:
            better[each.first if (each.interval.value > 0) == higher_is_better else each.second] += 1
    needed = (len(methods) - 1) * problems
    return next((name for name, count in better.items() if count == needed), None)


def _paired(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Differences at the seeds at which both ended with a number."""
    both = np.isfinite(first) & np.isfinite(second)
    return first[both] - second[both]


def _paired_p(difference: np.ndarray) -> float:
    if len(difference) < 2:
        return math.nan
    spread = difference.std(ddof=1)
    if spread == 0:
        # The same to the last bit is no difference; a constant one would need a reason other than chance.
        return 1.0 if difference.mean() == 0 else 0.0
    return float(2 * stats.t.sf(abs(difference.mean()) / (spread / math.sqrt(len(difference))), len(difference) - 1))


def _interval(difference: np.ndarray, corrected: float, level: float) -> Interval:
    n = len(difference)
    if n < 2:
        return Interval(math.nan, -math.inf, math.inf, level, n, "paired t")
    half = stats.t.ppf((1 + corrected) / 2, n - 1) * difference.std(ddof=1) / math.sqrt(n)
    mean = float(difference.mean())
    return Interval(mean, mean - float(half), mean + float(half), level, n, "paired t, simultaneous")
