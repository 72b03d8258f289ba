"""Natural cubic splines, one a knot."""

from __future__ import annotations

import numpy as np
from jaxtyping import Array, Float


def natural_splines(
    x: Float[Array | np.ndarray, " rows"], knots: Float[np.ndarray, " knots"]
) -> Float[Array | np.ndarray, "rows knots"]:
    r"""The natural cubic splines $s_j$ with $s_j(t_i) = [i = j]$, straight lines beyond the outermost knots.

    Between $t_i$ and $t_{i+1}$, $h = t_{i+1} - t_i$, $u = (x - t_i)/h$, a spline with the values $y$ and the
    second derivatives $m$ at the knots is

    $$ s(x) = (1 - u) y_i + u\, y_{i+1}
            - \tfrac{h^2}{6} u (1 - u) \bigl((2 - u) m_i + (1 + u) m_{i+1}\bigr). $$

    So the coefficient of a linear model in these features is the height of its curve at the knot, and they sum to one.

    Examples
    --------
    >>> natural_splines(np.array([0.0, 1.0, 3.0]), np.array([0.0, 1.0, 2.0])).round(3).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.25, -1.5, 2.25]]

    Source: Green and Silverman, Nonparametric Regression and Generalized Linear Models, 1994, chapter 2.
    """
    xp = x.__array_namespace__()
    heights, curvatures = xp.asarray(np.eye(len(knots))), xp.asarray(_curvatures(knots))
    steps = xp.asarray(np.diff(knots))
    inside = xp.clip(x, knots[0], knots[-1])
    i = xp.clip(xp.searchsorted(xp.asarray(knots), inside, side="right") - 1, 0, len(knots) - 2)
    h = steps[i]
    u = ((inside - xp.asarray(knots)[i]) / h)[:, None]
    bend = (2 - u) * curvatures[i] + (1 + u) * curvatures[i + 1]
    curve = (1 - u) * heights[i] + u * heights[i + 1] - (h**2 / 6)[:, None] * u * (1 - u) * bend
    # The slope at the end towards which x lies; within the knots it is multiplied by zero.
    side = xp.where(
        (x > inside)[:, None], curvatures[i] + 2 * curvatures[i + 1], -2 * curvatures[i] - curvatures[i + 1]
    )
    slope = (heights[i + 1] - heights[i]) / h[:, None] + (h / 6)[:, None] * side
    return curve + (x - inside)[:, None] * slope


def _curvatures(knots: Float[np.ndarray, " knots"]) -> Float[np.ndarray, "knots knots"]:
    """Second derivatives at the knots, a column for each spline: zero at the ends, and slopes that meet between."""
    count = len(knots)
    h = np.diff(knots)
    second = np.zeros((count, count))
    if count > 2:
        slopes = np.diff(np.eye(count), axis=0) / h[:, None]
        inner = np.diag((h[:-1] + h[1:]) / 3) + np.diag(h[1:-1] / 6, 1) + np.diag(h[1:-1] / 6, -1)
        second[1:-1] = np.linalg.solve(inner, np.diff(slopes, axis=0))
    return second
