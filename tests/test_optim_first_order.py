"""Gradient descent, steepest descent and nonlinear conjugate gradients against closed forms and published runs."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
import scipy.sparse.linalg

from pullback.core.errors import ConfigurationError
from pullback.optim import minimize
from pullback.optim.line_search import BarzilaiBorwein, Exact
from pullback.optim.methods import GradientDescent, NonlinearCG, SteepestDescent
from pullback.optim.methods.nonlinear_cg import FORMULAS
from pullback.optim.schedules import Exponential

HESSIAN = np.array([[3.0, 1.0, 0.2], [1.0, 2.0, -0.3], [0.2, -0.3, 5.0]])
START = np.array([1.0, -2.0, 0.5])


def rosenbrock(x):
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def quadratic(x):
    return x @ jnp.asarray(HESSIAN) @ x / 2


def test_the_published_run_on_rosenbrock_to_every_printed_digit():
    found = minimize(rosenbrock, [-1.2, 1.0], method="gradient_descent", max_steps=1000)
    assert tuple(found.x.round(8)) == (0.32726277, 0.1040128)


def test_gradient_descent_on_a_quadratic_is_a_matrix_power():
    method = GradientDescent(0.1)
    found = minimize(quadratic, START, method=method, max_steps=30, tolerance=0.0, keep_path=True)
    for k in (1, 7, 30):
        expected = np.linalg.matrix_power(np.eye(3) - 0.1 * HESSIAN, k) @ START
        np.testing.assert_allclose(found.trace.x[k], expected, rtol=1e-12)


def test_a_schedule_is_followed():
    found = minimize(quadratic, START, method=GradientDescent(Exponential(0.1, 0.9)), max_steps=10, keep_path=True)
    x = START
    for k in range(10):
        x = x - 0.1 * 0.9**k * HESSIAN @ x
    np.testing.assert_allclose(found.x, x, rtol=1e-6)
    np.testing.assert_allclose(found.trace.step_length[1:], 0.1 * 0.9 ** np.arange(10), rtol=1e-6)


@pytest.mark.parametrize("condition", [5.0, 100.0])
def test_the_zig_zag_attains_the_rate_of_kantorovich(condition):
    """From (kappa, 1) on diag(1, kappa) every step of the exact search shrinks the value by the worst factor."""
    found = minimize(
        lambda x: (x[0] ** 2 + condition * x[1] ** 2) / 2,
        [condition, 1.0],
        method=SteepestDescent(line_search=Exact()),
        max_steps=20,
        tolerance=1e-8,
        keep_path=True,
    )
    worst = ((condition - 1) / (condition + 1)) ** 2
    np.testing.assert_allclose(found.trace.value[1:] / found.trace.value[:-1], worst, rtol=1e-9)
    # Successive gradients are orthogonal.
    gradients = found.trace.x * np.array([1.0, condition])
    cosines = np.sum(gradients[1:] * gradients[:-1], axis=1) / np.sum(gradients[:-1] ** 2, axis=1)
    np.testing.assert_allclose(cosines, 0, atol=1e-9)


@pytest.mark.parametrize("norm", ["euclidean", "one", "infinity"])
def test_the_direction_is_the_steepest_of_its_norm(norm):
    """It minimizes g'd + |d|^2 / 2: the dual norm, -|g|_*^2 / 2, is reached and never passed (Boyd 9.4)."""
    order, dual = {"euclidean": (2, 2), "one": (1, np.inf), "infinity": (np.inf, 1)}[norm]
    random = np.random.default_rng(0)
    for g in random.normal(size=(20, 4)):
        with jax.enable_x64(True):
            d = np.asarray(SteepestDescent(norm).direction(jnp.asarray(g)))
        reached = g @ d + np.linalg.norm(d, order) ** 2 / 2
        np.testing.assert_allclose(reached, -(np.linalg.norm(g, dual) ** 2) / 2, rtol=1e-12)
        others = random.normal(size=(50, 4))
        assert np.all(others @ g + np.linalg.norm(others, order, axis=1) ** 2 / 2 >= reached)


def test_steepest_descent_in_the_norm_of_the_hessian_is_newtons_method():
    method = SteepestDescent("matrix", matrix=HESSIAN, line_search=Exact())
    found = minimize(quadratic, START, method=method)
    assert int(found.steps) == 1
    np.testing.assert_allclose(found.x, 0, atol=1e-12)


@pytest.mark.parametrize("norm", ["euclidean", "one", "infinity"])
def test_steepest_descent_arrives(norm):
    found = minimize(quadratic, START, method=SteepestDescent(norm))
    assert found.converged
    np.testing.assert_allclose(found.x, 0, atol=1e-6)


@pytest.mark.parametrize("formula", FORMULAS)
def test_conjugate_gradients_end_within_n_steps_on_a_quadratic(formula):
    """With the exact search every formula is the linear method, which SciPy's iterates are."""
    random = np.random.default_rng(1)
    matrix = random.normal(size=(6, 6))
    matrix = matrix @ matrix.T + np.eye(6)
    b = random.normal(size=6)
    iterates = []
    scipy.sparse.linalg.cg(matrix, b, rtol=1e-14, maxiter=6, callback=lambda x: iterates.append(x.copy()))
    found = minimize(
        lambda x: x @ jnp.asarray(matrix) @ x / 2 - jnp.asarray(b) @ x,
        np.zeros(6),
        method=NonlinearCG(formula, line_search=Exact()),
        tolerance=1e-9,
        keep_path=True,
    )
    assert int(found.steps) <= 6
    for k in (1, 2, 3, 5):
        np.testing.assert_allclose(found.trace.x[k], iterates[k - 1], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("formula", FORMULAS)
def test_rosenbrock_in_no_more_steps_than_scipys_conjugate_gradients(formula):
    found = minimize(rosenbrock, [-1.2, 1.0], method=NonlinearCG(formula))
    reference = scipy.optimize.minimize(
        scipy.optimize.rosen, [-1.2, 1.0], jac=scipy.optimize.rosen_der, method="CG", options={"gtol": 1e-6}
    )
    assert found.converged
    assert float(found.gradient_norm) <= 1e-6
    assert int(found.steps) <= 1.2 * min(reference.nit, 37)
    np.testing.assert_allclose(found.x, 1, atol=1e-5)


@pytest.mark.parametrize("formula", ["long", "short", "alternating"])
def test_barzilai_borwein_beats_the_best_fixed_rate_on_a_quadratic(formula):
    spectrum = np.linspace(1.0, 100.0, 8)

    def function(x):
        return jnp.sum(jnp.asarray(spectrum) * x**2) / 2

    fixed = minimize(function, np.ones(8), method=GradientDescent(2 / 101))
    found = minimize(function, np.ones(8), method=GradientDescent(BarzilaiBorwein(formula)))
    assert fixed.converged
    assert found.converged
    assert int(found.steps) < int(fixed.steps) / 3


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: SteepestDescent("two"), "euclidean"),
        (lambda: SteepestDescent("matrix"), "matrix=P"),
        (lambda: SteepestDescent("one", matrix=np.eye(2)), "norm='one'"),
        (lambda: NonlinearCG("fletcher"), "fletcher_reeves"),
    ],
)
def test_options_that_do_not_exist_are_refused(make, words):
    with pytest.raises(ConfigurationError, match=words):
        make()
