"""Radial basis functions around centers."""

from __future__ import annotations

import numpy as np
from jaxtyping import Array, Float

Rows = Float[Array | np.ndarray, "rows features"]
Centers = Float[Array | np.ndarray, "centers features"]
Pairs = Float[Array | np.ndarray, "rows centers"]


def squared_distances(X: Rows, centers: Centers) -> Pairs:
    r"""$\lVert x_i - c_j \rVert^2$ for every row and every center, never below zero.

    Examples
    --------
    >>> squared_distances(np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[0.0, 0.0]])).tolist()
    [[0.0], [25.0]]
    """
    xp = X.__array_namespace__()
    # Shifted by one point among them, so that an offset common to all does not eat the digits of the differences.
    shift = centers.mean(axis=0)
    X, centers = X - shift, centers - shift
    squares = (X**2).sum(axis=1)[:, None] + (centers**2).sum(axis=1)
    return xp.maximum(squares - 2 * (X @ centers.T), 0.0)


def radial_basis(X: Rows, centers: Centers, width: float) -> Pairs:
    r"""$\exp\bigl(-\lVert x_i - c_j \rVert^2 / (2 s^2)\bigr)$ for the width $s$.

    Examples
    --------
    >>> radial_basis(np.array([[0.0], [1.0]]), np.array([[0.0]]), 1.0).round(4).tolist()
    [[1.0], [0.6065]]
    """
    xp = X.__array_namespace__()
    return xp.exp(-squared_distances(X, centers) / (2 * width**2))


def median_distance(X: Float[np.ndarray, "rows features"]) -> float:
    r"""$\operatorname{median}_{i<j} \lVert x_i - x_j \rVert$, a width that fits the spread; one if it is zero.

    Examples
    --------
    >>> median_distance(np.array([[0.0], [1.0], [3.0]]))
    2.0

    Source: Garreau, Jitkrittum, Kanagawa, arXiv:1707.07269, 2018, on the heuristic and its limit.
    """
    upper = np.triu_indices(len(X), 1)
    distances = np.sqrt(squared_distances(X, X)[upper])
    median = float(np.median(distances)) if distances.size else 0.0
    return median if median > 0 else 1.0
