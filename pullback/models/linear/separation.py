"""Separation: a direction in which the likelihood grows for ever, so that estimates are infinite."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy.optimize import linprog


class Separation(NamedTuple):
    """What `find_separation` returns.

    Parameters
    ----------
    kind : "none", "quasi-complete" (some rows lie on the separating plane) or "complete".
    direction : along which the likelihood never falls, one entry a column, zero without separation.
    columns : which columns have a part in every such direction's span, whose estimates are infinite.
    rows : which rows are fitted without error in the limit.
    total : number of rows.
    """

    kind: str
    direction: Float[np.ndarray, " k"]
    columns: Bool[np.ndarray, " k"]
    rows: Bool[np.ndarray, " n"]
    total: int


# A coordinate of a direction, or a margin of a row, counts above this; the directions have entries up to one.
NEGLIGIBLE = 1e-7


def find_separation(columns: Float[np.ndarray, "n k"], boundary: Float[np.ndarray, " n"]) -> Separation:
    r"""The direction $b$ that separates most, by a linear program.

    $$ \max_b \sum_{i} t_i z_i^\top b \quad \text{subject to} \quad t_i z_i^\top b \ge 0, \quad
       z_i^\top b = 0 \text{ where } t_i = 0, \quad \lVert b \rVert_\infty \le 1 $$

    with $t_i = \pm 1$ for an observation at the upper or lower end of what its law can have (success or failure; a
    count of zero is a lower end) and $t_i = 0$ for one inside. The maximum is zero if and only if the maximum of the
    likelihood exists.

    Parameters
    ----------
    columns : $z_i$, the column of ones of an intercept included, shape (n, k).
    boundary : $t_i$, shape (n,).

    Examples
    --------
    >>> ones = np.ones(4)
    >>> find_separation(np.stack([ones, [1.0, 2.0, 3.0, 4.0]], axis=1), np.array([-1.0, -1.0, 1.0, 1.0])).kind
    'complete'
    >>> find_separation(np.stack([ones, [1.0, 2.0, 2.0, 4.0]], axis=1), np.array([-1.0, -1.0, 1.0, 1.0])).kind
    'quasi-complete'
    >>> find_separation(np.stack([ones, [1.0, 3.0, 2.0, 4.0]], axis=1), np.array([-1.0, -1.0, 1.0, 1.0])).kind
    'none'

    References
    ----------
    Albert, Anderson, "On the existence of maximum likelihood estimates in logistic regression models", Biometrika 71
    (1984). Konis, "Linear programming algorithms for detecting separated data", thesis, Oxford (2007).
    """
    n, k = columns.shape
    scale = np.maximum(np.abs(columns).max(axis=0, initial=0), np.finfo(float).tiny)
    Z = columns / scale
    inside = boundary == 0
    signed = boundary[~inside, None] * Z[~inside]
    none = Separation("none", np.zeros(k), np.zeros(k, bool), np.zeros(n, bool), n)
    if not len(signed):
        return none
    # Equal rows say the same; their number is the weight of one.
    signed, counts = np.unique(signed, axis=0, return_counts=True)
    equal = np.unique(Z[inside], axis=0) if inside.any() else None
    found = linprog(
        -(counts @ signed) / len(boundary),
        A_ub=-signed,
        b_ub=np.zeros(len(signed)),
        A_eq=equal,
        b_eq=None if equal is None else np.zeros(len(equal)),
        bounds=(-1, 1),
        method="highs",
    )
    if found.x is None:
        return none
    direction = found.x
    margins = Z @ direction * np.where(inside, 0, boundary)
    apart = margins > NEGLIGIBLE
    if not apart.any():
        return none
    # Collinear columns leave the direction open; only what moves a row counts.
    shortest = np.linalg.lstsq(Z, Z @ direction, rcond=None)[0]
    part = np.abs(shortest) > NEGLIGIBLE
    if equal is None and not apart.all():
        strict = strictly_separating(signed)
        if strict is not None:
            return Separation("complete", strict / scale, np.abs(strict) > NEGLIGIBLE, np.ones(n, bool), n)
    return Separation("complete" if apart.all() else "quasi-complete", shortest / scale, part, apart, n)


def strictly_separating(signed: Float[np.ndarray, "n k"]) -> Float[np.ndarray, " k"] | None:
    r"""A direction with $t_i z_i^\top b \ge m > 0$ for all rows and the largest $m$, or None."""
    n, k = signed.shape
    found = linprog(
        np.append(np.zeros(k), -1.0),
        A_ub=np.hstack([-signed, np.ones((n, 1))]),
        b_ub=np.zeros(n),
        bounds=[(-1, 1)] * k + [(None, 1)],
        method="highs",
    )
    if found.x is None or found.x[-1] <= NEGLIGIBLE:
        return None
    return np.asarray(found.x[:-1])
