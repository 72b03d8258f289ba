"""Confidence and prediction bands of a least-squares fit."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import stats

from pullback.core.errors import DataError
from pullback.models.linear.least_squares import LeastSquaresFit, has_intercept, orthonormal_rows, predicted
from pullback.prob.level import confidence_level


class Bands(NamedTuple):
    """Limits for the mean and for one new observation at each row, all of shape (rows,).

    Attributes
    ----------
    mean, standard_error : of the expectation at the row.
    lower, upper : of the confidence band, which covers the expectation.
    prediction_lower, prediction_upper : of the prediction band, which covers one new observation.
    """

    mean: Float[np.ndarray, " rows"]
    standard_error: Float[np.ndarray, " rows"]
    lower: Float[np.ndarray, " rows"]
    upper: Float[np.ndarray, " rows"]
    prediction_lower: Float[np.ndarray, " rows"]
    prediction_upper: Float[np.ndarray, " rows"]


def bands(
    fit: LeastSquaresFit, X: Float[np.ndarray, "rows p"], *, level: float = 0.95, simultaneous: bool = False
) -> Bands:
    r"""Confidence and prediction bands at the rows of `X`, for independent normal errors of one variance.

    $$ \hat y(x) \mp q \, s \sqrt{h(x)}, \qquad \hat y(x) \mp q \, s \sqrt{1 + h(x)}, \qquad
       h(x) = x^\top (X^\top W X)^{-1} x $$

    with the quantile $q = t_{n - k}((1 + \text{level}) / 2)$ for each row by itself. With `simultaneous` the confidence
    band covers the whole line at once, by Scheffé's $q = \sqrt{k F_{k, n - k}(\text{level})}$ (Working and Hotelling's
    for a straight line); the prediction band is always that of one observation.

    Raises
    ------
    DataError
        if no degrees of freedom are left for the variance.

    Examples
    --------
    >>> from pullback.models.linear.least_squares import fit_least_squares
    >>> x, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([1.1, 2.9, 5.2, 6.8])
    >>> found = bands(fit_least_squares(x, y), np.array([[1.5]]))
    >>> found.lower.round(4).tolist(), found.prediction_lower.round(4).tolist()
    ([3.5644], [3.0259])

    References
    ----------
    Seber, Lee, "Linear Regression Analysis", 2nd ed., Wiley (2003), sections 5.2 and 6.1.
    """
    k = int(fit.rank) + has_intercept(fit)
    freedom = float(fit.observations) - k
    if not freedom > 0:
        raise DataError(
            "no degrees of freedom are left for the variance",
            expected=f"more than {k} observations for {k} coefficients",
            got=f"{float(fit.observations):g} observations",
            fix="bring more rows or use fewer columns",
        )
    level = confidence_level(level)
    u = np.asarray(orthonormal_rows(fit, X))
    h = np.sum(u**2, axis=1)
    s = float(np.sqrt(fit.residual_sum_of_squares / freedom))
    mean = np.asarray(predicted(fit, X))
    alone = float(stats.t.ppf((1 + level) / 2, freedom))
    q = float(np.sqrt(k * stats.f.ppf(level, k, freedom))) if simultaneous else alone
    error = s * np.sqrt(h)
    spread = alone * s * np.sqrt(1 + h)
    return Bands(mean, error, mean - q * error, mean + q * error, mean - spread, mean + spread)
