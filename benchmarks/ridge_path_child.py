"""One measured process: `python -m benchmarks.ridge_path_child PROGRAM SHAPE` prints JSON."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

SHAPES = {"tall": (10_000, 100), "square": (2_000, 500), "wide": (300, 2_000)}
ALPHAS = np.geomspace(1e-2, 1e4, 100)
REPEATS = 5


def table(rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Normal columns far from zero, correlated, and a target with noise."""
    random = np.random.default_rng(0)
    X = random.standard_normal((rows, columns)) + random.standard_normal((rows, 1)) + 5
    return X, X @ random.standard_normal(columns) / np.sqrt(columns) + random.standard_normal(rows)


def pullback(X: np.ndarray, y: np.ndarray) -> Callable[[], tuple[Any, ...]]:
    """A call that returns the penalty chosen, its fit and its leave-one-out error."""
    from pullback.models.linear.ridge import fit_ridge_path

    def call() -> tuple[Any, ...]:
        found = fit_ridge_path(X, y, alphas=ALPHAS)
        best = int(found.best)
        return ALPHAS[best], found.coef[best], found.intercept[best], found.leave_one_out_error[best]

    return call


def scikit_learn(X: np.ndarray, y: np.ndarray) -> Callable[[], tuple[Any, ...]]:
    """The same of the peer."""
    from sklearn.linear_model import RidgeCV

    def call() -> tuple[Any, ...]:
        found = RidgeCV(ALPHAS).fit(X, y)
        best: Any = found.best_score_
        return found.alpha_, found.coef_, found.intercept_, -best

    return call


PROGRAMS = {"pullback": pullback, "scikit_learn": scikit_learn}


def seconds(call: Callable[[], Any]) -> float:
    """Of one call."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


if __name__ == "__main__":
    X, y = table(*SHAPES[sys.argv[2]])
    call = PROGRAMS[sys.argv[1]](X, y)
    first = seconds(call)
    alpha, coef, intercept, error = call()
    residual = y - X @ coef - intercept
    found = {
        "first": first,
        "seconds": statistics.median(seconds(call) for _ in range(REPEATS)),
        "alpha": float(alpha),
        "objective": float(residual @ residual + alpha * coef @ coef),
        "error": float(error),
    }
    print(json.dumps(found))
