"""What a least-squares fit says about its coefficients: covariances, tests, the table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from pullback.core.errors import ConfigurationError, DataError, unknown_name
from pullback.linalg.least_squares import Dependence, dependent_columns
from pullback.models.linear.least_squares import LeastSquaresFit, has_intercept, orthonormal_rows, predicted
from pullback.prob.inference import COVARIANCE_KINDS, Finding, Inference, sandwich_covariance
from pullback.prob.inference.covariance import cluster_codes
from pullback.prob.inference.inference import INTERCEPT


def least_squares_inference(
    fit: LeastSquaresFit,
    X: Float[np.ndarray, "n p"],
    y: Float[np.ndarray, " n"],
    sample_weight: Float[np.ndarray, " n"] | None = None,
    *,
    names: Sequence[str] | None = None,
    covariance: str = "classical",
    clusters: Any = None,
    dependent: str = "y",
) -> Inference:
    r"""Covariance of the coefficients, t and F tests and the likelihood of a fit of one output.

    $$ V_{\text{classical}} = s^2 (X^\top W X)^{-1}, \qquad s^2 = \frac{\sum_i w_i e_i^2}{n - k}, \qquad
       V_{\text{HC}} = (X^\top W X)^{-1} \Big( \sum_i w_i c_i e_i^2 x_i x_i^\top \Big) (X^\top W X)^{-1} $$

    with $n = \sum_i w_i$, $k$ the rank, and $c_i$ = 1 (HC0), $n / (n - k)$ (HC1), $1 / (1 - h_i)$ (HC2),
    $1 / (1 - h_i)^2$ (HC3); "clustered" sums the scores of a cluster first and has the factor
    $\frac{G}{G - 1} \frac{n - 1}{n - k}$. Tests are t and F with $n - k$
    degrees of freedom, $G - 1$ for clusters. The log-likelihood is
    that of normal errors at the maximum, $-\frac n2 (\log 2 \pi \frac{S}{n} + 1)$.

    Parameters
    ----------
    fit : of `fit_least_squares`, by the same rows and weights.
    X, y, sample_weight : the rows of the fit.
    names : of the columns; "x1", "x2", ... by default.
    covariance : "classical", "HC0", "HC1", "HC2", "HC3" or "clustered".
    clusters : label of the cluster of each row, for "clustered".
    dependent : name of the dependent variable.

    Raises
    ------
    ConfigurationError, DataError
        for another kind of covariance, more than one output, rows that leave no degrees of freedom.

    Examples
    --------
    >>> from pullback.models.linear.least_squares import fit_least_squares
    >>> x, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([1.1, 2.9, 5.2, 6.8])
    >>> found = least_squares_inference(fit_least_squares(x, y), x, y)
    >>> found.standard_errors.round(4).tolist(), found.residual_degrees_of_freedom
    ([0.1694, 0.0906], 2.0)

    References
    ----------
    MacKinnon, White, "Some heteroskedasticity-consistent covariance matrix estimators with improved finite sample
    properties", J. Econometrics 29 (1985). The same numbers as statsmodels' `OLS` with `use_t`; its default for the
    robust kinds is the normal law.
    """
    names = [f"x{place}" for place in range(1, X.shape[1] + 1)] if names is None else list(names)
    weight = np.ones(len(X)) if sample_weight is None else np.asarray(sample_weight, np.float64)
    _check(fit, X, y, names, covariance)
    intercept = has_intercept(fit)
    n, rank = float(fit.observations), int(fit.rank) + intercept
    freedom = n - rank
    if not freedom > 0:
        raise DataError(
            "no degrees of freedom are left for the variance",
            expected=f"more than {rank} observations for {rank} coefficients",
            got=f"{n:g} observations",
            fix="bring more rows, use fewer columns, or fit without inference",
        )
    residuals = np.asarray(y - predicted(fit, X))
    found = dependences(X, weight, intercept) if rank < len(fit.root) else ()
    variance = float(fit.residual_sum_of_squares) / freedom
    V = variance * fit.root @ fit.root.T
    if covariance != "classical":
        V = _robust_covariance(fit, X, residuals, weight, covariance, clusters, rank)
    all_names = ((INTERCEPT,) if intercept else ()) + tuple(names)
    unknown = unidentified(found)
    V[unknown], V[:, unknown] = np.nan, np.nan
    return Inference(
        names=all_names,
        estimates=np.append(fit.intercept, fit.coef) if intercept else np.asarray(fit.coef),
        covariance=V,
        covariance_kind=covariance,
        observations=n,
        residual_degrees_of_freedom=freedom,
        distribution="t",
        log_likelihood=normal_log_likelihood(float(fit.residual_sum_of_squares), n),
        null_log_likelihood=normal_log_likelihood(float(fit.total_sum_of_squares), n),
        deviance=float(fit.residual_sum_of_squares),
        null_deviance=float(fit.total_sum_of_squares),
        dispersion=variance,
        parameters=rank,
        findings=tuple(_finding(one, all_names) for one in found),
        title="Linear regression",
        dependent=dependent,
        clusters=cluster_codes(clusters, weight)[1] if covariance == "clustered" else None,
    )


def normal_log_likelihood(sum_of_squares: float, n: float) -> float:
    r"""$-\frac n2 (\log 2 \pi \frac{S}{n} + 1)$: of $n$ normal errors at their own variance.

    Examples
    --------
    >>> round(normal_log_likelihood(2.0, 4.0), 6)
    -4.28946
    """
    return math.inf if sum_of_squares <= 0 else -n / 2 * (math.log(2 * math.pi * sum_of_squares / n) + 1)


def dependences(
    X: Float[np.ndarray, "n p"], weight: Float[np.ndarray, " n"], intercept: bool
) -> tuple[Dependence, ...]:
    """Columns that follow from those before them, the one of the intercept being the first."""
    table = np.column_stack([np.ones(len(X)), X]) if intercept else X
    return dependent_columns(table, weight)


def unidentified(found: tuple[Dependence, ...]) -> list[int]:
    """Columns whose coefficient the data do not identify: those that depend, and those they depend on."""
    return sorted({place for one in found for place in (one.column, *one.on)})


def _finding(one: Dependence, names: tuple[str, ...]) -> Finding:
    sentence = one.sentence(list(names))
    return Finding(
        "collinear columns",
        f"{sentence}: their coefficients are not identified, the shortest are shown",
        {names[place]: value for place, value in zip(one.on, one.coefficients, strict=True)},
    )


def _robust_covariance(
    fit: LeastSquaresFit,
    X: np.ndarray,
    residuals: np.ndarray,
    weight: np.ndarray,
    kind: str,
    clusters: Any,
    rank: int,
) -> np.ndarray:
    # In coordinates where the information is the identity no digits go to the units of the columns.
    rows = orthonormal_rows(fit, X)
    inner = sandwich_covariance(
        np.eye(rows.shape[1]),
        rows * residuals[:, None],
        weight,
        kind=kind,
        leverage=np.sum(rows**2, axis=1),
        parameters=rank,
        clusters=clusters,
    )
    return fit.root @ inner @ fit.root.T


def _check(fit: LeastSquaresFit, X: np.ndarray, y: np.ndarray, names: list[str], covariance: str) -> None:
    if np.ndim(fit.coef) != 1 or np.ndim(y) != 1:
        raise ConfigurationError(
            "inference is for one output",
            expected="y of shape (n,)",
            got=f"y of shape {np.shape(y)}",
            fix="fit the outputs one by one",
        )
    if len(names) != X.shape[1]:
        raise ConfigurationError(
            "the names do not fit the columns",
            expected=f"{X.shape[1]} names",
            got=f"{len(names)}: {', '.join(names)}",
            fix="give one name a column, without the intercept",
        )
    if covariance not in COVARIANCE_KINDS:
        raise unknown_name("covariance", covariance, COVARIANCE_KINDS)
