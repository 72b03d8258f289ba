"""The gradient flow against SciPy's integrators and closed forms; measured orders of Euler and Runge-Kutta."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.linalg
import scipy.optimize

from pullback.core.errors import ConfigurationError, DataError, DerivativeError, ShapeError
from pullback.core.random import generator
from pullback.optim.dynamics import flow_order, gradient_flow, predicted_errors, quadratic_flow

START = np.array([-1.2, 1.0])


def hessian(n: int = 4) -> np.ndarray:
    rotation, _ = np.linalg.qr(generator(0, "hessian").normal(size=(n, n)))
    matrix = (rotation * np.linspace(0.3, 3.0, n)) @ rotation.T
    return (matrix + matrix.T) / 2


def rosenbrock(x: Any) -> Any:
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def rosenbrock_flow(end_time: float) -> np.ndarray:
    return scipy.integrate.solve_ivp(
        lambda _, x: -scipy.optimize.rosen_der(x), (0, end_time), START, method="DOP853", rtol=1e-13, atol=1e-13
    ).y[:, -1]


def test_quadratic_flow_is_the_matrix_exponential() -> None:
    matrix, start, times = hessian(), np.ones(4), np.array([0.0, 0.5, 2.0])
    expected = np.stack([scipy.linalg.expm(-matrix * t) @ start for t in times])
    np.testing.assert_allclose(quadratic_flow(matrix, start, times), expected, rtol=1e-11, atol=1e-13)


def test_runge_kutta_follows_scipy() -> None:
    path = gradient_flow(rosenbrock, START, 0.5, steps=20_000)
    assert path.shape == (20_001, 2) and path.dtype == np.float64
    np.testing.assert_array_equal(path[0], START)
    np.testing.assert_allclose(path[-1], rosenbrock_flow(0.5), rtol=1e-8)
    values = np.array([scipy.optimize.rosen(x) for x in path])
    assert (np.diff(values) < 0).all()


def test_euler_is_gradient_descent() -> None:
    matrix, start = hessian(), np.ones(4)
    path = gradient_flow(lambda x: x @ (jnp.asarray(matrix) @ x) / 2, start, 2.0, steps=20, method="euler")
    errors = predicted_errors(matrix, start, 0.1, steps=20, method="gradient_descent")
    np.testing.assert_allclose(path, errors, rtol=1e-11, atol=1e-13)


def test_euler_reaches_the_published_point_of_rosenbrock() -> None:
    """1000 steps of gradient descent with learning rate 1e-3 from (-1.2, 1)."""
    path = gradient_flow(rosenbrock, START, 1.0, steps=1000, method="euler")
    np.testing.assert_allclose(path[-1], [0.32726277, 0.1040128], atol=5e-9, rtol=0)


@pytest.mark.parametrize(("method", "order", "steps"), [("euler", 1, 800), ("runge_kutta_4", 4, 1600)])
def test_measured_order_on_rosenbrock(method: str, order: int, steps: int) -> None:
    exact = rosenbrock_flow(0.2)
    found = flow_order(rosenbrock, START, 0.2, steps=steps, halvings=2, method=method, exact=exact)
    np.testing.assert_allclose(found.orders, order, atol=0.15)
    np.testing.assert_allclose(found.step_sizes, 0.2 / steps / 2 ** np.arange(3), rtol=1e-14)
    own_reference = flow_order(rosenbrock, START, 0.2, steps=steps, halvings=2, method=method)
    np.testing.assert_allclose(own_reference.errors, found.errors, rtol=0.02)


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("runge_kutta_4", 4)])
def test_errors_on_a_quadratic_are_those_of_the_closed_form(method: str, order: int) -> None:
    r"""In one dimension a step multiplies by $1 - h$, or by the Taylor polynomial of $e^{-h}$ to order 4."""
    found = flow_order(lambda x: x @ x / 2, np.ones(1), 1.0, steps=4, halvings=3, method=method, exact=[np.exp(-1.0)])
    for h, error in zip(found.step_sizes, found.errors, strict=True):
        factor = sum((-h) ** k / np.prod(np.arange(1.0, k + 1)) for k in range(order + 1))
        assert error == pytest.approx(abs(factor ** round(1 / h) - np.exp(-1)), rel=1e-6)
    assert found.orders[-1] == pytest.approx(order, abs=0.1)


def test_unstable_steps_leave_the_flow() -> None:
    stiff = np.diag([1.0, 100.0])
    path = gradient_flow(lambda x: x @ (jnp.asarray(stiff) @ x) / 2, np.ones(2), 1.0, steps=20, method="euler")
    assert np.abs(path[-1, 1]) > 1e9 and abs(path[-1, 0]) < 1
    assert quadratic_flow(stiff, np.ones(2), [1.0])[0, 1] < 1e-40


def test_compiled_over_many_starts() -> None:
    starts = jnp.asarray([[-1.2, 1.0], [0.5, 0.5], [1.0, 1.0]])
    together = jax.jit(jax.vmap(lambda x: gradient_flow(rosenbrock, x, 0.1, steps=50)))(starts)
    assert together.dtype == jnp.float32
    for start, path in zip(starts, together, strict=True):
        np.testing.assert_allclose(path, gradient_flow(rosenbrock, np.asarray(start, float), 0.1, steps=50), rtol=1e-3)


@pytest.mark.parametrize(
    ("arguments", "settings", "error", "words"),
    [
        ((rosenbrock, np.ones((2, 1)), 1.0), {"steps": 3}, ShapeError, "x0"),
        ((rosenbrock, np.array([np.nan, 1.0]), 1.0), {"steps": 3}, DataError, "x0 is not finite"),
        ((rosenbrock, START, 0.0), {"steps": 3}, ConfigurationError, "end_time"),
        ((rosenbrock, START, 1.0), {"steps": 0}, ConfigurationError, "steps"),
        ((rosenbrock, START, 1.0), {"steps": 3, "method": "eulr"}, ConfigurationError, "did you mean 'euler'"),
        ((lambda x: x, START, 1.0), {"steps": 3}, DerivativeError, "one real number|scalar"),
    ],
)
def test_bad_arguments(arguments: Any, settings: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        gradient_flow(*arguments, **settings)
