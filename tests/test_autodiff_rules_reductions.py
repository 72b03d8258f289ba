"""Rules of reductions and of running sums, products and extrema: checks, ties, zeros, infinities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from rule_cases import checked

from pullback import autodiff
from pullback.testing.derivatives import Case


def real(*shapes: tuple[int, ...]) -> Callable[[np.random.Generator], tuple[Any, ...]]:
    """Normal numbers."""
    return lambda random: tuple(random.normal(size=shape) for shape in shapes)


def with_zeros(random: np.random.Generator) -> tuple[Any, ...]:
    """Rows with no zero, one zero, two zeros and nothing but zeros."""
    x = random.normal(size=(4, 5))
    x[1, 2] = x[2, 0] = x[2, 3] = 0
    x[3] = 0
    return (x,)


def reductions(x: Any) -> list[Any]:
    """Reductions of an array of shape (3, 2, 4)."""
    return [
        *(f(x, axis=axes) for f in (jnp.sum, jnp.prod, jnp.max, jnp.min) for axes in ((1,), (0, 2), None)),
        jax.scipy.special.logsumexp(x, axis=2),
        jnp.linalg.norm(x, axis=0),
        jnp.var(x, axis=1),
        jnp.sum(x * (x < jnp.max(x)).astype(x.dtype) + jnp.argmax(x).astype(x.dtype)),
    ]


RUNNING = {f.__name__: f for f in (lax.cumsum, lax.cumprod, lax.cumlogsumexp, lax.cummax, lax.cummin)}


def running(x: Any) -> list[Any]:
    """Running operations from both ends of both axes."""
    return [f(x, axis=axis, reverse=backward) for f in RUNNING.values() for axis, backward in ((0, False), (1, True))]


CASES = [
    Case("reductions", reductions, real((3, 2, 4))),
    Case("reductions of one", lambda x: [f(x, axis=0) for f in (jnp.sum, jnp.prod, jnp.max)], real((1, 3))),
    Case("sum and product of nothing", lambda x: [f(x, axis=0) for f in (jnp.sum, jnp.prod)], real((0, 3))),
    Case("largest of empty rows", lambda x: jnp.max(x, axis=1), real((0, 3))),
    Case("product with zeros", lambda x: jnp.prod(x, axis=1), with_zeros),
    *(Case(f"product of {count}", jnp.prod, real((count,))) for count in (2, 3, 7)),
    Case("running", running, real((4, 3))),
    Case("running over one", running, real((1, 1))),
    Case("running over nothing", running, real((0, 2))),
    Case("running product with zeros", lambda x: lax.cumprod(x, axis=1), with_zeros),
]


@checked(CASES)
def test_rule(case, check):
    check(case)


@pytest.fixture
def double():
    with jax.enable_x64(True):
        yield


TIES = np.array([[1.0, 3.0, 3.0, 0.0, 3.0], [2.0, 2.0, 2.0, 2.0, 2.0], [-np.inf, 1.0, -np.inf, 1.0, 0.0]])


@pytest.mark.parametrize("function", [jnp.max, jnp.min])
def test_elements_that_tie_share_equally_as_in_jax(double, function):
    of_rows = lambda x: jnp.sum(function(x, axis=1))  # noqa: E731
    np.testing.assert_array_equal(autodiff.grad(of_rows)(TIES), jax.grad(of_rows)(TIES))
    np.testing.assert_allclose(autodiff.grad(of_rows)(TIES)[1], 0.2)
    direction = np.arange(15.0).reshape(3, 5)
    found, expected = (mode.jvp(lambda x: function(x, axis=1), (TIES,), (direction,))[1] for mode in (autodiff, jax))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("of_all", "so_far"), [(jnp.max, lax.cummax), (jnp.min, lax.cummin)])
@pytest.mark.parametrize("backward", [False, True])
def test_running_ties_share_as_the_extremum_of_the_elements_so_far(double, of_all, so_far, backward):
    parts = [slice(i, None) if backward else slice(None, i + 1) for i in range(5)]
    running = lambda x: so_far(x, reverse=backward)  # noqa: E731
    expected = jax.jit(jax.vmap(jax.jacrev(lambda x: jnp.stack([of_all(x[part]) for part in parts]))))(TIES)
    for mode in ("reverse", "forward"):
        found = jax.jit(jax.vmap(autodiff.jacobian(running, mode=mode)))(TIES)
        np.testing.assert_allclose(found, expected, rtol=1e-15)


def test_a_missing_number_stays_missing(double):
    x = np.array([1.0, np.nan, 2.0])
    assert np.isnan(autodiff.grad(jnp.max)(x)).all() and np.isnan(jax.grad(jnp.max)(x)).all()
    np.testing.assert_array_equal(jax.jit(autodiff.jacobian(lax.cummax))(x), [[1, 0, 0], [0, 0, 0], [0, 0, 0]])


def test_a_product_has_all_derivatives_where_factors_are_zero(double):
    x = np.array([0.0, 2.0, 0.0, 5.0])
    np.testing.assert_array_equal(autodiff.grad(jnp.prod)(x), [0, 0, 0, 0])
    second = np.zeros((4, 4))
    second[0, 2] = second[2, 0] = 10
    np.testing.assert_array_equal(jax.jit(autodiff.hessian(jnp.prod))(x), second)
    third = jax.jit(autodiff.jacobian(autodiff.hessian(jnp.prod)))(x)
    assert third[0, 2, 1] == 5 and third[0, 2, 3] == 2 and third[1, 3, 0] == 0


def test_a_running_product_has_second_derivatives_where_elements_are_zero(double):
    x = np.array([2.0, 0.0, 0.0, 3.0])
    second = jax.jit(autodiff.hessian(lax.cumprod))(x)
    assert second[2, 1, 2] == second[2, 2, 1] == 2 and second[3, 1, 2] == 6
    np.testing.assert_allclose(second, jax.jit(jax.hessian(lax.cumprod))(x), atol=1e-14)


def test_a_product_that_underflows_has_the_derivatives_that_do_not():
    found = autodiff.grad(jnp.prod)(jnp.asarray([1e-30, 1e-30, 2.0], jnp.float32))
    np.testing.assert_allclose(found, [2e-30, 2e-30, 0], rtol=1e-6)


def test_a_running_logarithm_of_sums_starts_at_minus_infinity_without_harm(double):
    x = np.array([-np.inf, -np.inf, 0.0, 1.0])
    ours = jax.jit(autodiff.jacobian(lax.cumlogsumexp))(x)
    softmax = 1 / (1 + np.e)
    expected = [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0], [0, 0, softmax, 1 - softmax]]
    np.testing.assert_allclose(ours, expected, rtol=1e-15)
    forward = jax.jit(autodiff.jacobian(lax.cumlogsumexp, mode="forward"))(x)
    np.testing.assert_allclose(forward, expected, rtol=1e-15)


def test_a_running_logarithm_of_sums_does_not_overflow(double):
    x = np.array([800.0, -900.0, 801.0])
    last = autodiff.grad(lambda x: lax.cumlogsumexp(x)[-1])(x)
    np.testing.assert_allclose(last, [1 / (1 + np.e), 0, np.e / (1 + np.e)], rtol=1e-13)


@pytest.mark.parametrize("dtype", [jnp.float32, pytest.param(jnp.bfloat16, marks=pytest.mark.slow)])
def test_cotangents_have_the_type_of_their_operands(dtype):
    x = jnp.asarray(np.linspace(-1, 1, 12).reshape(4, 3), dtype)
    functions = (*RUNNING.values(), jnp.sum, jnp.prod, jnp.max)
    cost = lambda x, f: jnp.sum(f(x, axis=0).astype(jnp.float32))  # noqa: E731
    gradients = lambda mode: jax.jit(lambda x: [mode.grad(lambda x, f=f: cost(x, f))(x) for f in functions])(x)  # noqa: E731
    for ours, theirs in zip(gradients(autodiff), gradients(jax), strict=True):
        assert ours.dtype == theirs.dtype == dtype
        np.testing.assert_allclose(np.asarray(ours, float), np.asarray(theirs, float), rtol=0.05, atol=0.02)
