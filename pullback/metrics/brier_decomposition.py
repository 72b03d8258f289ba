"""What a Brier score is made of: how wrong the probabilities are, how much they tell, how much there was to tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from pullback.core.checks import positive_integer
from pullback.core.errors import ConfigurationError
from pullback.core.random import generator
from pullback.metrics.isotonic_calibration import isotonic_blocks
from pullback.metrics.roc_curve import scored_rows
from pullback.metrics.rows import Vector, probabilities
from pullback.prob import Interval, mean_interval
from pullback.prob.level import confidence_level

RESAMPLES = 1000
Rows = Float[np.ndarray, " rows"]


@dataclass(frozen=True)
class BrierDecomposition:
    """Brier score = miscalibration - discrimination + uncertainty, each with its n and interval.

    Parameters
    ----------
    brier : mean squared error of the probabilities.
    miscalibration : what replacing each probability by the frequency of its group would gain; also "reliability".
    discrimination : what these frequencies gain over the one frequency of all rows; also "resolution".
    uncertainty : the Brier score of that one frequency.
    """

    brier: Interval
    miscalibration: Interval
    discrimination: Interval
    uncertainty: Interval


def brier_decomposition(
    truth: Vector,
    probability: Vector,
    *,
    groups: str | int = "isotonic",
    sample_weight: Vector | None = None,
    positive: Any = None,
    level: float = 0.95,
    seed: int = 0,
) -> BrierDecomposition:
    r"""A Brier score as miscalibration - discrimination + uncertainty.

    $$ B(p) = \big( B(p) - B(r) \big) - \big( B(\bar y) - B(r) \big) + B(\bar y), \qquad
       B(q) = \frac{1}{n} \sum_i w_i (q_i - y_i)^2 $$

    with $r_i$ the frequency of the positive class in the group of row i and $\bar y$ that of all rows.

    Groups are the blocks of the isotonic regression on the probability ("isotonic", which needs no choice), rows of
    equal probability ("distinct", Murphy's decomposition), or a number of bins of equal width.

    The score has Student's interval, the parts the percentiles of 1,000 resamples. Small groups make miscalibration
    and discrimination both look larger than they are, in resamples more than in the rows: the limits of parts that are
    nearly zero lie too high.

    Raises
    ------
    DataError
        as `roc_curve`, and for a probability outside [0, 1].

    Examples
    --------
    >>> found = brier_decomposition([0, 0, 1, 1, 1, 0], [0.2, 0.2, 0.2, 0.7, 0.7, 0.7], groups="distinct")
    >>> [round(part.value, 4) for part in (found.miscalibration, found.discrimination, found.uncertainty)]
    [0.0094, 0.0278, 0.25]
    >>> print(found.brier)
    0.2317 [-0.04483, 0.5082] (95% t, n = 6)

    References
    ----------
    Murphy, "A new vector partition of the probability score", Journal of Applied Meteorology 12 (1973); Dimitriadis,
    Gneiting, Jordan, "Stable reliability diagrams for probabilistic classifiers", PNAS 118 (2021), for the blocks.
    """
    values = probabilities("probabilities", probability)
    is_positive, values, weights = scored_rows(truth, values, sample_weight, positive)
    outcome, split = is_positive.astype(float), _splitter(groups, values)
    parts = _parts(values, outcome, weights, split)
    draws = np.array([_parts(values, outcome, counts, split) for counts in _resampled(weights, seed)])
    tail = (1 - confidence_level(level)) / 2
    limits = np.quantile(draws, [tail, 1 - tail], axis=0)
    n, loss = weights.sum().item(), np.square(values - outcome)
    intervals = [
        Interval(value, min(low, value), max(high, value), level, round(n), "percentile bootstrap")
        for value, low, high in zip(parts, *limits.tolist(), strict=True)
    ]
    return BrierDecomposition(mean_interval(n, float(weights @ loss), float(weights @ loss**2), level), *intervals)


def _splitter(groups: str | int, values: Rows) -> Callable[[Rows, Rows], Rows]:
    """A function of outcomes and weights that gives the frequency of the group of each row."""
    place = np.unique(values, return_inverse=True)[1]
    if groups == "isotonic":

        def frequencies(outcome: Rows, weights: Rows) -> Rows:
            # A place that a resample leaves empty must not weigh anything, but the solver wants a weight.
            return isotonic_blocks(place, outcome, np.maximum(weights, 1e-12))[0][place]

        return frequencies
    if isinstance(groups, int):
        place = np.minimum((values * positive_integer("groups", groups)).astype(int), groups - 1)
    elif groups != "distinct":
        raise ConfigurationError(
            f"unknown groups {groups!r}",
            expected='"isotonic", "distinct" or a number of bins',
            got=repr(groups),
            fix='leave groups out for "isotonic"',
        )
    return lambda outcome, weights: _mean_by(place, outcome, weights)


def _mean_by(place: Int[np.ndarray, " rows"], outcome: Rows, weights: Rows) -> Rows:
    total = np.bincount(place, weights)
    return (np.bincount(place, weights * outcome) / np.where(total > 0, total, 1))[place]


def _parts(values: Rows, outcome: Rows, weights: Rows, split: Callable[[Rows, Rows], Rows]) -> list[float]:
    n = weights.sum()
    share = np.full_like(outcome, weights @ outcome / n)
    own, grouped, overall = (
        float(weights @ np.square(guess - outcome)) / n for guess in (values, split(outcome, weights), share)
    )
    return [float(part) for part in (own - grouped, overall - grouped, overall)]


def _resampled(weights: Rows, seed: int) -> Iterator[Rows]:
    n, random = round(weights.sum()), generator(seed, "brier decomposition")
    return (random.multinomial(n, weights / weights.sum()).astype(float) for _ in range(RESAMPLES))
