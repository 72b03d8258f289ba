"""Significance of several comparisons at once."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from pullback.core.errors import DataError


def holm(p_values: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
    r"""Holm's adjustment: a difference named where it is at most $\alpha$ is false in at most $\alpha$ of all families.

    $$ \tilde p_{(i)} = \max_{j \le i} \min\big(1, (k - j + 1)\, p_{(j)}\big) $$

    for the p-values in rising order. NaN, for a comparison that could not be made, stays NaN and does not count.

    Raises
    ------
    DataError
        for a p-value outside [0, 1].

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03])).round(4).tolist()
    [0.03, 0.06, 0.06]

    References
    ----------
    Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6 (1979).
    """
    values = np.asarray(p_values, float)
    known = np.flatnonzero(~np.isnan(values))
    if np.any((values[known] < 0) | (values[known] > 1)):
        raise DataError(
            "a p-value is no probability", expected="numbers from 0 to 1", got=str(values), fix="check them"
        )
    adjusted = np.full_like(values, np.nan)
    order = known[np.argsort(values[known], kind="stable")]
    scaled = values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(scaled)) if len(order) else scaled
    return adjusted
