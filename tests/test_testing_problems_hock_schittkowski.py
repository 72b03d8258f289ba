"""The constrained problems of Hock and Schittkowski: SciPy's solvers end at the published optimum."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from pullback.testing.problems import HOCK_SCHITTKOWSKI

# f(start) by hand from the book's formulas.
INITIAL_VALUES = {
    "HS1": 909.0,
    "HS2": 909.0,
    "HS3": 1 + 81e-5,
    "HS4": 2.125**3 / 3 + 0.125,
    "HS5": 1.0,
    "HS6": 4.84,
    "HS7": np.log(5) - 2,
    "HS21": -98.99,
    "HS26": 21.16,
    "HS28": 13.0,
    "HS35": 2.25,
    "HS39": -2.0,
    "HS43": 0.0,
    "HS48": 84.0,
    "HS71": 16.0,
}


@pytest.fixture(autouse=True)
def _float64():
    with jax.enable_x64(True):
        yield


@pytest.fixture(params=HOCK_SCHITTKOWSKI, ids=lambda problem: problem.name)
def problem(request):
    return request.param


@functools.cache
def compiled(function):
    program = jax.jit(function)
    return lambda x: np.asarray(program(jnp.asarray(x, jnp.float64)))


def constraints(problem):
    kinds = (("eq", problem.equality), ("ineq", problem.inequality))
    return [
        {"type": kind, "fun": compiled(function), "jac": compiled(jax.jacfwd(function))}
        for kind, function in kinds
        if function is not None
    ]


def violation(problem, x) -> float:
    equal = compiled(problem.equality)(x) if problem.equality else np.zeros(1)
    unequal = compiled(problem.inequality)(x) if problem.inequality else np.zeros(1)
    outside = np.maximum(problem.lower - x, x - problem.upper)
    return max(float(np.max(np.abs(equal))), float(np.max(-unequal)), float(np.max(outside)))


def test_value_at_the_start(problem):
    assert compiled(problem.function)(problem.start) == pytest.approx(INITIAL_VALUES[problem.name], rel=1e-12)


def test_published_minimizer_is_allowed_and_attains_the_minimum(problem):
    for place in problem.minimizers:
        assert violation(problem, place) <= 1e-6
        # Of 71 both the place and the value are printed to eight or nine digits.
        assert compiled(problem.function)(place) == pytest.approx(problem.minimum, rel=5e-8, abs=1e-9)


def solve(problem, start):
    return scipy.optimize.minimize(
        compiled(problem.function),
        start,
        jac=compiled(jax.grad(problem.function)),
        method="SLSQP",
        bounds=scipy.optimize.Bounds(problem.lower, problem.upper),
        constraints=constraints(problem),
        options={"ftol": 1e-15, "maxiter": 1000},
    )


def test_sequential_quadratic_programming_of_scipy_ends_at_a_published_minimum(problem):
    found = solve(problem, problem.start)
    assert violation(problem, found.x) <= 1e-8
    published = [problem.minimum, *(other.value for other in problem.other_minima)]
    assert any(found.fun == pytest.approx(minimum, rel=1e-8, abs=1e-7) for minimum in published), found.fun


def test_second_problem_has_two_minima_on_its_bound():
    problem = next(problem for problem in HOCK_SCHITTKOWSKI if problem.name == "HS2")
    other = problem.other_minima[0]
    for place, least in ((problem.minimizers[0], problem.minimum), (other.location, other.value)):
        found = solve(problem, place + 0.05)
        np.testing.assert_allclose(found.x, place, atol=1e-6)
        assert found.fun == pytest.approx(least, rel=1e-8)


def test_dtype_follows_the_argument(problem):
    for dtype in (jnp.float32, jnp.float64):
        x = jnp.asarray(problem.start, dtype)
        assert jax.eval_shape(problem.function, x).dtype == dtype
        for function in (problem.equality, problem.inequality):
            assert function is None or jax.eval_shape(function, x).dtype == dtype
