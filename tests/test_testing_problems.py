"""The classic test problems have the minima that closed forms, 30-digit arithmetic and scikit-learn give them."""

import functools

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
import scipy.optimize
from sklearn.linear_model import Lasso, LogisticRegression

from pullback.core.errors import DataError
from pullback.testing.problems import (
    CLASSICS,
    FURTHER_DIMENSIONS,
    MORE_GARBOW_HILLSTROM,
    lasso_data,
    logistic_regression,
    matrix_factorization,
    peaks,
    quadratic,
    quadratic_matrix,
    rastrigin,
    rosenbrock,
)
from pullback.testing.problems.logistic_regression import logistic_data

ALL = (*CLASSICS, *MORE_GARBOW_HILLSTROM[1:4], *MORE_GARBOW_HILLSTROM[5:], *FURTHER_DIMENSIONS)


@pytest.fixture(autouse=True)
def _float64():
    with jax.enable_x64(True):
        yield


@functools.cache
def compiled(problem):
    """The function and its gradient as one program, compiled once a problem."""
    return jax.jit(jax.value_and_grad(problem.function))


def value(problem, x) -> float:
    return float(compiled(problem)(jnp.asarray(x, jnp.float64))[0])


def descend(problem, start):
    """A minimum near the start by a solver that is not ours."""

    def evaluate(x):
        result, gradient = compiled(problem)(jnp.asarray(x))
        return float(result), np.asarray(gradient)

    return scipy.optimize.minimize(evaluate, start, jac=True, method="L-BFGS-B", options={"ftol": 0, "gtol": 1e-12})


@pytest.mark.parametrize("problem", ALL, ids=lambda problem: problem.name)
def test_dtype_follows_the_argument(problem):
    for dtype in (jnp.float32, jnp.float64):
        x = jnp.asarray(problem.start, dtype)
        result = jax.eval_shape(problem.function, x)
        assert (result.shape, result.dtype) == ((), dtype)
        if problem.residuals is not None:
            assert jax.eval_shape(problem.residuals, x).dtype == dtype
    assert problem.start.dtype == np.float64 and problem.start.shape == (problem.dimension,)


@pytest.mark.parametrize("problem", CLASSICS, ids=lambda problem: problem.name)
def test_minimizers_attain_the_minimum_and_nothing_near_is_lower(problem):
    random = np.random.default_rng(0)
    function = jax.jit(jax.vmap(problem.function))
    for place in problem.minimizers:
        assert value(problem, place) == pytest.approx(problem.minimum, abs=1e-12)
        near = place + 0.1 * random.uniform(0, 1, size=(200, 1)) * random.normal(size=(200, place.size))
        assert np.min(function(jnp.asarray(near))) >= problem.minimum - 1e-12


@pytest.mark.parametrize("problem", CLASSICS, ids=lambda problem: problem.name)
def test_problem_starts_away_from_its_minimum(problem):
    if problem.minimum is not None:
        assert value(problem, problem.start) > problem.minimum + 0.1


@pytest.mark.parametrize("problem", [rastrigin(), rastrigin(3), peaks()], ids=lambda problem: problem.name)
def test_other_minima_are_where_a_descent_ends(problem):
    assert problem.other_minima
    for other in problem.other_minima:
        found = descend(problem, other.location + 0.01)
        np.testing.assert_allclose(found.x, other.location, atol=1e-7)
        assert found.fun == pytest.approx(other.value, abs=1e-8)
        assert other.value > problem.minimum


def peaks_in_30_digits(first, second):
    left = 3 * (1 - first) ** 2 * mpmath.exp(-(first**2) - (second + 1) ** 2)
    middle = 10 * (first / 5 - first**3 - second**5) * mpmath.exp(-(first**2) - second**2)
    return left - middle - mpmath.exp(-((first + 1) ** 2) - second**2) / 3


def test_peaks_in_30_digits():
    places = [(peaks().minimum, peaks().minimizers[0]), *((o.value, o.location) for o in peaks().other_minima)]
    with mpmath.workdps(30):
        for least, place in places:

            def slopes(*x):
                return [mpmath.diff(peaks_in_30_digits, x, orders) for orders in ((1, 0), (0, 1))]

            exact = mpmath.findroot(slopes, [mpmath.mpf(float(entry)) for entry in place])
            np.testing.assert_allclose([float(entry) for entry in exact], place, rtol=1e-13)
            assert float(peaks_in_30_digits(*exact)) == pytest.approx(least, rel=1e-13)
    # As the reference of MATLAB prints it.
    assert f"{peaks().minimum:.4f}" == "-6.5511"
    assert [f"{entry:.4f}" for entry in peaks().minimizers[0]] == ["0.2283", "-1.6255"]


@pytest.mark.parametrize("condition", [3.0, 100.0, 1e4])
def test_steepest_descent_attains_the_kantorovich_rate_from_the_start_of_the_quadratic(condition):
    spectrum = np.geomspace(1.0, condition, 6)
    problem, matrix = quadratic(spectrum, seed=3), quadratic_matrix(spectrum, seed=3)
    np.testing.assert_allclose(np.linalg.eigvalsh(matrix), spectrum, rtol=1e-11)
    x, rate = problem.start, ((condition - 1) / (condition + 1)) ** 2
    for _ in range(10):
        gradient = np.asarray(compiled(problem)(jnp.asarray(x))[1])
        following = x - gradient @ gradient / (gradient @ matrix @ gradient) * gradient
        assert value(problem, following) == pytest.approx(rate * value(problem, x), rel=1e-8)
        x = following


def test_logistic_regression_is_scikit_learns():
    rows, columns, l2 = 200, 5, 0.01
    problem, data = logistic_regression(rows, columns, seed=2, l2=l2), logistic_data(rows, columns, seed=2)
    peer = LogisticRegression(C=1 / (rows * l2), fit_intercept=False, tol=1e-12, max_iter=10_000, solver="newton-cg")
    weights = peer.fit(data.design, data.labels).coef_[0]
    found = descend(problem, problem.start)
    np.testing.assert_allclose(found.x, weights, atol=1e-6)
    assert value(problem, weights) == pytest.approx(found.fun, abs=1e-12)


def test_lasso_solution_is_scikit_learns():
    data = lasso_data(20, 50, 5, 0.7, seed=1)
    peer = Lasso(alpha=0.7 / 20, fit_intercept=False, tol=1e-14, max_iter=1_000_000).fit(data.design, data.target)
    np.testing.assert_allclose(peer.coef_, data.solution, atol=1e-5)
    assert np.count_nonzero(data.solution) == 5


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_matrix_factorization_ends_at_the_bound_of_eckart_and_young(rank):
    problem = matrix_factorization(rank, seed=rank)
    assert descend(problem, problem.start).fun == pytest.approx(problem.minimum, abs=1e-8)
    _, gradient = compiled(problem)(jnp.zeros(problem.dimension, jnp.float64))
    assert np.all(gradient == 0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: rosenbrock(3),
        lambda: quadratic(np.array([1.0, -2.0])),
        lambda: quadratic(np.array([1.0])),
        lambda: matrix_factorization(rank=5),
    ],
)
def test_impossible_problems_are_refused(make):
    with pytest.raises(DataError):
        make()
