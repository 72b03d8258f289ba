"""Numerical derivatives against closed forms, and their estimated errors against the true ones."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import rosen, rosen_der, rosen_hess
from scipy.special import erf

from pullback.autodiff import numerical
from pullback.autodiff.differences import METHODS
from pullback.core.errors import ConfigurationError, DerivativeError

# Largest relative error that a method's formula promises for a function of scale one in float64.
PROMISES = {"forward": 1e-7, "central": 1e-9, "richardson": 2e-12, "complex_step": 1e-15}

# Functions of one number with their derivatives, and where.
CURVES = {
    "sine": (np.sin, np.cos, 0.7),
    "exponential": (np.exp, np.exp, 1.3),
    "cube": (lambda x: x**3, lambda x: 3 * x**2, -2.0),
    "quotient": (lambda x: 1 / (1 + x**2), lambda x: -2 * x / (1 + x**2) ** 2, 0.5),
    "logarithm far out": (np.log, lambda x: 1 / x, 300.0),
    "logarithm near zero": (np.log, lambda x: 1 / x, 1e-6),
    "jax": (lambda x: jnp.tanh(x), lambda x: 1 - np.tanh(x) ** 2, 0.3),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", CURVES)
def test_accuracy_of_every_method(name, method):
    function, slope, at = CURVES[name]
    found = numerical.derivative(function, at, method=method)
    assert abs(found.value - slope(at)) <= PROMISES[method] * max(1.0, abs(slope(at))) * 5


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", CURVES)
def test_estimated_errors_bound_the_true_one(name, method):
    function, slope, at = CURVES[name]
    found = numerical.derivative(function, at, method=method)
    assert abs(found.value - slope(at)) <= 4 * (found.truncation + found.rounding)


@pytest.mark.parametrize(("method", "order"), [("forward", 1), ("central", 2)])
def test_order_of_the_truncation_error(method, order):
    """Halving a large step divides the error by two to the order."""
    errors = [abs(numerical.derivative(np.exp, 0.0, method=method, step=h).value - 1) for h in (1e-2, 5e-3)]
    assert errors[0] / errors[1] == pytest.approx(2**order, rel=0.01)
    found = numerical.derivative(np.exp, 0.0, method=method, step=1e-2)
    assert found.order == order and found.truncation == pytest.approx(errors[0], rel=0.02)


def test_rounding_error_grows_as_the_step_shrinks():
    """With a step far too small the estimate is rounding, and it is not exceeded."""
    found = numerical.derivative(lambda x: np.exp(x) + 1e3, 0.0, step=1e-10)
    assert found.rounding == pytest.approx(2.0**-52 * 1001 / 1e-10, rel=1e-6)
    assert 1e-8 < abs(found.value - 1) < 2 * found.rounding


@pytest.mark.parametrize("method", METHODS)
def test_the_example_of_three_parameters(method):
    """Printed value of the gradient of sin(t1 t2) + exp(t2 + t3) - 2 t3 at (pi/6, 2, 5)."""

    def cost(t):
        return np.sin(t[0] * t[1]) + np.exp(t[1] + t[2]) - 2 * t[2]

    gradient = numerical.derivative(cost, np.array([np.pi / 6, 2.0, 5.0]), method=method).value
    np.testing.assert_allclose(
        gradient, [1.0, 1096.8949578162576, 1094.6331584284585], rtol=5e-6 if method == "forward" else 1e-8
    )


@pytest.mark.parametrize("method", METHODS)
def test_gradient_and_jacobian_of_rosenbrock(method):
    x = np.array([-1.2, 1.0, 0.5, 2.0])
    tolerance = 1e-4 if method == "forward" else 1e-7
    np.testing.assert_allclose(
        numerical.derivative(rosen, x, method=method).value, rosen_der(x), rtol=tolerance, atol=tolerance
    )
    jacobian = numerical.derivative(rosen_der, x, method=method).value
    np.testing.assert_allclose(jacobian, rosen_hess(x), rtol=tolerance, atol=100 * tolerance)


def test_nesting_is_that_of_a_jacobian():
    def function(p):
        return {"y": p["w"] @ p["w"].T, "s": np.sum(p["w"]) * p["b"], "n": 3}

    w = np.arange(6.0).reshape(2, 3)
    found = numerical.derivative(function, {"w": w, "b": 2.0}, method="richardson")
    assert found.value["n"] == 3
    assert found.value["y"]["w"].shape == (2, 2, 2, 3) and found.value["y"]["b"].shape == (2, 2)
    np.testing.assert_allclose(found.value["s"]["w"], 2 * np.ones((2, 3)), rtol=1e-11)
    np.testing.assert_allclose(found.value["s"]["b"], 15.0, rtol=1e-11)
    # d (W W')_{ij} / d W_{kl} = delta_{ik} w_{jl} + delta_{jk} w_{il}
    expected = np.einsum("ik,jl->ijkl", np.eye(2), w) + np.einsum("jk,il->ijkl", np.eye(2), w)
    np.testing.assert_allclose(found.value["y"]["w"], expected, atol=1e-10)
    assert found.step["w"].shape == (2, 3) and found.evaluations == 1 + 7 * 20


@pytest.mark.parametrize("method", METHODS)
def test_directional_derivative(method):
    x, d = {"a": np.array([1.0, 2.0]), "b": 0.5}, {"a": np.array([0.3, -4.0]), "b": 10.0}
    found = numerical.directional(lambda p: np.prod(p["a"]) * np.exp(p["b"]), x, d, method=method)
    expected = np.exp(0.5) * (0.3 * 2 - 4 * 1 + 10 * 2)
    np.testing.assert_allclose(found.value, expected, rtol=5e-7 if method == "forward" else 1e-9)
    assert abs(found.value - expected) <= 4 * (found.truncation + found.rounding)


def test_arguments_in_single_precision_are_read_in_double():
    found = numerical.derivative(lambda x: jnp.sum(jnp.sin(x)), jnp.array([0.5, 1.0]), method="central")
    assert found.value.dtype == np.float64 and isinstance(found.value, np.ndarray)
    np.testing.assert_allclose(found.value, np.cos([0.5, 1.0]), rtol=1e-9)


def test_step_follows_the_precision_of_the_results():
    """Values in float32 take the step of float32: (3 eps)^(1/3) with eps = 2^-23."""
    found = numerical.derivative(lambda x: jnp.sin(x.astype(jnp.float32)), np.float64(0.5))
    assert found.step == pytest.approx((3 * 2.0**-23) ** (1 / 3))
    assert abs(found.value - np.cos(0.5)) < 4 * (found.truncation + found.rounding) < 1e-3


def test_step_follows_the_size_of_the_argument():
    steps = numerical.derivative(np.sum, np.array([0.0, 1.0, 100.0, -1e4])).step
    np.testing.assert_allclose(steps, (3 * 2.0**-52) ** (1 / 3) * np.array([1, 1, 100, 1e4]))
    assert "given by the caller" in numerical.derivative(np.sum, np.ones(2), step=1e-3).reason


def test_functions_that_jax_cannot_trace():
    def branching(x):
        return float(x[0]) ** 2 if x[0] > 0 else 0.0

    np.testing.assert_allclose(numerical.derivative(branching, np.array([3.0])).value, [6.0], rtol=1e-9)
    np.testing.assert_allclose(numerical.derivative(erf, 0.0).value, 2 / np.sqrt(np.pi), rtol=1e-9)


def test_value_that_is_not_finite_is_said():
    found = numerical.derivative(lambda x: np.log(x), -1.0)
    assert np.isnan(found.value) and "not finite" in found.reason


@pytest.mark.parametrize(
    "function",
    [np.abs, lambda x: jnp.abs(x), lambda x: x * np.conj(x), lambda x: jnp.real(x) ** 2, lambda x: x.astype(float)],
    ids=["abs", "jax abs", "conj", "real", "conversion"],
)
def test_complex_step_of_a_function_that_is_not_analytic(function):
    with pytest.raises(DerivativeError, match="complex numbers") as caught:
        numerical.derivative(function, np.array(1.5), method="complex_step")
    assert caught.value.fix
    if function is not np.abs:
        return
    with pytest.raises(DerivativeError, match="complex numbers"):
        numerical.directional(function, np.array(1.5), np.array(1.0), method="complex_step")


@pytest.mark.parametrize(
    ("argument", "word"), [(np.arange(3), "integer"), ({"a": 1j}, "complex"), ({"a": "x"}, "other")]
)
def test_arguments_that_are_not_real(argument, word):
    with pytest.raises(DerivativeError, match="no numerical derivative") as caught:
        numerical.derivative(lambda x: x, argument)
    assert word in str(caught.value)


def test_other_errors():
    with pytest.raises(ConfigurationError, match="did you mean 'central'"):
        numerical.derivative(np.sin, 1.0, method="centrl")
    with pytest.raises(ConfigurationError, match="step"):
        numerical.derivative(np.sin, 1.0, step=-1.0)
    with pytest.raises(DerivativeError, match="returns no real numbers"):
        numerical.derivative(lambda x: 3, 1.0)
    with pytest.raises(DerivativeError, match="direction"):
        numerical.directional(np.sum, np.ones(3), np.ones(2))
    with pytest.raises(ZeroDivisionError):
        numerical.derivative(lambda x: 1 / 0, 1.0)
