"""One measured process: `python -m benchmarks.logistic_bootstrap_child PROGRAM` prints JSON."""

from __future__ import annotations

import json
import sys
import time

import numpy as np

ROWS, COLUMNS, MEMBERS = 2_000, 20, 1_000
# Members that scikit-learn fits, whose time is scaled up to all.
FITTED = 100


def table() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Normal columns, labels of a logistic model, and how often each member draws each row."""
    random = np.random.default_rng(0)
    X = random.standard_normal((ROWS, COLUMNS))
    weights = 1.5 * random.standard_normal(COLUMNS) / np.sqrt(COLUMNS)
    y = (random.random(ROWS) < 1 / (1 + np.exp(-X @ weights))).astype(float)
    counts = np.zeros((MEMBERS, ROWS))
    np.add.at(counts, (np.arange(MEMBERS)[:, None], random.integers(0, ROWS, (MEMBERS, ROWS))), 1.0)
    return X, y, counts


def exact(X: np.ndarray, y: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Coefficients by Newton's method in NumPy to rounding."""
    Z, b = np.column_stack([np.ones(len(X)), X]), np.zeros(X.shape[1] + 1)
    for _ in range(30):
        p = 1 / (1 + np.exp(-Z @ b))
        b = b + np.linalg.solve(Z.T @ ((w * p * (1 - p))[:, None] * Z), Z.T @ (w * (y - p)))
    return b[1:]


def pullback(X: np.ndarray, y: np.ndarray, counts: np.ndarray) -> tuple[float, float, np.ndarray]:
    """Wall and processor seconds of all members, and the coefficients of the first."""
    from pullback.models.linear.generalized_linear import chosen_law
    from pullback.models.linear.generalized_linear_bootstrap import fit_members

    law = chosen_law("binomial", None, "fisher_scoring", False)
    fit_members(X, y, counts, law, 1e-2, 50)
    wall, processor = time.perf_counter(), time.process_time()
    found = fit_members(X, y, counts, law, 1e-2, 50)
    return time.perf_counter() - wall, time.process_time() - processor, found[0][0]


def scikit_learn(solver: str, X: np.ndarray, y: np.ndarray, counts: np.ndarray) -> tuple[float, float, np.ndarray]:
    """The same by a loop, at its default tolerance."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=np.inf, solver=solver)
    first = model.fit(X, y, sample_weight=counts[0]).coef_[0].copy()
    wall, processor = time.perf_counter(), time.process_time()
    for w in counts[:FITTED]:
        model.fit(X, y, sample_weight=w)
    scale = MEMBERS / FITTED
    return (time.perf_counter() - wall) * scale, (time.process_time() - processor) * scale, first


if __name__ == "__main__":
    X, y, counts = table()
    program = sys.argv[1]
    if program == "pullback":
        wall, processor, first = pullback(X, y, counts)
    else:
        wall, processor, first = scikit_learn(program, X, y, counts)
    difference = float(np.abs(first - exact(X, y, counts[0])).max())
    print(json.dumps({"seconds": wall, "processor": processor, "difference": difference}))
