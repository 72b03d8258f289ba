"""The elastic net of one target along a sequence of strengths, on the host."""

from __future__ import annotations

import contextlib
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int
from threadpoolctl import threadpool_limits

from pullback.models.linear.active_set import ActiveSet
from pullback.models.linear.coordinate_descent import coordinate_descent
from pullback.models.linear.duality_gap import duality_gap, small_gap

# The sets of a strength are found from those of a strength that is larger by this factor at most.
LARGEST_STEP = 2.0
# From this number of columns on a second thread is worth less than what it costs where other work shares the cores.
ONE_THREAD_FROM = 128


class HostDescent(NamedTuple):
    """Coefficients, shape (k, p), and objective, duality gap and iterations at each strength."""

    coef: Float[np.ndarray, "k p"]
    objective: Float[np.ndarray, " k"]
    duality_gap: Float[np.ndarray, " k"]
    iterations: Int[np.ndarray, " k"]


def descend(
    G: Float[np.ndarray, "p p"],
    q: Float[np.ndarray, " p"],
    s: float,
    alphas: Float[np.ndarray, " k"],
    l1_ratio: float,
    *,
    positive: bool = False,
    tolerance: float = 1e-8,
    max_iterations: int = 10_000,
) -> HostDescent:
    """The minima at falling strengths, each by the active set of the one before.

    Where active sets do not come to rest, as where columns depend on each other, coordinate descent goes on.
    """
    l1, l2 = alphas * l1_ratio, alphas * (1 - l1_ratio)
    penalties = list(zip(l1.tolist(), l2.tolist(), strict=True))
    single = threadpool_limits(1, user_api="blas") if len(q) >= ONE_THREAD_FROM else contextlib.nullcontext()
    with single:
        sets = ActiveSet(G.copy(), q, s, positive=positive, tolerance=tolerance)
        _approach(sets, float(np.abs(q).max()), *penalties[0])
        coef, rounds = np.zeros((len(alphas), len(q))), np.zeros(len(alphas), int)
        for k, penalty in enumerate(penalties):
            found = sets.solve(*penalty)
            coef[k] = np.nan if found is None else found
            rounds[k] = sets.rounds - rounds[:k].sum()
    c = q - coef @ G
    objective = duality_gap(q, s, coef, c, l1, l2, positive)
    for k in np.flatnonzero(~small_gap(objective, s, tolerance)):
        start = coef[k - 1] if k else np.zeros_like(q)
        coef[k], sweeps = _by_coordinates(G, q, s, *penalties[k], start, tolerance, max_iterations, positive)
        rounds[k] += sweeps
        at = duality_gap(q, s, coef[k], q - G @ coef[k], l1[k], l2[k], positive)
        objective.value[k], objective.gap[k] = at
    return HostDescent(coef, objective.value, np.maximum(objective.gap, 0), rounds)


def _approach(sets: ActiveSet, largest: float, l1: float, l2: float) -> None:
    if l1 <= 0 or largest <= l1 * LARGEST_STEP:
        return
    steps = int(np.ceil(np.log(largest / l1) / np.log(LARGEST_STEP)))
    for between in np.geomspace(largest, l1, steps + 1)[1:-1]:
        sets.solve(float(between), l2)


def _by_coordinates(
    G: np.ndarray,
    q: np.ndarray,
    s: float,
    l1: float,
    l2: float,
    start: np.ndarray,
    tolerance: float,
    max_iterations: int,
    positive: bool,
) -> tuple[np.ndarray, int]:
    with jax.enable_x64(True):
        problem = (jnp.asarray(value, jnp.float64) for value in (G, q, s, l1, l2, start, tolerance))
        found = coordinate_descent(*problem, jnp.asarray(max_iterations), positive)
        return np.asarray(found.b), int(found.sweeps)
