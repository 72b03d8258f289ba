"""What the residuals of a least-squares fit say against its assumptions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import stats

from pullback.models.linear.least_squares import LeastSquaresFit, fit_least_squares, has_intercept, predicted


class ResidualDiagnostics(NamedTuple):
    r"""What `residual_diagnostics` returns.

    Attributes
    ----------
    durbin_watson : $d \approx 2 (1 - \rho)$, with the correlation of residuals that follow each other.
    breusch_pagan, breusch_pagan_p_value : of a variance that changes with the columns; `degrees_of_freedom` of it.
    jarque_bera, jarque_bera_p_value : of residuals that are not normal, with `skewness` and `kurtosis` (3 if normal).
    variance_inflation : shape (p,): by how much each coefficient's variance exceeds that of uncorrelated columns.
    condition : condition number of the centered columns, scaled to length one.
    """

    durbin_watson: float
    breusch_pagan: float
    breusch_pagan_p_value: float
    degrees_of_freedom: int
    jarque_bera: float
    jarque_bera_p_value: float
    skewness: float
    kurtosis: float
    variance_inflation: Float[np.ndarray, " p"]
    condition: float


def residual_diagnostics(
    fit: LeastSquaresFit,
    X: Float[np.ndarray, "n p"],
    y: Float[np.ndarray, " n"],
    sample_weight: Float[np.ndarray, " n"] | None = None,
) -> ResidualDiagnostics:
    r"""Tests of independence, equal variance and normality of the residuals, and how the columns inflate variances.

    $$ d = \frac{\sum_t (e_t - e_{t-1})^2}{\sum_t e_t^2}, \qquad
       \text{BP} = n R^2 \text{ of } e^2 \text{ on } X \sim \chi^2_p, \qquad
       \text{JB} = \frac n6 \Big( S^2 + \frac{(K - 3)^2}{4} \Big) \sim \chi^2_2, \qquad
       \text{VIF}_j = \frac{1}{1 - R_j^2} $$

    The Breusch-Pagan test is Koenker's, which does not ask for normal errors. A row of weight 3 is three rows in its
    place.

    Parameters
    ----------
    fit : of `fit_least_squares`, for one output.
    X, y, sample_weight : the rows of the fit, in the order in which they were observed.

    Examples
    --------
    >>> x = np.arange(6.0)[:, None]
    >>> y = np.array([0.0, 1.2, 1.9, 3.2, 3.8, 5.1])
    >>> found = residual_diagnostics(fit_least_squares(x, y), x, y)
    >>> round(found.durbin_watson, 3), found.variance_inflation.round(6).tolist()
    (3.609, [1.0])

    References
    ----------
    Durbin, Watson, Biometrika 37 (1950). Koenker, J. Econometrics 17 (1981). Jarque, Bera, Economics Letters 6 (1980).
    """
    weight = np.ones(len(X)) if sample_weight is None else np.asarray(sample_weight, np.float64)
    present = weight > 0
    e = np.asarray(y - predicted(fit, X))
    w, kept = weight[present], e[present]
    n = w.sum()
    squares = fit_least_squares(X, e**2, weight)
    bp = float(n * (1 - squares.residual_sum_of_squares / squares.total_sum_of_squares))
    freedom = int(squares.rank)
    centered = kept - w @ kept / n
    variance = w @ centered**2 / n
    skewness, kurtosis = w @ centered**3 / n / variance**1.5, w @ centered**4 / n / variance**2
    jb = n / 6 * (skewness**2 + (kurtosis - 3) ** 2 / 4)
    return ResidualDiagnostics(
        durbin_watson=float(np.sum(np.diff(kept) ** 2) / (w @ kept**2)),
        breusch_pagan=bp,
        breusch_pagan_p_value=float(stats.chi2.sf(bp, freedom)),
        degrees_of_freedom=freedom,
        jarque_bera=float(jb),
        jarque_bera_p_value=float(stats.chi2.sf(jb, 2)),
        skewness=float(skewness),
        kurtosis=float(kurtosis),
        variance_inflation=_variance_inflation(fit, X, weight),
        condition=float(fit.condition),
    )


def _variance_inflation(fit: LeastSquaresFit, X: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Infinite for columns that depend on others."""
    first = int(has_intercept(fit))
    if int(fit.rank) < X.shape[1]:
        return np.full(X.shape[1], np.inf)
    inverse = np.sum(np.asarray(fit.root)[first:] ** 2, axis=1)
    return inverse * (weight @ (X - fit.column_means) ** 2)
