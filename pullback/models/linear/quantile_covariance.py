"""Covariance of the coefficients of a quantile regression."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import stats

from pullback.core.errors import DataError, unknown_name
from pullback.models.linear.quantile import QuantileFit

KINDS = ("robust", "iid")


class QuantileCovariance(NamedTuple):
    r"""What `quantile_covariance` returns, the intercept first.

    Attributes
    ----------
    covariance : $V$, shape (k, k).
    standard_errors : shape (k,).
    sparsity : $1 / \hat f(0)$, the inverse of the density of the residuals at the quantile.
    bandwidth : $h$ of the density's estimate.
    """

    covariance: Float[np.ndarray, "k k"]
    standard_errors: Float[np.ndarray, " k"]
    sparsity: float
    bandwidth: float


def quantile_covariance(
    fit: QuantileFit,
    X: Float[np.ndarray, "n p"],
    y: Float[np.ndarray, " n"],
    *,
    quantile: float,
    kind: str = "robust",
    fit_intercept: bool = True,
) -> QuantileCovariance:
    r"""Large-sample covariance by the density of the residuals at the quantile.

    $$ V_{\text{iid}} = \frac{q (1 - q)}{\hat f(0)^2} (X^\top X)^{-1}, \qquad
       V_{\text{robust}} = (X^\top X)^{-1} X^\top D X (X^\top X)^{-1}, \qquad
       D_{ii} = \Big( \frac{q \, [e_i > 0] + (1 - q) [e_i \le 0]}{\hat f(0)} \Big)^2 $$

    with Epanechnikov's kernel and Hall and Sheather's bandwidth, as Stata and statsmodels have them. Of rows without
    weights, and of a fit without penalty.

    Parameters
    ----------
    fit : of `fit_quantile` with `alpha=0`.
    X, y, quantile, fit_intercept : those of the fit.
    kind : "robust" or "iid".

    Raises
    ------
    ConfigurationError, DataError
        for another kind, or residuals that leave the density without an estimate.

    References
    ----------
    Greene, "Econometric Analysis", 6th ed. (2008), section 14.3. Hall, Sheather, "On the distribution of a studentized
    quantile", JRSS B 50 (1988).
    """
    if kind not in KINDS:
        raise unknown_name("covariance of a quantile", kind, KINDS)
    design = np.column_stack([np.ones(len(X)), X]) if fit_intercept else X
    e = y - X @ fit.coef - fit.intercept
    # What the minimum passes through is zero, whatever the rounding of its prediction.
    e = np.where(np.abs(e) > 1e-9 * np.abs(y).max(), e, 0.0)
    h = _bandwidth(e, y, quantile)
    density = float(np.mean(_epanechnikov(e / h)) / h) if h > 0 else 0.0
    if not density > 0:
        raise DataError(
            "the density of the residuals at the quantile cannot be estimated",
            expected="residuals near the quantile, with some spread",
            got=f"a density of {density:g} with bandwidth {h:g}",
            fix="use more rows, or a bootstrap",
        )
    root = np.linalg.pinv(design)
    if kind == "iid":
        V = quantile * (1 - quantile) / density**2 * (root @ root.T)
    else:
        V = (root * (np.where(e > 0, quantile, 1 - quantile) / density) ** 2) @ root.T
    return QuantileCovariance(V, np.sqrt(np.diag(V)), 1 / density, h)


def _bandwidth(e: np.ndarray, y: np.ndarray, q: float) -> float:
    """Hall and Sheather's of the uniform scale, brought to that of the residuals."""
    z = stats.norm.ppf(q)
    share = (
        len(e) ** (-1 / 3)
        * stats.norm.ppf(0.975) ** (2 / 3)
        * (1.5 * stats.norm.pdf(z) ** 2 / (2 * z**2 + 1)) ** (1 / 3)
    )
    quartiles = np.percentile(e, [25, 75])
    scale = min(np.std(y), (quartiles[1] - quartiles[0]) / 1.34)
    return float(scale * (stats.norm.ppf(min(q + share, 1 - 1e-12)) - stats.norm.ppf(max(q - share, 1e-12))))


def _epanechnikov(u: np.ndarray) -> np.ndarray:
    return np.where(np.abs(u) <= 1, 0.75 * (1 - u**2), 0.0)
