"""One measured process: `python -m benchmarks.logistic_fit_child PROGRAM` prints JSON."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

ROWS, COLUMNS = 100_000, 100
C = 1.0
REPEATS = 5


def table() -> tuple[np.ndarray, np.ndarray]:
    """Normal columns, and labels 0 and 1 drawn by the logistic model with weights of length about 2."""
    random = np.random.default_rng(0)
    X = random.standard_normal((ROWS, COLUMNS))
    weights = 2 * random.standard_normal(COLUMNS) / np.sqrt(COLUMNS)
    return X, (random.random(ROWS) < 1 / (1 + np.exp(-X @ weights))).astype(float)


def objective(X: np.ndarray, y: np.ndarray, coef: np.ndarray, intercept: float) -> float:
    """The penalized loss, by NumPy: the same for all programs."""
    z = X @ coef + intercept
    return float(np.logaddexp(0, z).sum() - y @ z + coef @ coef / (2 * C))


def pullback(X: np.ndarray, y: np.ndarray) -> Callable[[], Any]:
    """A call of `fit_logistic`, the arrays already JAX's."""
    import jax
    import jax.numpy as jnp

    from pullback.models.linear.logistic import fit_logistic

    jax.config.update("jax_enable_x64", True)
    X_, y_ = jnp.asarray(X), jnp.asarray(y)
    return lambda: jax.block_until_ready(fit_logistic(X_, y_, C=C, tolerance=1e-6))


def scikit_learn(solver: str, tolerance: float) -> Callable[[np.ndarray, np.ndarray], Callable[[], Any]]:
    """A call of scikit-learn's estimator."""

    def prepare(X: np.ndarray, y: np.ndarray) -> Callable[[], Any]:
        from sklearn.linear_model import LogisticRegression

        return lambda: LogisticRegression(C=C, solver=solver, tol=tolerance).fit(X, y)

    return prepare


# Tolerances that leave each within a part of 1e-6 of the smallest objective.
PROGRAMS: dict[str, Callable[[np.ndarray, np.ndarray], Callable[[], Any]]] = {
    "pullback": pullback,
    "lbfgs": scikit_learn("lbfgs", 1e-4),
    "newton-cholesky": scikit_learn("newton-cholesky", 1e-4),
}


def main(program: str) -> None:
    """Print what one process finds."""
    X, y = table()
    call = PROGRAMS[program](X, y)
    start = time.perf_counter()
    found = call()
    first = time.perf_counter() - start
    seconds, processor = [], []
    for _ in range(REPEATS):
        start, used = time.perf_counter(), time.process_time()
        found = call()
        seconds.append(time.perf_counter() - start)
        processor.append(time.process_time() - used)
    coef, intercept = (found.coef, found.intercept) if program == "pullback" else (found.coef_[0], found.intercept_[0])
    value = objective(X, y, np.asarray(coef), float(intercept))
    times = {"seconds": statistics.median(seconds), "processor_seconds": statistics.median(processor), "first": first}
    print(json.dumps(times | {"objective": value}))


if __name__ == "__main__":
    main(sys.argv[1])
