"""How often a method is within a factor of the quickest."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from pullback.core.errors import DataError


def performance_profile(
    costs: Float[np.ndarray, "problems methods"], factors: Float[np.ndarray, " k"]
) -> Float[np.ndarray, "k methods"]:
    r"""The share of problems that each method solves at a cost within each factor of the cheapest method.

    $$ \rho_m(\tau) = \frac{1}{P} \, \Big| \Big\{ p : \frac{c_{pm}}{\min_{m'} c_{pm'}} \le \tau \Big\} \Big| $$

    Parameters
    ----------
    costs : $c$, positive; infinite where a method does not solve a problem.
    factors : $\tau \ge 1$.

    Raises
    ------
    DataError
        for a cost that is not positive, or NaN.

    Examples
    --------
    >>> costs = np.array([[1.0, 2.0], [6.0, 3.0], [np.inf, 5.0]])
    >>> performance_profile(costs, np.array([1.0, 2.0])).round(3).tolist()
    [[0.333, 0.667], [0.667, 1.0]]

    References
    ----------
    Dolan, Moré, "Benchmarking optimization software with performance profiles", Mathematical Programming 91 (2002).
    """
    values = np.asarray(costs, float)
    if not np.all(values > 0):
        raise DataError("a cost is not positive", expected="costs > 0, or infinity", got=str(values.min()), fix="check")
    best = values.min(axis=1, keepdims=True)
    solved = np.isfinite(values)
    ratios = np.where(solved, values / np.where(np.isfinite(best), best, 1.0), np.inf)
    within = (ratios[None] <= np.asarray(factors, float)[:, None, None]) & solved
    return within.mean(axis=1)
