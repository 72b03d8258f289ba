"""The problems of Moré, Garbow and Hillstrom from their standard starts, by every method for smooth functions.

Run as a program it prints the table of docs/optimization.md.
"""

from __future__ import annotations

import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pullback.optim import Reason, minimize
from pullback.optim.methods import Newton, TrustRegion, get_method
from pullback.testing.problems import MORE_GARBOW_HILLSTROM

PAGE = Path(__file__).parent.parent / "docs" / "optimization.md"
PROBLEMS = MORE_GARBOW_HILLSTROM[:18]
METHODS = {
    name: get_method(name)
    for name in ("bfgs", "lbfgs", "sr1", "nonlinear_cg", "truncated_newton", "gauss_newton", "levenberg_marquardt")
} | {
    "newton": Newton("modified_cholesky"),
    "trust_region": TrustRegion(),
    "nelder_mead": get_method("nelder_mead"),
}
# The published values have six digits.
DIGITS = 5e-6
MINIMUM, OTHER, STATIONARY = "●", "○", "◇"
REASONS = [
    (Reason.step_limit, "s"),
    (Reason.plateau, "p"),
    (Reason.line_search_failed, "l"),
    (Reason.radius_collapsed, "r"),
    (Reason.saddle, "x"),
    (Reason.simplex_flat, "f"),
    (Reason.converged, "c"),
    (Reason.stationary, "c"),
    (Reason.simplex_collapsed, "c"),
    (Reason.not_finite, "n"),
]


def is_near(value, published):
    return abs(value - published) <= max(1e-6, DIGITS * abs(published))


def is_stationary(function, x):
    """Whether JAX's gradient vanishes there: minima at infinity and saddles are not published."""
    with jax.enable_x64(True):
        gradient = jax.grad(lambda x: jnp.sum(function(x) ** 2 if jnp.ndim(function(x)) else function(x)))(
            jnp.asarray(x)
        )
    return float(np.linalg.norm(np.asarray(gradient))) <= 1e-5


def outcome(problem, method):
    """What the method found, as a sign, and the value."""
    function = problem.residuals if method.squares else problem.function
    found = minimize(function, np.asarray(problem.start), method=method, tolerance=1e-8, max_steps=3000)
    value = float(found.value) * (2 if method.squares else 1)
    if is_near(value, problem.minimum):
        return MINIMUM, value
    if any(is_near(value, other.value) for other in problem.other_minima):
        return OTHER, value
    if found.converged and is_stationary(function, found.x):
        return STATIONARY, value
    return next(sign for reason, sign in REASONS if bool(found.reason == reason)), value


@pytest.mark.slow
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_a_published_minimum_or_a_reason(problem):
    """Whoever says that it converged stands at a published minimum, and the page's table holds."""
    row = printed_table()[problem.name]
    for name, method in METHODS.items():
        sign, value = outcome(problem, method)
        # Only a sign of its own for a stationary point that JAX confirms.
        assert sign != "c", f"{name} speaks of convergence at {value}, published is {problem.minimum}"
        if row[name] in (MINIMUM, OTHER):
            assert sign in (MINIMUM, OTHER), f"{name} ended with {sign!r} at {value}"


@pytest.mark.parametrize("method", ["bfgs", "levenberg_marquardt"])
def test_three_of_them_always(method):
    named = {problem.name: problem for problem in MORE_GARBOW_HILLSTROM}
    for name in ("Powell badly scaled", "helical valley", "Brown and Dennis"):
        assert outcome(named[name], METHODS[method])[0] == MINIMUM


def test_the_table_has_every_problem_and_method():
    table = printed_table()
    assert list(table) == [problem.name for problem in PROBLEMS]
    assert len(table) >= 15
    signs = {MINIMUM, OTHER, STATIONARY, *(sign for _, sign in REASONS)} - {"c"}
    assert all(set(row) == set(METHODS) and set(row.values()) <= signs for row in table.values())
    assert f"`{'` `'.join(METHODS)}`" in " ".join(PAGE.read_text().split())


def printed_table():
    """Rows of the page's table: problem, then a sign for each method in the order of `METHODS`."""
    rows = re.findall(r"^\| ([^|]+?) \| ([^|]+) \|$", PAGE.read_text().split("## Moré", 1)[1], re.MULTILINE)
    return {name: dict(zip(METHODS, signs.split(), strict=True)) for name, signs in rows if signs.strip() != "found"}


if __name__ == "__main__":
    for problem in PROBLEMS:
        signs = [outcome(problem, method)[0] for method in METHODS.values()]
        print(f"| {problem.name} | {' '.join(signs)} |", flush=True)
