"""A Cholesky factor that grows by rows, on the host."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.linalg import solve_triangular

# Rows of the factor that one product takes: a panel of them stays in a core's cache.
PANEL = 128


class GrowingCholesky:
    r"""The lower triangular $L$ with $L L^\top = H$ for a matrix $H$ to which rows and columns are appended.

    A row costs what its part of one factorization costs. The inverses of the diagonal panels are kept, so that both
    triangular solves are products.

    Parameters
    ----------
    capacity : the most rows that it will hold.

    Examples
    --------
    >>> import numpy as np
    >>> factor = GrowingCholesky(2)
    >>> factor.append(np.empty((0, 1)), np.array([[4.0]])), factor.append(np.array([[2.0]]), np.array([[5.0]]))
    (True, True)
    >>> factor.backward(factor.forward(np.array([8.0, 12.0]))).tolist()
    [1.0, 2.0]
    """

    def __init__(self, capacity: int) -> None:
        self._lower = np.empty((capacity, capacity))
        self._inverses: list[np.ndarray] = []
        self.size = 0

    def clear(self) -> None:
        """Hold no rows."""
        self._inverses, self.size = [], 0

    def append(self, side: Float[np.ndarray, "m k"], corner: Float[np.ndarray, "k k"]) -> bool:
        r"""Append $k$ rows of $H$, whose columns are `side` transposed and `corner`; False if one depends on others."""
        m, k = side.shape
        rows = self.forward(side)
        remainder = corner - rows.T @ rows
        try:
            last = np.linalg.cholesky(remainder)
        except np.linalg.LinAlgError:
            return False
        rounding = 10 * (m + k) * np.finfo(float).eps
        if np.any(np.diag(last) ** 2 <= rounding * np.diag(corner)):
            return False
        self._lower[m : m + k, :m] = rows.T
        self._lower[m : m + k, m : m + k] = last
        self.size = m + k
        self._inverses = self._inverses[: m // PANEL]
        for start in range(m // PANEL * PANEL, self.size, PANEL):
            panel = self._lower[start : start + PANEL, start : start + PANEL]
            panel = panel[: self.size - start, : self.size - start]
            self._inverses.append(solve_triangular(panel, np.eye(len(panel)), lower=True, check_finite=False))
        return True

    def forward(self, b: Float[np.ndarray, "m ..."]) -> Float[np.ndarray, "m ..."]:
        r"""$L^{-1} b$."""
        x = np.empty_like(b)
        for index, inverse in enumerate(self._inverses):
            first, last = index * PANEL, index * PANEL + len(inverse)
            x[first:last] = inverse @ (b[first:last] - self._lower[first:last, :first] @ x[:first])
        return x

    def extend(self, x: Float[np.ndarray, "m k"], b: Float[np.ndarray, "r k"]) -> Float[np.ndarray, "r k"]:
        r"""The last rows of $L^{-1} b$ where the first are `x`, for right sides that end with `b`."""
        m = len(x)
        last = self._lower[m : self.size, m : self.size]
        return solve_triangular(last, b - self._lower[m : self.size, :m] @ x, lower=True, check_finite=False)

    def backward(self, b: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
        r"""$L^{-\top} b$."""
        x = b.copy()
        for index in reversed(range(len(self._inverses))):
            inverse = self._inverses[index]
            first, last = index * PANEL, index * PANEL + len(inverse)
            x[first:last] = inverse.T @ x[first:last]
            x[:first] -= self._lower[first:last, :first].T @ x[first:last]
        return x
