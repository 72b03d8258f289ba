"""Coordinate descent against closed forms and scikit-learn's."""

import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import ElasticNet as SklearnElasticNet
from sklearn.linear_model import Lasso

from pullback.core.errors import ConfigurationError
from pullback.optim import Reason, minimize
from pullback.optim.methods.coordinate_descent import ORDERS, CoordinateDescent
from pullback.optim.proximal import L1, ElasticNet, GroupL2
from pullback.testing.problems.quadratic import quadratic
from pullback.testing.problems.rosenbrock import rosenbrock

X, TARGET = map(np.asarray, load_diabetes(return_X_y=True))
CENTERED = X - X.mean(0)
DEVIATION = TARGET - TARGET.mean()


def mean_squares(w):
    return jnp.sum((CENTERED @ w - DEVIATION) ** 2) / (2 * len(DEVIATION))


@pytest.mark.parametrize("order", ORDERS)
def test_lasso_of_the_diabetes_data(order):
    found = minimize(mean_squares, np.zeros(10), method=CoordinateDescent(order, L1(0.5)), tolerance=1e-8)
    reference = Lasso(alpha=0.5, tol=1e-12, max_iter=100_000).fit(X, TARGET)
    np.testing.assert_allclose(found.x, reference.coef_, atol=1e-4)
    # The published digits of this fit, and its zeros.
    assert dict(zip((2, 3, 6, 8), found.x[[2, 3, 6, 8]].round(4), strict=True)) == pytest.approx(
        {2: 471.0136, 3: 136.5169, 6: -58.3401, 8: 408.0219}, abs=1.01e-4
    )
    assert np.count_nonzero(found.x) == 4
    assert found.reason == Reason.stationary


def test_elastic_net_without_negative_weights():
    found = minimize(
        mean_squares,
        np.zeros(10),
        method=CoordinateDescent(nonsmooth=ElasticNet(0.05, 0.05)),
        bounds=(0, np.inf),
        tolerance=1e-8,
    )
    reference = SklearnElasticNet(alpha=0.1, l1_ratio=0.5, positive=True, tol=1e-12, max_iter=100_000).fit(X, TARGET)
    np.testing.assert_allclose(found.x, reference.coef_, atol=1e-5)
    assert np.any(found.x == 0)


def test_a_sweep_on_a_quadratic_is_one_of_gauss_and_seidel():
    """x solves A x = b; the sweep solves (L + D) x' = b - U x with A = L + D + U."""
    a = np.array([[4.0, 1.0, -1.0], [1.0, 3.0, 0.5], [-1.0, 0.5, 5.0]])
    b = np.array([1.0, -2.0, 0.5])
    start = np.array([1.0, 1.0, -1.0])
    found = minimize(lambda x: x @ a @ x / 2 - b @ x, start, method="coordinate_descent", max_steps=3, keep_path=True)
    x = start
    for reached in found.trace.x[1:]:
        x = np.linalg.solve(np.tril(a), b - np.triu(a, 1) @ x)
        np.testing.assert_allclose(reached, x, rtol=1e-12)


@pytest.mark.parametrize("order", ["random", "greedy", "block"])
def test_every_order_ends_in_the_minimum_of_a_quadratic(order):
    problem = quadratic(np.array([1.0, 2.0, 5.0, 10.0, 3.0]))
    found = minimize(problem.function, problem.start, method=CoordinateDescent(order))
    assert found.converged
    np.testing.assert_allclose(found.x, problem.minimizers[0], atol=1e-6)


def test_one_block_of_all_is_newton_on_rosenbrock():
    problem = rosenbrock()
    found = minimize(problem.function, problem.start, method=CoordinateDescent("block"))
    assert found.converged and found.steps <= 40
    np.testing.assert_allclose(found.x, [1, 1], atol=1e-6)


def test_the_value_never_rises():
    problem = rosenbrock()
    found = minimize(problem.function, problem.start, method="coordinate_descent", max_steps=200)
    assert np.all(np.diff(found.trace.value) <= 1e-14)
    assert found.trace.value[-1] < 0.2


def test_bounds_are_kept():
    found = minimize(
        lambda x: (x[0] - 2) ** 2 + (x[0] + x[1]) ** 2 + x[1] ** 4,
        [0.0, 0.0],
        method="coordinate_descent",
        bounds=(-1, 1),
    )
    # On x = 1 the rest, 2 (1 + y) + 4 y^3 = 0, has one real root.
    root = np.roots([4, 0, 2, 2])
    expected = root[np.abs(root.imag) < 1e-9].real
    np.testing.assert_allclose(found.x, [1, expected[0]], atol=1e-6)
    assert found.converged


def test_groups_need_blocks():
    with pytest.raises(ConfigurationError, match="GroupL2"):
        CoordinateDescent(nonsmooth=GroupL2(2))
    with pytest.raises(ConfigurationError, match="order"):
        CoordinateDescent("cyclical")
