"""One measured process: `python -m benchmarks.lasso_path_child PROGRAM` prints JSON."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

ROWS, COLUMNS, NONZERO, STRENGTHS = 5_000, 2_000, 100, 100
NOISE = 5.0
REPEATS = 3
# scikit-learn measures its gap by the square of the target; this is its default, and enough here.
TOLERANCES = {"pullback": 1e-6, "scikit_learn": 1e-4}


def table() -> tuple[np.ndarray, np.ndarray]:
    """Normal columns, of which some make the target."""
    random = np.random.default_rng(0)
    X = random.standard_normal((ROWS, COLUMNS))
    y = X[:, :NONZERO] @ random.standard_normal(NONZERO) + NOISE * random.standard_normal(ROWS)
    return X - X.mean(0), y - y.mean()


def strengths(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """From the one that makes every coefficient zero down to a thousandth of it."""
    largest = np.abs(X.T @ y).max() / len(y)
    return np.geomspace(largest, largest * 1e-3, STRENGTHS)


def largest_gap(X: np.ndarray, y: np.ndarray, alphas: np.ndarray, coefs: np.ndarray) -> float:
    """The duality gap over the objective, the largest of all strengths, by NumPy: the same for both programs."""
    residual = y[:, None] - X @ coefs.T
    value = (residual**2).mean(0) / 2 + alphas * np.abs(coefs).sum(1)
    scale = np.minimum(1, alphas / np.abs(X.T @ residual / len(y)).max(0))
    dual = scale * (y @ residual) / len(y) - scale**2 * (residual**2).mean(0) / 2
    return float(np.max((value - dual) / value))


def pullback(X: np.ndarray, y: np.ndarray, alphas: np.ndarray) -> np.ndarray:
    """Active sets on the products of the columns."""
    from pullback.models.linear.elastic_net_path import fit_elastic_net_path

    return fit_elastic_net_path(X, y, alphas=alphas, fit_intercept=False, tolerance=TOLERANCES["pullback"]).coef


def scikit_learn(X: np.ndarray, y: np.ndarray, alphas: np.ndarray) -> np.ndarray:
    """Coordinate descent on the products of the columns, its faster form here."""
    from sklearn.linear_model import lasso_path

    options: dict[str, Any] = {"alphas": alphas, "precompute": True}
    return lasso_path(X, y, **options, tol=TOLERANCES["scikit_learn"], max_iter=10_000)[1].T


PROGRAMS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {
    "pullback": pullback,
    "scikit_learn": scikit_learn,
}


def main(program: str) -> None:
    """Print what one process finds."""
    X, y = table()
    # The layout that each program likes best.
    X = np.asfortranarray(X) if program == "scikit_learn" else X
    alphas = strengths(X, y)
    start = time.perf_counter()
    coefs = PROGRAMS[program](X, y, alphas)
    first = time.perf_counter() - start
    seconds, processor = [], []
    for _ in range(REPEATS):
        start, used = time.perf_counter(), time.process_time()
        coefs = PROGRAMS[program](X, y, alphas)
        seconds.append(time.perf_counter() - start)
        processor.append(time.process_time() - used)
    found = {
        "seconds": statistics.median(seconds),
        "processor_seconds": statistics.median(processor),
        "first": first,
        "gap": largest_gap(X, y, alphas, coefs),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
