"""B-splines: piecewise polynomials of local support that sum to one."""

from __future__ import annotations

import numpy as np
from jaxtyping import Array, Float

Values = Float[Array | np.ndarray, " rows"]
Knots = Float[Array | np.ndarray, " knots"]
Basis = Float[Array | np.ndarray, "rows splines"]


def b_spline_knots(
    base: Float[np.ndarray, " base"], degree: int, *, periodic: bool = False
) -> Float[np.ndarray, " knots"]:
    """The base knots with `degree` more on either side, at the distance of the outermost two.

    Periodic splines continue instead with the distances from the other end.

    Examples
    --------
    >>> b_spline_knots(np.array([0.0, 1.0, 3.0]), 2)
    array([-2., -1.,  0.,  1.,  3.,  5.,  7.])

    Source: Eilers and Marx, Statistical Science 11, 1996, who advise against repeating the outermost knots.
    """
    if periodic:
        period = base[-1] - base[0]
        return np.concatenate([base[-degree - 1 : -1] - period, base, base[1 : degree + 1] + period])
    steps = np.arange(1, degree + 1)
    left, right = base[1] - base[0], base[-1] - base[-2]
    return np.concatenate([base[0] - left * steps[::-1], base, base[-1] + right * steps])


def b_splines(x: Values, knots: Knots, degree: int) -> Basis:
    r"""Values of the B-splines $B_{i,d}$ of degree $d$ on the knots $t$.

    $$ B_{i,0}(x) = [t_i \le x < t_{i+1}], \qquad
       B_{i,d}(x) = \frac{x - t_i}{t_{i+d} - t_i} B_{i,d-1}(x)
                  + \frac{t_{i+d+1} - x}{t_{i+d+1} - t_{i+1}} B_{i+1,d-1}(x) $$

    Within the base interval, from knot $d$ to the last but $d$, they sum to one; beyond it the outermost polynomial
    pieces go on.

    Parameters
    ----------
    knots : ascending; $k$ of them carry $k - d - 1$ splines.

    Examples
    --------
    >>> b_splines(np.array([0.0, 0.25, 1.0]), np.array([0.0, 1.0, 2.0, 3.0]) - 1, 1)
    array([[1.  , 0.  ],
           [0.75, 0.25],
           [0.  , 1.  ]])

    Source: de Boor, A Practical Guide to Splines, 1978.
    """
    return _recursion(x, knots, degree, _interval(x, knots, degree))


def b_splines_with_tails(x: Values, knots: Knots, degree: int, tails: str) -> Basis:
    r"""B-splines that beyond the base interval are constant, or linear with the slope at its end.

    $$ B(x) = B(c) + (x - c) B'(c), \qquad c = \min(\max(x, t_d), t_{k-d-1}), $$

    with the derivative left out where the tails are `"constant"`.

    Examples
    --------
    >>> knots = b_spline_knots(np.array([0.0, 1.0, 2.0]), 1)
    >>> b_splines_with_tails(np.array([3.0]), knots, 1, "linear").tolist()
    [[0.0, -1.0, 2.0]]
    """
    xp = x.__array_namespace__()
    inside = xp.clip(x, knots[degree], knots[-degree - 1])
    interval = _interval(inside, knots, degree)
    basis = _recursion(inside, knots, degree, interval)
    if tails == "constant" or degree == 0:
        return basis
    return basis + (x - inside)[:, None] * _slope(inside, knots, degree, interval)


def _interval(x: Values, knots: Knots, degree: int):
    xp = x.__array_namespace__()
    found = xp.searchsorted(xp.asarray(knots), x, side="right") - 1
    return xp.clip(found, degree, len(knots) - degree - 2)


def _recursion(x: Values, knots: Knots, degree: int, interval) -> Basis:
    xp = x.__array_namespace__()
    basis = xp.where(
        interval[:, None] == xp.arange(len(knots) - 1, dtype=interval.dtype), xp.ones_like(x)[:, None], 0.0
    )
    x = x[:, None]
    for order in range(1, degree + 1):
        first, last = knots[: -order - 1], knots[order + 1 :]
        rise = _quotient(x - first, knots[order:-1] - first)
        fall = _quotient(last - x, last - knots[1:-order])
        basis = rise * basis[:, :-1] + fall * basis[:, 1:]
    return basis


def _slope(x: Values, knots: Knots, degree: int, interval) -> Basis:
    xp = x.__array_namespace__()
    below = _recursion(x, knots, degree - 1, interval)
    scaled = _quotient(degree * below, (knots[degree:] - knots[:-degree]))
    return -xp.diff(scaled, axis=1)


def _quotient(numerator, denominator):
    # Where knots coincide the spline has no support, and its part is zero.
    xp = numerator.__array_namespace__()
    empty = denominator <= 0
    return xp.where(empty, 0.0, numerator / xp.where(empty, 1.0, denominator))
