"""Which columns depend on which others, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.linalg import qr

from pullback.prob.inference import Finding

# The part of a column that others leave over, below which it counts as a combination of them: the fit looks for it in
# the products of the columns, which know the root of the rounding.
NEGLIGIBLE = 1e-7


def collinearity_findings(
    columns: Float[np.ndarray, "n p"], names: Sequence[str], fit_intercept: bool
) -> tuple[Finding, ...]:
    """A finding for each column that is a combination of others: a column that is constant, or which others make it.

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 4.0, 8.0])
    >>> for finding in collinearity_findings(np.stack([x, x**2, 2 * x - x**2], axis=1), ["a", "b", "c"], True):
    ...     print(finding)
    collinearity: the column c depends on a, b: the data do not tell their effects apart
    """
    Z = columns - columns.mean(axis=0) if fit_intercept else columns
    scale = np.sqrt((Z**2).mean(axis=0))
    constant = scale <= 16 * np.finfo(float).eps * np.abs(columns).max(axis=0, initial=0)
    findings = [
        Finding(
            "constant column",
            f"the column {names[j]} does not vary{', as the intercept does not' if fit_intercept else ''}",
            {"column": float(j)},
        )
        for j in np.flatnonzero(constant).tolist()
    ]
    rest: list[int] = np.flatnonzero(~constant).tolist()
    if not rest:
        return tuple(findings)
    Z = Z[:, rest] / scale[rest]
    # Only R is asked for, which a Cholesky factor would give with half the digits.
    factors: Any = qr(Z, mode="r", pivoting=True)
    R, order = factors
    R = R[: len(order)]
    diagonal = np.abs(np.diag(R))
    rank = int(np.sum(diagonal > len(order) * NEGLIGIBLE * diagonal[0]))
    order = order.tolist()
    weights = np.linalg.lstsq(R[:rank, :rank], R[:rank, rank:], rcond=None)[0]
    for position, j in enumerate(order[rank:]):
        others: list[str] = [
            str(names[rest[i]])
            for i in sorted(
                i for i, weight in zip(order[:rank], weights[:, position], strict=True) if abs(weight) > 1e-6
            )
        ]
        findings.append(
            Finding(
                "collinearity",
                f"the column {names[rest[j]]} depends on {', '.join(others)}: the data do not tell their effects apart",
                {"column": float(rest[j])},
            )
        )
    return tuple(findings)
