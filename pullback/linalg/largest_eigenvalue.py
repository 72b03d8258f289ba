"""The largest eigenvalue from products that are made one by one, outside of a compiled program."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from pullback.core.checks import positive, positive_integer
from pullback.core.errors import DataError


class LargestEigenvalue(NamedTuple):
    r"""What `largest_eigenvalue` returns.

    Attributes
    ----------
    value : the largest Ritz value $\theta$; NaN where a product was not finite.
    bound : an eigenvalue lies within this distance of it.
    steps : products made.
    """

    value: float
    bound: float
    steps: int


def largest_eigenvalue(
    product: Callable[[np.ndarray], np.ndarray],
    start: Float[np.ndarray, " n"],
    *,
    steps: int = 40,
    tolerance: float = 0.01,
) -> LargestEigenvalue:
    r"""The largest eigenvalue of a symmetric matrix, by as many Lanczos steps as it takes.

    $$ T = V^\top A V, \qquad T s = \theta s, \qquad \lVert A V s - \theta V s \rVert = \beta_m |s_m| \le
       \tau |\theta| $$

    As `lanczos`, but each product is a call of its own, so that it may be a program that is slow inside a loop of
    another one, and so that the steps end as soon as the bound is reached. Three vectors are kept; that converged
    values then come again as copies does not touch the largest.

    Parameters
    ----------
    product : from a vector $v$ to $A v$, float64.
    start : where the Krylov space begins, best at random, shape (n,).
    steps : products at most.
    tolerance : $\tau > 0$.

    Raises
    ------
    DataError
        for a start that is zero.

    Examples
    --------
    >>> found = largest_eigenvalue(lambda v: np.array([1.0, 2.0, 10.0]) * v, np.ones(3))
    >>> round(found.value, 8), found.steps
    (10.0, 3)

    References
    ----------
    Paige, "Error analysis of the Lanczos algorithm", J. Inst. Maths Applics 18 (1976).
    """
    limit = min(positive_integer("steps", steps), start.size)
    positive("tolerance", tolerance)
    norm = float(np.linalg.norm(start))
    if not norm > 0:
        raise DataError("start is zero", expected="a vector with a direction", got="0", fix="draw it at random")
    before, vector, beta = np.zeros_like(start), start / norm, 0.0
    diagonal: list[float] = []
    beside: list[float] = []
    value = bound = math.nan
    for _ in range(limit):
        image = product(vector)
        if not np.all(np.isfinite(image)):
            return LargestEigenvalue(math.nan, math.inf, len(diagonal) + 1)
        diagonal.append(float(vector @ image))
        rest = image - diagonal[-1] * vector - beta * before
        beta = float(np.linalg.norm(rest))
        values, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1))
        value, bound = float(values[-1]), beta * abs(float(vectors[-1, -1]))
        if bound <= tolerance * abs(value):
            break
        beside.append(beta)
        before, vector = vector, rest / beta
    return LargestEigenvalue(value, bound, len(diagonal))
