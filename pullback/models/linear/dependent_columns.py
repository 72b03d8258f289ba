"""Which columns depend on which others, in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from pullback.prob.inference import Finding

# The part of a column that others leave over, below which it counts as a combination of them: the fit looks for it in
# the products of the columns, which know the root of the rounding.
NEGLIGIBLE = 1e-7


def collinearity_findings(
    columns: Float[np.ndarray, "n p"], names: Sequence[str], fit_intercept: bool
) -> tuple[Finding, ...]:
    """A finding for each column that is constant or a combination of those before it.

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
    # The triangular factor has the lengths and angles of the columns, and few rows.
    R = np.asarray(np.linalg.qr(Z, mode="r"))
    lengths = np.linalg.norm(R, axis=0)
    kept: list[int] = []
    for position, j in enumerate(rest):
        weights = np.linalg.lstsq(R[:, kept], R[:, position], rcond=None)[0]
        left_over = np.linalg.norm(R[:, position] - R[:, kept] @ weights)
        if left_over > len(rest) * NEGLIGIBLE * lengths[position]:
            kept.append(position)
            continue
        others = [names[rest[i]] for i, weight in zip(kept, weights, strict=True) if abs(weight) > 1e-6]
        findings.append(
            Finding(
                "collinearity",
                f"the column {names[j]} depends on {', '.join(others)}: the data do not tell their effects apart",
                {"column": float(j)},
            )
        )
    return tuple(findings)
