"""The plane through the landscape that is drawn: where it lies, which part of it, and what its axes mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from pullback.core.errors import ConfigurationError, ShapeError

MARGIN = 0.15
# The shorter side of the picture is at least this share of the longer one.
SHORTEST_SIDE = 0.6


@dataclass(frozen=True, eq=False)
class Plane:
    r"""The points $c + a\, u + b\, v$, with the coordinates $(a, b)$ of a path.

    Attributes
    ----------
    center, first, second : $c$, $u$, $v$, shape (n,).
    path : coordinates of the points of the path in the plane, shape (points, 2).
    labels : of the two axes.
    note : what is not seen in the plane, or an empty text.
    """

    center: Float[np.ndarray, " n"]
    first: Float[np.ndarray, " n"]
    second: Float[np.ndarray, " n"]
    path: Float[np.ndarray, "points 2"]
    labels: tuple[str, str]
    note: str = ""


def plane_of(path: Float[np.ndarray, "points n"], directions: Any, names: tuple[str, str] | None) -> Plane:
    """The plane of two unknowns, or through the end along given directions or the leading ones of the path."""
    n = path.shape[1]
    end = path[-1]
    if directions is not None:
        first, second = _independent(directions, n)
        return _projected(path, end, first, second, names or ("along the first direction", "along the second"), "")
    if n == 2:
        return Plane(np.zeros(2), np.array([1.0, 0.0]), np.array([0.0, 1.0]), path, names or ("x[0]", "x[1]"))
    first, second, shares = _leading(path - end)
    labels = names or (
        f"leading direction of the path ({shares[0]:.0%} of it)",
        f"second direction ({shares[1]:.0%})",
    )
    rest = max(0.0, 1 - shares.sum())
    return _projected(path, end, first, second, labels, f"plane through the end, of {n} unknowns{_hidden(rest)}")


def _hidden(share: float) -> str:
    if share < 1e-12:
        return ""
    amount = f"{share:.1%}" if share >= 1e-3 else "less than 0.1%"
    return f"; the path is projected, {amount} of it is not seen"


def _leading(offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    padded = np.vstack([offsets, np.zeros((2, offsets.shape[1]))])
    sizes, rows = np.linalg.svd(padded, full_matrices=False)[1:]
    total = np.sum(sizes**2)
    shares = sizes[:2] ** 2 / total if total > 0 else np.zeros(2)
    # So that the path runs from left to right and from above or below to zero.
    first = rows[0] if np.sum(offsets @ rows[0]) <= 0 else -rows[0]
    return first, rows[1], shares


def _projected(
    path: np.ndarray, center: np.ndarray, first: np.ndarray, second: np.ndarray, labels: tuple[str, str], note: str
) -> Plane:
    basis = np.stack([first, second], axis=1)
    coordinates = np.linalg.lstsq(basis, (path - center).T, rcond=None)[0].T
    if not note:
        outside = np.linalg.norm(path - center - coordinates @ basis.T)
        total = np.linalg.norm(path - center)
        share = float((outside / total) ** 2) if total > 0 else 0.0
        note = f"plane through the end, of {len(center)} unknowns{_hidden(share)}" if len(center) > 2 else ""
    return Plane(center, first, second, coordinates, labels, note)


def _independent(directions: Any, n: int) -> tuple[np.ndarray, np.ndarray]:
    pair = [np.asarray(direction, np.float64).reshape(-1) for direction in directions]
    if len(pair) != 2 or any(direction.shape != (n,) for direction in pair):
        raise ShapeError(
            "directions do not span a plane of this problem",
            expected=f"two vectors of shape ({n},)",
            got=", ".join(str(direction.shape) for direction in pair),
            fix="pass directions=(u, v), each with one number for each unknown",
        )
    if np.linalg.matrix_rank(np.stack(pair)) < 2:
        raise ConfigurationError(
            "directions lie on one line",
            expected="two directions that are not multiples of each other",
            got=f"{pair[0].tolist()} and {pair[1].tolist()}",
            fix="pass another second direction",
        )
    return pair[0], pair[1]


def window(points: Float[np.ndarray, "points 2"], bounds: Any) -> tuple[tuple[float, float], tuple[float, float]]:
    """The rectangle that is drawn: as given, or around the path with a margin."""
    if bounds is not None:
        given = np.asarray(bounds, np.float64)
        if given.shape != (2, 2) or not np.all(np.isfinite(given)) or not np.all(given[:, 0] < given[:, 1]):
            raise ConfigurationError(
                "bounds of the picture do not fit",
                expected="((lowest, highest), (lowest, highest)) of the two axes, lowest < highest",
                got=repr(bounds),
                fix="leave bounds out to draw the surroundings of the path",
            )
        return (float(given[0, 0]), float(given[0, 1])), (float(given[1, 0]), float(given[1, 1]))
    low, high = points.min(axis=0), points.max(axis=0)
    size = high - low
    longest = float(size.max()) or 1.0
    size = np.maximum(size, SHORTEST_SIDE * longest) * (1 + 2 * MARGIN)
    middle = (low + high) / 2
    low, high = middle - size / 2, middle + size / 2
    return (float(low[0]), float(high[0])), (float(low[1]), float(high[1]))
