"""How far a penalized least squares fit is from the optimum, at most."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

# Roundings of the mean square of the target that a gap cannot resolve.
ROUNDINGS = 8
# In place of a penalty of zero below a fraction; a number of float32 too.
SMALLEST = 1e-37


class PenalizedObjective(NamedTuple):
    """The value of the objective, and by how much at most it is above the smallest."""

    value: Any
    gap: Any


def duality_gap(q: Any, s: Any, b: Any, c: Any, l1: Any, l2: Any, positive: bool = False) -> PenalizedObjective:
    r"""Value and duality gap of $\tfrac12 s - q^\top b + \tfrac12 b^\top G b + l_1 \|b\|_1 + \tfrac12 l_2 \|b\|^2$.

    With $c = q - G b$, the products of the columns and the residual, and $R = s - b^\top (q + c)$, its mean square,
    there are two feasible points of the dual problem, and the better counts. That of the rows extended by
    $\sqrt{l_2} I$ is the residual times $\theta = \min(1, l_1 / \|c - l_2 b\|_\infty)$:

    $$ D_1 = \theta\, (s - q^\top b) - \tfrac12 \theta^2 (R + l_2 \|b\|^2) $$

    The other is the residual itself, with the conjugate of the penalty:

    $$ D_2 = s - q^\top b - \tfrac12 R - \frac{1}{2 l_2} \sum_j \max(|c_j| - l_1, 0)^2 $$

    Arrays of NumPy or JAX; leading axes of `b`, `c`, `l1` and `l2` (without the axis of coefficients) are a batch.

    Examples
    --------
    >>> import numpy as np
    >>> q, b = np.array([3.0, 0.5]), np.array([2.0, 0.0])
    >>> found = duality_gap(q, 10.0, b, q - b, np.array(1.0), np.array(0.0))
    >>> float(found.value), float(found.gap)
    (3.0, 0.0)

    References
    ----------
    Kim, Koh, Lustig, Boyd, Gorinevsky, "An interior-point method for large-scale l1-regularized least squares", IEEE
    Journal of Selected Topics in Signal Processing 1, 2007.
    """
    ridge = l2 * (b * b).sum(-1)
    residual = s - (b * (q + c)).sum(-1)
    value = (residual + ridge) / 2 + l1 * abs(b).sum(-1)
    aligned = s - (b * q).sum(-1)
    r = c - l2[..., None] * b
    theta = l1 / (r if positive else abs(r)).max(-1).clip(l1).clip(SMALLEST)
    extended = theta * aligned - theta * theta * (residual + ridge) / 2
    excess = ((c if positive else abs(c)) - l1[..., None]).clip(0)
    itself = aligned - residual / 2 - (excess * excess).sum(-1) / (2 * l2.clip(SMALLEST))
    return PenalizedObjective(value, value - extended.clip(itself))


def rounding(s: Any) -> Any:
    """What a gap cannot resolve, for the mean square `s` of the target."""
    return float(ROUNDINGS * np.finfo(s.dtype).eps) * s


def small_gap(found: PenalizedObjective, s: Any, tolerance: Any) -> Any:
    """Whether the gap is within `tolerance` of the value, or within rounding."""
    return found.gap <= tolerance * found.value + rounding(s)
