"""The order and the rate at which a sequence converges, estimated from the sequence."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import numpy as np

from pullback.core.errors import DataError
from pullback.optim.result import OptimizationResult, Trace


class ConvergenceOrder(NamedTuple):
    r"""What `convergence_order` returns; NaN where the sequence is too short or does not converge.

    Parameters
    ----------
    order : $q$: 1 for linear convergence, about 1.618 for the secant method, 2 for Newton's.
    rate : $C$ in $e_{k+1} = C e_k^q$: for $q = 1$ the factor by which the error shrinks in a step.
    first, last : rows of the sequence that the estimate is made of.
    kind : "linear", "superlinear", "quadratic", "cubic", "sublinear", or "unknown".
    """

    order: float
    rate: float
    first: int
    last: int
    kind: str


# Errors within this many times their rounding say nothing of the rate.
ROUNDING = 100
# Steps of the tail that a linear rate is averaged over.
TAIL = 20


def convergence_order(
    sequence: OptimizationResult | Trace | Any, limit: Any = None, *, scale: float | None = None
) -> ConvergenceOrder:
    r"""Order and rate of convergence from the errors of an iteration.

    $$ e_{k+1} \approx C e_k^q, \qquad
       q \approx \frac{\log (e_{k+1} / e_k)}{\log (e_k / e_{k-1})}, \qquad C = \frac{e_{k+1}}{e_k^q} $$

    The quotient is read off the last errors above rounding, where it comes nearest to its limit; where the order is
    one, the rate is the mean factor of the tail. Convergence whose factor tends to one is called sublinear.

    Parameters
    ----------
    sequence : the errors $e_k \ge 0$; or points, with their `limit`; or the result of `minimize`, whose errors are
        the distances of its points from the `limit` if it was run with `keep_path=True` and a limit is given, and
        otherwise the lengths of its steps, which converge with the same order.
    limit : the point that the sequence tends to.
    scale : size of the numbers that the errors are differences of, which says where rounding begins; by default the
        norm of the limit or of the point that was found, and one for errors alone.

    Raises
    ------
    DataError
        for errors that are negative, or points without a limit.

    Examples
    --------
    >>> round(convergence_order([1e-1, 1e-2, 1e-4, 1e-8]).order, 6)
    2.0
    >>> found = convergence_order([0.5**k for k in range(20)])
    >>> round(found.order, 6), round(found.rate, 6), found.kind
    (1.0, 0.5, 'linear')

    References
    ----------
    Ortega, Rheinboldt, "Iterative Solution of Nonlinear Equations in Several Variables" (1970), chapter 9.
    """
    errors, size = _errors(sequence, limit)
    size = size if scale is None else scale
    first, last = _usable(errors, ROUNDING * np.finfo(np.float64).eps * size)
    tail = np.log(errors[first : last + 1])
    if len(tail) < 3:
        return ConvergenceOrder(np.nan, np.nan, first, last, "unknown")
    order = _order(tail)
    if abs(order - 1) < 0.1:
        steps = np.diff(tail[-(TAIL + 1) :])
        rate = float(np.exp(np.mean(steps)))
        return ConvergenceOrder(order, rate, first, last, "sublinear" if _slowing(np.diff(tail)) else "linear")
    rate = float(np.exp(tail[-1] - order * tail[-2]))
    return ConvergenceOrder(order, rate, first, last, _kind(order))


def _errors(sequence: Any, limit: Any) -> tuple[np.ndarray, float]:
    ended = isinstance(sequence, OptimizationResult)
    trace = sequence.trace if ended else sequence
    near = sequence.x if ended and limit is None else limit
    size = 1.0 if near is None else max(float(np.linalg.norm(_flat(near))), np.finfo(np.float64).tiny)
    if isinstance(trace, Trace):
        if trace.x is None or limit is None:
            return _checked(np.asarray(trace.step, np.float64)[1:]), size
        points = _rows(trace.x)
        return _checked(np.linalg.norm(points - _flat(limit), axis=1)), size
    numbers = np.asarray(sequence, np.float64)
    if limit is not None:
        return _checked(np.linalg.norm(_rows(numbers) - _flat(limit), axis=1)), size
    return _checked(numbers), size


def _flat(tree: Any) -> np.ndarray:
    return _rows(jax.tree.map(lambda leaf: np.asarray(leaf)[None], tree))[0]


def _rows(tree: Any) -> np.ndarray:
    leaves = [np.asarray(leaf, np.float64) for leaf in jax.tree.leaves(tree)]
    return np.concatenate([leaf.reshape(len(leaf), -1) for leaf in leaves], axis=1)


def _checked(errors: np.ndarray) -> np.ndarray:
    if errors.ndim != 1:
        raise DataError(
            "points were given without their limit",
            expected="a sequence of errors, or points together with limit=",
            got=f"an array of shape {errors.shape}",
            fix="pass limit= as well",
        )
    if np.any(errors < 0):
        raise DataError("an error is negative", expected="distances", got=f"{errors.min()}", fix="pass their moduli")
    return errors


def _usable(errors: np.ndarray, floor: float) -> tuple[int, int]:
    """First and last row of the monotone tail above rounding."""
    above = np.flatnonzero(~(errors > floor))
    last = int(above[0]) - 1 if len(above) else len(errors) - 1
    first = last
    while first > 0 and errors[first - 1] > errors[first]:
        first -= 1
    return first, last


def _order(tail: np.ndarray) -> float:
    """The slope of log e_{k+1} over log e_k at the end: of the last two steps, or of all of a linear tail."""
    steps = np.diff(tail)
    last = steps[-1] / steps[-2]
    if abs(last - 1) > 0.2 or len(tail) < 5:
        return float(last)
    kept = tail[-(TAIL + 1) :]
    centered = kept[:-1] - kept[:-1].mean()
    return float(centered @ (kept[1:] - kept[1:].mean()) / (centered @ centered))


def _slowing(steps: np.ndarray) -> bool:
    """Whether the factor drifts to one as for e_k = 1/k^p, whose last quarter falls 0.71 times as fast as the third."""
    quarter = len(steps) // 4
    if quarter < 4:
        return False
    return bool(np.mean(steps[-quarter:]) / np.mean(steps[-2 * quarter : -quarter]) < 0.85)


def _kind(order: float) -> str:
    if order < 0.9:
        return "sublinear"
    if abs(order - 2) < 0.15:
        return "quadratic"
    if abs(order - 3) < 0.2:
        return "cubic"
    return "superlinear"
