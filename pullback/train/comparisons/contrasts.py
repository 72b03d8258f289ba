"""Effects of a factorial as differences with intervals: level against level, and how another factor changes them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from pullback.train.comparisons.differences import Difference, simultaneous

JOINED = " x "


def contrasts(
    scores: Float[np.ndarray, "*levels seeds"], factors: Mapping[str, Sequence[str]], level: float = 0.95
) -> tuple[Difference, ...]:
    r"""Differences of the marginal means of every two levels of each factor, and of these differences.

    $$ d_s = \bar y_{a' \cdot s} - \bar y_{a \cdot s}, \qquad
       e_s = (\bar y_{a' b' s} - \bar y_{a b' s}) - (\bar y_{a' b s} - \bar y_{a b s}) $$

    with seeds $s$ paired. Interactions are taken against the first level of both factors, which spans them all. The
    intervals hold for all of them at once, the p-values are corrected for their number.

    Parameters
    ----------
    scores : $y$, one axis a factor with two levels or more, in the order of `factors`, and the seeds last; finite.
    factors : the names of the levels by the name of the factor.

    Examples
    --------
    >>> scores = np.array([[[1.0, 1.2, 1.1], [2.0, 2.1, 2.0]], [[3.0, 3.3, 3.1], [4.1, 4.0, 4.2]]])
    >>> found = contrasts(scores, {"width": ["8", "64"], "rate": ["0.1", "0.3"]})
    >>> [(each.problem, each.first, each.second, round(each.interval.value, 2)) for each in found[:2]]
    [('width', '64', '8', 2.05), ('rate', '0.3', '0.1', 0.95)]
    >>> found[2].problem, found[2].first, found[2].second
    ('width x rate', '64 less 8 at rate 0.3', 'at rate 0.1')
    """
    names, values = list[tuple[str, str, str]](), list[np.ndarray]()
    for axis, (factor, levels) in enumerate(factors.items()):
        means = _means(scores, (axis,))
        for a, b in itertools.combinations(range(len(levels)), 2):
            names.append((factor, levels[b], levels[a]))
            values.append(means[b] - means[a])
    for one, other in itertools.combinations(range(len(factors)), 2):
        means = _means(scores, (one, other))
        (first, rows), (second, columns) = (list(factors.items())[axis] for axis in (one, other))
        for a, b in itertools.product(range(1, len(rows)), range(1, len(columns))):
            said = f"{rows[a]} less {rows[0]} at {second} {columns[b]}"
            names.append((JOINED.join((first, second)), said, f"at {second} {columns[0]}"))
            values.append(means[a, b] - means[0, b] - means[a, 0] + means[0, 0])
    return simultaneous(names, values, level)


def _means(scores: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """Over all other factors, for each seed."""
    return scores.mean(axis=tuple(axis for axis in range(scores.ndim - 1) if axis not in axes))
