"""Limits of any score of a confusion matrix, from the posterior of its cells.

The middle draws of the score when the cells' probabilities follow their Dirichlet posterior, with a prior of one row
spread evenly over the cells of the classes that occur. Unlike the delta method it keeps its width when every row is
right.

Source of the prior: Perks, "Some observations on inverse probability", Journal of the Institute of Actuaries 73 (1947).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pullback.core.random import generator
from pullback.prob.level import confidence_level

# The limits then move by about a twentieth of the interval's width from seed to seed.
DRAWS = 2000


def posterior_limits(
    counts: np.ndarray, score: Callable[[np.ndarray], np.ndarray], value: float, level: float
) -> tuple[float, float]:
    """Limits of `score`, a function of matrices (..., K, K), that hold its `value` on the counts (K, K).

    Examples
    --------
    >>> lower, upper = posterior_limits(np.diag([30, 30]), lambda cells: np.trace(cells, axis1=-2, axis2=-1)
    ...                                 / cells.sum((-2, -1)), 1.0, 0.95)
    >>> 0.9 < lower < upper == 1
    True
    """
    occurs = np.flatnonzero(counts.sum(0) + counts.sum(1))
    cells = counts[np.ix_(occurs, occurs)] + 1 / len(occurs) ** 2
    draws = score(generator(0, "confusion matrix").gamma(cells, size=(DRAWS, *cells.shape)))
    tail = (1 - confidence_level(level)) / 2
    lower, upper = np.quantile(draws, [tail, 1 - tail]).tolist()
    return min(lower, value), max(upper, value)
