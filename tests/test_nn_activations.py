"""Activations against closed forms, at their kinks, at the ends of the number line, and by differences."""

from __future__ import annotations

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import Array

from pullback.core.errors import ConfigurationError
from pullback.nn import (
    ACTIVATIONS,
    Activation,
    elu,
    gelu,
    get_activation,
    hard_sigmoid,
    hard_swish,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    log_sum_exp,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    softsign,
)

# Values at 1, from the definitions with the constants of the papers, by hand to ten digits.
AT_ONE = {
    "celu": 1.0,
    "elu": 1.0,
    "gelu": 0.8413447461,
    "gelu_tanh": 0.8411919906,
    "hard_sigmoid": 2 / 3,
    "hard_swish": 2 / 3,
    "hard_tanh": 1.0,
    "identity": 1.0,
    "leaky_relu": 1.0,
    "log_sigmoid": -0.3132616875,
    "mish": 0.8650983883,
    "relu": 1.0,
    "relu6": 1.0,
    "selu": 1.0507009874,
    "sigmoid": 0.7310585786,
    "silu": 0.7310585786,
    "softplus": 1.3132616875,
    "softsign": 0.5,
    "tanh": 0.7615941560,
}
ELEMENTWISE = sorted(AT_ONE)

# Derivatives at the kinks, as the docstrings state them.
KINKS: list[tuple[Callable[..., Array], float, float]] = [
    (relu, 0.0, 0.0),
    (relu6, 0.0, 0.0),
    (relu6, 6.0, 0.0),
    (leaky_relu, 0.0, 0.01),
    (elu, 0.0, 1.0),
    (selu, 0.0, 1.0507009873554805 * 1.6732632423543772),
    (hard_tanh, -1.0, 0.0),
    (hard_tanh, 1.0, 0.0),
    (hard_sigmoid, -3.0, 0.0),
    (hard_sigmoid, 3.0, 0.0),
    (hard_swish, -3.0, 0.0),
    (hard_swish, 3.0, 1.0),
    (softplus, 0.0, 0.5),
    (softsign, 0.0, 1.0),
]


def test_table_is_complete() -> None:
    assert set(ACTIVATIONS) == set(AT_ONE) | {"softmax", "log_softmax"}


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_value_at_one(name: str) -> None:
    with jax.enable_x64(True):
        assert float(ACTIVATIONS[name](jnp.float64(1.0))) == pytest.approx(AT_ONE[name], abs=1e-10)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_first_and_second_derivative_are_the_differences(name: str) -> None:
    with jax.enable_x64(True):
        function = ACTIVATIONS[name]
        # Away from every kink.
        x = jnp.asarray([-7.3, -2.2, -0.7, -0.01, 0.02, 0.6, 2.4, 5.1, 8.2])
        step = 1e-5
        derivative = jax.vmap(jax.grad(function))
        second = jax.vmap(jax.grad(jax.grad(function)))
        np.testing.assert_allclose(
            derivative(x), (function(x + step) - function(x - step)) / (2 * step), rtol=1e-6, atol=1e-9
        )
        np.testing.assert_allclose(
            second(x), (derivative(x + step) - derivative(x - step)) / (2 * step), rtol=1e-6, atol=1e-9
        )


@pytest.mark.parametrize(("function", "at", "derivative"), KINKS)
def test_derivative_at_kink(function: Callable[..., Array], at: float, derivative: float) -> None:
    assert float(jax.grad(function)(jnp.float32(at))) == pytest.approx(derivative, rel=1e-6)
    assert float(jax.jvp(function, (jnp.float32(at),), (jnp.float32(1),))[1]) == pytest.approx(derivative, rel=1e-6)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_nan_passes_and_large_numbers_stay_finite(name: str) -> None:
    function = ACTIVATIONS[name]
    assert bool(jnp.isnan(function(jnp.asarray([0.5, jnp.nan]))[1]))
    x = jnp.asarray([-1000.0, -90.0, 90.0, 1000.0])
    y, pull = jax.vjp(function, x)
    assert bool(jnp.all(jnp.isfinite(y)))
    assert bool(jnp.all(jnp.isfinite(pull(jnp.ones_like(y))[0])))


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_name_stays_in_the_trace(name: str) -> None:
    equation = jax.make_jaxpr(ACTIVATIONS[name])(jnp.ones(3)).eqns[0]
    assert equation.params["name"] == name


def test_against_special_functions() -> None:
    x = np.linspace(-12, 12, 97)
    with jax.enable_x64(True):
        np.testing.assert_allclose(sigmoid(jnp.asarray(x)), scipy.special.expit(x), rtol=1e-14)
        np.testing.assert_allclose(log_sigmoid(jnp.asarray(x)), scipy.special.log_expit(x), rtol=1e-14)
        np.testing.assert_allclose(gelu(jnp.asarray(x)), x * scipy.special.ndtr(x), rtol=1e-12)
        rows = x.reshape(-1, 97)
        np.testing.assert_allclose(softmax(jnp.asarray(rows)), scipy.special.softmax(rows, -1), rtol=1e-13)
        np.testing.assert_allclose(log_softmax(jnp.asarray(rows)), scipy.special.log_softmax(rows, -1), rtol=1e-13)
        np.testing.assert_allclose(log_sum_exp(jnp.asarray(rows)), scipy.special.logsumexp(rows, -1), rtol=1e-14)


def test_gelu_keeps_its_digits_far_out() -> None:
    # x Phi(x) at -5 in single precision; 1 + erf would have lost all but two digits.
    assert float(gelu(jnp.float32(-5.0))) == pytest.approx(-5 * scipy.special.ndtr(-5.0), rel=1e-5)


@given(st.lists(st.floats(-500, 500, width=32), min_size=2, max_size=6), st.floats(-100, 100, width=32))
def test_softmax_is_a_distribution_and_ignores_a_shift(values: list[float], shift: float) -> None:
    with jax.enable_x64(True):
        x = jnp.asarray(values, jnp.float64)
        p = softmax(x)
        assert float(p.sum()) == pytest.approx(1.0, abs=1e-12)
        assert bool(jnp.all(p >= 0))
        np.testing.assert_allclose(softmax(x + shift), p, rtol=1e-9, atol=1e-300)
        np.testing.assert_allclose(jnp.exp(log_softmax(x)), p, rtol=1e-9, atol=1e-300)


@given(st.floats(-50, 50))
def test_symmetries(x: float) -> None:
    with jax.enable_x64(True):
        z = jnp.float64(x)
        assert float(sigmoid(z) + sigmoid(-z)) == pytest.approx(1.0, abs=1e-12)
        assert float(softplus(z) - softplus(-z)) == pytest.approx(x, abs=1e-12)
        assert float(silu(z) - silu(-z)) == pytest.approx(x, abs=1e-12)
        assert float(relu(z) - relu(-z)) == pytest.approx(x, abs=1e-300)


def test_softmax_along_another_axis_and_with_masked_entries() -> None:
    x = jnp.asarray([[0.0, 1.0], [-jnp.inf, 1.0]])
    np.testing.assert_allclose(softmax(x, axis=0), [[1.0, 0.5], [0.0, 0.5]])
    assert float(log_sum_exp(jnp.full(3, -jnp.inf))) == -math.inf


def test_activation_layer() -> None:
    assert Activation("relu").label == "Activation(relu)"
    assert Activation(jnp.sin).label == "Activation(sin)"
    with pytest.raises(ConfigurationError, match="did you mean 'relu'"):
        Activation("rellu")
    assert get_activation(jnp.sin) is jnp.sin
