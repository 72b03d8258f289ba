"""One measured process: `python -m benchmarks.lasso_path_child PROGRAM` prints JSON, of the times or of the minima."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any, cast

import numpy as np

ROWS, COLUMNS, NONZERO, STRENGTHS = 5_000, 2_000, 100, 100
NOISE = 5.0
REPEATS = 3
# scikit-learn measures its gap by the square of the target; this is its default, and enough here: see the objectives.
TOLERANCES = {"pullback": 1e-6, "scikit_learn": 1e-4}


Path = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


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


def objectives(X: np.ndarray, y: np.ndarray, alphas: np.ndarray, coefs: np.ndarray) -> np.ndarray:
    """What was made small at each strength, by NumPy: the same for both programs."""
    residual = y[:, None] - X @ coefs.T
    return (residual**2).mean(0) / 2 + alphas * np.abs(coefs).sum(1)


def pullback() -> Path:
    """Active sets on the products of the columns."""
    from pullback.models.linear.elastic_net_path import fit_elastic_net_path

    options: dict[str, Any] = {"fit_intercept": False, "tolerance": TOLERANCES["pullback"]}
    return lambda X, y, alphas: fit_elastic_net_path(X, y, alphas=alphas, **options).coef


def scikit_learn() -> Path:
    """Coordinate descent on the products of the columns, its faster form here."""
    from sklearn.linear_model import lasso_path

    options: dict[str, Any] = {"precompute": True, "tol": TOLERANCES["scikit_learn"], "max_iter": 10_000}
    return lambda X, y, alphas: lasso_path(X, y, **options, alphas=cast(Any, alphas))[1].T


# Loading the modules is not part of the first call.
PROGRAMS: dict[str, Callable[[], Path]] = {"pullback": pullback, "scikit_learn": scikit_learn}


def main(program: str, what: str = "times") -> None:
    """Print what one process finds."""
    X, y = table()
    # The layout that each program likes best.
    X = np.asfortranarray(X) if program == "scikit_learn" else X
    alphas = strengths(X, y)
    path = PROGRAMS[program]()
    start = time.perf_counter()
    coefs = path(X, y, alphas)
    first = time.perf_counter() - start
    if what == "minima":
        print(json.dumps({str(k): value for k, value in enumerate(objectives(X, y, alphas, coefs))}))
        return
    seconds, processor = [], []
    for _ in range(REPEATS):
        start, used = time.perf_counter(), time.process_time()
        path(X, y, alphas)
        seconds.append(time.perf_counter() - start)
        processor.append(time.process_time() - used)
    times = {"seconds": statistics.median(seconds), "processor_seconds": statistics.median(processor), "first": first}
    print(json.dumps(times))


if __name__ == "__main__":
    main(*sys.argv[1:])
