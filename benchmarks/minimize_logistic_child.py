"""One measured process: `python -m benchmarks.minimize_logistic_child PROGRAM TOLERANCE` prints JSON."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

ROWS, COLUMNS = 10_000, 100
# The inverse weight of the penalty in scikit-learn's terms: its default.
C = 1.0
REPEATS = 7


def table() -> tuple[np.ndarray, np.ndarray]:
    """Normal columns, and labels 0 and 1 drawn by the logistic model with weights of length about 2."""
    random = np.random.default_rng(0)
    X = random.standard_normal((ROWS, COLUMNS))
    weights = 2 * random.standard_normal(COLUMNS) / np.sqrt(COLUMNS)
    return X, (random.random(ROWS) < 1 / (1 + np.exp(-X @ weights))).astype(float)


def gradient_norm(X: np.ndarray, y: np.ndarray, weights: np.ndarray, intercept: float) -> float:
    """Of the mean loss with its penalty, by NumPy: the same for both programs."""
    residual = (1 / (1 + np.exp(-(X @ weights + intercept))) - y) / len(y)
    return float(np.linalg.norm(np.append(X.T @ residual + weights / (C * len(y)), residual.sum())))


def pullback(X: np.ndarray, y: np.ndarray, tolerance: float) -> tuple[Callable[[], Any], Callable[[Any], Any]]:
    """A call of `minimize`, and how to read weights, intercept and steps from what it returns."""
    import jax.numpy as jnp

    from pullback.optim import minimize

    def mean_loss(parameters: Any, X: Any, y: Any) -> Any:
        weights, intercept = parameters
        z = X @ weights + intercept
        return jnp.mean(jnp.logaddexp(0.0, z) - y * z) + jnp.vdot(weights, weights) / (2 * C * len(y))

    def call() -> Any:
        start = (np.zeros(COLUMNS), np.zeros(()))
        return minimize(mean_loss, start, args=(X, y), method="lbfgs", tolerance=tolerance)

    return call, lambda found: (found.x[0], float(found.x[1]), int(found.steps))


def scikit_learn(X: np.ndarray, y: np.ndarray, tolerance: float) -> tuple[Callable[[], Any], Callable[[Any], Any]]:
    """A fit, and how to read it; the tolerance is on the largest entry of the gradient."""
    from sklearn.linear_model import LogisticRegression

    def call() -> Any:
        return LogisticRegression(C=C, solver="lbfgs", tol=tolerance, max_iter=1000).fit(X, y)

    return call, lambda found: (found.coef_[0], float(found.intercept_[0]), int(found.n_iter_[0]))


PROGRAMS = {"pullback": pullback, "scikit_learn": scikit_learn}


def seconds(call: Callable[[], Any]) -> float:
    """Of one call."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


if __name__ == "__main__":
    X, y = table()
    call, read = PROGRAMS[sys.argv[1]](X, y, float(sys.argv[2]))
    first = seconds(call)
    weights, intercept, steps = read(call())
    found = {
        "first": first,
        "seconds": statistics.median(seconds(call) for _ in range(REPEATS)),
        "steps": steps,
        "gradient_norm": gradient_norm(X, y, weights, intercept),
    }
    print(json.dumps(found))
