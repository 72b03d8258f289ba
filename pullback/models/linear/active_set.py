"""The path of the lasso and the elastic net by active sets, on the host."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from pullback.models.linear.duality_gap import duality_gap
from pullback.models.linear.growing_cholesky import GrowingCholesky

# Columns that may be out of the active set while still in the factor; each costs two products with vectors.
MOST_OUT = 48
# Rounds that change the set as a whole; then one column is changed at a time, which cannot go in circles.
BOLD_ROUNDS = 10
MOST_ROUNDS = 500


# Positions of columns that leave the set, and of those that enter it.
Changes = tuple[Int[np.ndarray, " k"], Int[np.ndarray, " m"]]


class ActiveSet:
    r"""Minima over $b$ of $-q^\top b + \tfrac12 b^\top (G + l_2 I) b + l_1 \|b\|_1$ for a falling sequence of $l_1$.

    With the set $A$ of coefficients that are not zero and their signs $\sigma$ given, the minimum solves
    $(G_{AA} + l_2 I)\, b_A = q_A - l_1 \sigma_A$. A round solves that, takes out what changed its sign, and takes in
    what the gradient says should not be zero: Newton's method on the optimality conditions, which are piecewise linear.
    From one $l_1$ to the next the set is guessed along the line through the last two minima.

    The columns are kept in an order in which $A$ comes first, and its Cholesky factor grows by rows. What leaves $A$
    stays in the factor for a while, and is kept at zero by a projection.

    Parameters
    ----------
    G, q, s : products of the columns, of columns and target, of the target; G is overwritten.
    positive : whether the coefficients may not be negative.
    tolerance : the largest duality gap, as a part of the objective.
    """

    def __init__(
        self,
        G: Float[np.ndarray, "p p"],
        q: Float[np.ndarray, " p"],
        s: float,
        *,
        positive: bool = False,
        tolerance: float = 1e-8,
    ) -> None:
        p = len(q)
        self._G, self._s, self._positive, self._tolerance = G, s, positive, tolerance
        self._order = np.arange(p)
        # Rows: q, coefficients, signs, correlations c, and coefficients and correlations at the l1 before.
        self._vectors = np.zeros((6, p))
        self._vectors[0] = self._vectors[3] = self._vectors[5] = q
        self._factor = GrowingCholesky(p)
        self._solved = np.empty((p, 2))
        self._out = np.empty(0, int)
        self._projected = np.empty((0, 0))
        self._l1 = self._l1_before = np.inf
        self._l2 = 0.0
        self._signed = True
        self.rounds = 0

    def solve(self, l1: float, l2: float) -> Float[np.ndarray, " p"] | None:
        """The minimum at `l1` and `l2`, or None where the sets do not come to rest."""
        self._refactor(l2, force=l2 != self._l2)
        # Without a penalty on absolute values a change of sign is no change of the equations.
        self._signed = l1 > 0 or self._positive
        self._guess(l1)
        bold = BOLD_ROUNDS
        for count in range(MOST_ROUNDS):
            self.rounds += 1
            leaving, entering = self._bold_round(l1) if count < bold else self._careful_round(l1)
            if not len(leaving) and not len(entering):
                break
            if self._gap_is_small(l1):
                break
            if self._take_in(entering) or len(leaving):
                continue
            if count >= bold and not self._exchange(int(entering[0])):
                return None
            bold = 0
        else:
            return None
        self._l1_before, self._l1 = self._l1, l1
        coefficients = np.empty_like(self._vectors[1])
        coefficients[self._order] = self._vectors[1]
        return coefficients

    def _guess(self, l1: float) -> None:
        q, b, _, c, b_before, c_before = self._vectors
        ahead = (l1 - self._l1) / (self._l1 - self._l1_before) if np.isfinite(self._l1_before) else 0.0
        b_ahead, c_ahead = b + ahead * (b - b_before), c + ahead * (c - c_before)
        self._vectors[4], self._vectors[5] = b, c
        self._take_out(self._flipped(b_ahead))
        self._take_in(self._entering(c_ahead, l1))

    def _bold_round(self, l1: float) -> Changes:
        self._newton(l1)
        return self._take_out(self._flipped(self._vectors[1])), self._entering(self._vectors[3], l1)

    def _careful_round(self, l1: float) -> Changes:
        """To the minimum for the signs, or to the first coefficient on the way that becomes zero."""
        self._refactor(self._l2, force=False)
        before = self._vectors[[1, 3]]
        self._newton(l1)
        b, c = self._vectors[1], self._vectors[3]
        flipped = self._flipped(b)
        if not len(flipped):
            entering = self._entering(c, l1)
            return flipped, entering[np.argsort(-np.abs(c[entering]), kind="stable")[:1]]
        part = before[0, flipped] / (before[0, flipped] - b[flipped])
        first = np.argmin(part)
        b[:], c[:] = before + part[first] * (self._vectors[[1, 3]] - before)
        return self._take_out(flipped[first : first + 1]), np.empty(0, int)

    def _newton(self, l1: float) -> None:
        m = self._factor.size
        q, b, signs, c = self._vectors[:4]
        x = self._solved[:m, 0] - l1 * self._solved[:m, 1]
        if len(self._out):
            basis = np.linalg.qr(self._projected)[0]
            x -= basis @ (basis.T @ x)
        b[:m] = self._factor.backward(x)
        b[self._out] = 0
        b[m:] = 0
        c[:m] = l1 * signs[:m] + self._l2 * b[:m]
        c[m:] = q[m:] - self._G[m:, :m] @ b[:m]
        c[self._out] = q[self._out] - self._G[self._out, :m] @ b[:m]

    def _flipped(self, b: Float[np.ndarray, " p"]) -> Int[np.ndarray, " k"]:
        m = self._factor.size
        flipped = b[:m] * self._vectors[2, :m] < 0
        flipped[self._out] = False
        flipped &= self._signed
        return np.flatnonzero(flipped)

    def _take_out(self, flipped: Int[np.ndarray, " k"]) -> Int[np.ndarray, " k"]:
        m = self._factor.size
        if len(flipped):
            self._vectors[3] += self._vectors[1, flipped] @ self._G[flipped]
            self._vectors[1, flipped] = 0
            units = np.zeros((m, len(flipped)))
            units[flipped, np.arange(len(flipped))] = 1
            self._projected = np.hstack([self._projected[:m], self._factor.forward(units)])
            self._out = np.append(self._out, flipped)
        return flipped

    def _entering(self, c: Float[np.ndarray, " p"], l1: float) -> Int[np.ndarray, " k"]:
        outside = np.append(self._out, np.arange(self._factor.size, len(c)))
        value = c[outside] if self._positive else np.abs(c[outside])
        return np.sort(outside[value > l1 * (1 + 1e-10)])

    def _take_in(self, entering: Int[np.ndarray, " k"]) -> bool:
        m = self._factor.size
        back, new = entering[entering < m], entering[entering >= m]
        self._vectors[2, entering] = np.sign(self._vectors[3, entering])
        if len(back):
            stay = ~np.isin(self._out, back)
            self._out, self._projected = self._out[stay], self._projected[:, stay]
            self._solved[:m, 1] = self._factor.forward(self._vectors[2, :m])
        if not len(new):
            return True
        for place, position in enumerate(new, start=m):
            self._swap(place, int(position))
        return self._append(len(new))

    def _append(self, count: int) -> bool:
        """Take the next `count` columns into the factor: all, or one after another those that depend on no others."""
        m = self._factor.size
        if self._append_block(count):
            return True
        accepted = 0
        for position in range(m, m + count):
            self._swap(m + accepted, position)
            accepted += self._append_block(1)
        return accepted > 0

    def _exchange(self, position: int) -> bool:
        """Take in a column that depends on the active ones, in the place of one of those.

        Along the dependence the residual stays as it is and the sum of absolute values falls, until a coefficient is
        zero.
        """
        self._refactor(self._l2, force=True)
        m = self._factor.size
        self._swap(m, position)
        sign = np.sign(self._vectors[3, m])
        self._vectors[2, m] = sign
        if self._append_block(1):
            return True
        b = self._vectors[1]
        direction = -sign * self._factor.backward(self._factor.forward(self._G[:m, m].copy()))
        falling = np.flatnonzero(b[:m] * direction < 0)
        if not len(falling):
            return False
        lengths = -b[falling] / direction[falling]
        first = np.argmin(lengths)
        b[:m] += lengths[first] * direction
        b[m] = lengths[first] * sign
        b[falling[first]] = 0
        self._out = falling[first : first + 1]
        self._refactor(self._l2, force=True)
        self._swap(m - 1, m)
        self._vectors[2, m - 1 : m + 1] = sign, 0
        self._vectors[3] = self._vectors[0] - self._G @ b
        return self._append_block(1)

    def _append_block(self, count: int) -> bool:
        m, n = self._factor.size, self._factor.size + count
        corner = self._G[m:n, m:n] + self._l2 * np.eye(count)
        known = np.hstack([self._solved[:m], self._projected[:m]])
        if not self._factor.append(self._G[:m, m:n], corner):
            return False
        right = np.zeros((n, known.shape[1]))
        right[m:, :2] = self._vectors[0:3:2, m:n].T
        extended = self._factor.extend(known, right[m:])
        self._solved[m:n] = extended[:, :2]
        self._projected = np.vstack([self._projected[:m], extended[:, 2:]])
        return True

    def _swap(self, i: int, j: int) -> None:
        if i == j:
            return
        pair, other = [i, j], [j, i]
        self._order[pair] = self._order[other]
        self._vectors[:, pair] = self._vectors[:, other]
        self._G[pair] = self._G[other]
        self._G[:, pair] = self._G[:, other]

    def _refactor(self, l2: float, force: bool) -> None:
        if not force and len(self._out) <= MOST_OUT:
            return
        last = self._factor.size
        for position in np.sort(self._out)[::-1]:
            last -= 1
            self._swap(int(position), last)
        self._vectors[2, last:] = 0
        self._l2, self._out, self._projected = l2, np.empty(0, int), np.empty((0, 0))
        self._factor.clear()
        if last:
            self._append(last)

    def _gap_is_small(self, l1: float) -> bool:
        q, b, _, c = self._vectors[:4]
        value, gap = duality_gap(q, self._s, b, c, np.float64(l1), np.float64(self._l2), self._positive)
        return bool(gap <= self._tolerance * value)
