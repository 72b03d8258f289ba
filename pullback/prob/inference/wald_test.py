"""Wald's test of linear hypotheses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from pullback.core.errors import ConfigurationError, unknown_name
from pullback.prob.inference.hypothesis_test import HypothesisTest


def wald_test(
    estimates: Float[np.ndarray, " k"],
    covariance: Float[np.ndarray, "k k"],
    R: Float[np.ndarray, "q k"],
    r: Float[np.ndarray, " q"],
    residual_degrees_of_freedom: float | None = None,
) -> HypothesisTest:
    r"""Test of $R b = r$ by how far the estimate is from it, measured by its covariance $V$.

    $$ W = (R \hat b - r)^\top (R V R^\top)^{-1} (R \hat b - r) \sim \chi^2_q, \qquad F = W / q \sim F_{q, \nu} $$

    Raises
    ------
    ConfigurationError
        if the rows of $R$ depend on each other, or ask for a coefficient that the data do not identify.

    Examples
    --------
    >>> print(wald_test(np.array([1.0, 2.0]), np.eye(2), np.eye(2), np.zeros(2)))
    Wald test: chi2(2) = 5, p = 0.08208

    References
    ----------
    Wald, "Tests of statistical hypotheses concerning several parameters", Trans. AMS 54 (1943).
    """
    used = np.any(R != 0, axis=0)
    unknown = np.flatnonzero(used & ~np.isfinite(np.diag(covariance)))
    if len(unknown):
        raise ConfigurationError(
            "the hypothesis asks for a coefficient that the data do not identify",
            expected="coefficients with a standard error",
            got=f"no standard error for the coefficients number {', '.join(map(str, unknown))}",
            fix="leave out collinear columns, or test the others",
        )
    spread = R[:, used] @ covariance[np.ix_(used, used)] @ R[:, used].T
    scale = np.sqrt(np.diag(spread))
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = spread / np.outer(scale, scale)
    # Restrictions of different units are compared as correlations.
    if not np.all(np.isfinite(correlation)) or np.linalg.matrix_rank(correlation, hermitian=True) < len(R):
        raise ConfigurationError(
            "the hypotheses depend on each other",
            expected=f"{len(R)} independent rows of R",
            got="rows of which one follows from the others, or is zero",
            fix="leave out the rows that follow from others",
        )
    distance = (R @ estimates - r) / scale
    statistic = float(distance @ np.linalg.solve(correlation, distance))
    if residual_degrees_of_freedom is None:
        return HypothesisTest("Wald", statistic, len(R))
    return HypothesisTest("Wald", statistic / len(R), len(R), float(residual_degrees_of_freedom))


def restrictions(R: Any, r: Any, names: Sequence[str]) -> tuple[Float[np.ndarray, "q k"], Float[np.ndarray, " q"]]:
    """The matrix and right side of $R b = r$ from an array, a name of a coefficient, or several of them.

    Examples
    --------
    >>> restrictions("x2", None, ["intercept", "x1", "x2"])
    (array([[0., 0., 1.]]), array([0.]))
    """
    if isinstance(R, str) or (isinstance(R, Sequence) and len(R) > 0 and all(isinstance(name, str) for name in R)):
        chosen = [R] if isinstance(R, str) else list(R)
        for name in chosen:
            if name not in names:
                raise unknown_name("coefficient", name, names)
        matrix = np.eye(len(names))[[list(names).index(name) for name in chosen]]
    else:
        matrix = np.atleast_2d(np.asarray(R, np.float64))
    if matrix.ndim != 2 or matrix.shape[1] != len(names):
        raise ConfigurationError(
            "the matrix of the hypothesis does not fit the coefficients",
            expected=f"(q, {len(names)}), a column for each of {', '.join(names)}",
            got=f"shape {matrix.shape}",
            fix="pass a row for each hypothesis, or names of coefficients",
        )
    side = np.zeros(len(matrix)) if r is None else np.asarray(r, np.float64)
    return matrix, np.broadcast_to(side, (len(matrix),)).copy()
