"""What the rules of functions of each element promise: kinks and ties, infinities, number types, accuracy, refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from pullback import autodiff
from pullback.core.errors import DerivativeError


@pytest.fixture
def double():
    with jax.enable_x64(True):
        yield


def slope(function: Callable[..., Any], *at: Any, argnum: int = 0) -> np.ndarray:
    """Derivatives of elements, by our forward and reverse mode, which agree."""
    at = tuple(map(jnp.asarray, at))

    def of_one(x: Any) -> Any:
        return function(*at[:argnum], x, *at[argnum + 1 :])

    value, tangent = autodiff.jvp(of_one, (at[argnum],), (jnp.ones_like(at[argnum]),))
    _, pull = autodiff.vjp(of_one, at[argnum])
    (cotangent,) = pull(jnp.ones_like(value))
    np.testing.assert_allclose(tangent, cotangent, rtol=4 * jnp.finfo(tangent.dtype).eps)
    return np.asarray(tangent)


INFINITE, UNKNOWN = np.inf, np.nan
KINKS: tuple[tuple[str, Callable[..., Any], float, float], ...] = (
    ("the absolute value at 0", jnp.abs, 0.0, 1.0),
    ("the absolute value at -0", jnp.abs, -0.0, 1.0),
    ("the larger of a number and itself", lambda x: jnp.maximum(x, 0.0), 0.0, 0.5),
    ("the smaller of a number and itself", lambda x: jnp.minimum(x, 0.0), 0.0, 0.5),
    ("relu at 0", jax.nn.relu, 0.0, 0.0),
    ("relu6 at its upper end", jax.nn.relu6, 6.0, 0.0),
    ("clamp at its lower bound", lambda x: lax.clamp(-1.0, x, 1.0), -1.0, 0.0),
    ("clamp at its upper bound", lambda x: lax.clamp(-1.0, x, 1.0), 1.0, 0.0),
    ("the lower bound of clamp", lambda x: lax.clamp(x, 1.0, 3.0), 1.0, 0.0),
    ("the upper bound of clamp", lambda x: lax.clamp(0.0, 2.0, x), 2.0, 0.0),
    ("the sign at 0", jnp.sign, 0.0, 0.0),
    ("floor at a whole number", jnp.floor, 2.0, 0.0),
    ("rounding at a half", jnp.round, 0.5, 0.0),
    ("the square root at 0", jnp.sqrt, 0.0, INFINITE),
    ("the cube root at 0", jnp.cbrt, 0.0, INFINITE),
    ("the logarithm at 0", jnp.log, 0.0, INFINITE),
    ("x^0 at 0", lambda x: lax.pow(x, 0.0), 0.0, UNKNOWN),
    ("0^x at 2", lambda x: lax.pow(0.0, x), 2.0, 0.0),
    ("the whole power 0 at 0", lambda x: lax.integer_pow(x, 0), 0.0, 0.0),
    ("the remainder at a multiple", lambda x: lax.rem(6.0, x), 2.0, -3.0),
    ("the phase at the origin", lambda x: lax.atan2(x, 0.0), 0.0, UNKNOWN),
    ("0/0", lambda x: x / x, 0.0, UNKNOWN),
    ("the larger of NaN and a number", lambda x: jnp.maximum(x, 0.0), np.nan, 0.0),
    ("the branch that is not taken, made safe", lambda x: jnp.where(x > 1, jnp.where(x > 1, x, 1.0), x), 1.0, 1.0),
    ("the Bessel function I0 at 0", lax.bessel_i0e, 0.0, 0.0),
)


@pytest.mark.parametrize(("function", "at", "expected"), [row[1:] for row in KINKS], ids=[row[0] for row in KINKS])
def test_kinks_follow_the_stated_convention_which_is_that_of_jax(double, function, at, expected):
    np.testing.assert_array_equal(slope(function, at), expected)
    np.testing.assert_array_equal(jax.grad(function)(at), expected)


def test_a_branch_that_is_not_taken_costs_reverse_mode_its_zero_times_nan_as_in_jax(double):
    function = lambda x: jnp.where(x > 1, jnp.sqrt(x - 5), x)  # noqa: E731
    assert np.isnan(autodiff.grad(function)(1.0)) and np.isnan(jax.grad(function)(1.0))
    assert autodiff.jvp(function, (1.0,), (1.0,))[1] == jax.jvp(function, (1.0,), (1.0,))[1] == 1


def test_a_tie_is_shared_between_both_operands(double):
    x = jnp.array([1.0, 2.0, 3.0])
    for function in (jnp.maximum, jnp.minimum):
        for argnum in (0, 1):
            ours = slope(function, x, jnp.array([2.0, 2.0, 2.0]), argnum=argnum)
            theirs = jax.grad(lambda *a, f=function: jnp.sum(f(*a)), argnum)(x, jnp.array([2.0, 2.0, 2.0]))
            np.testing.assert_array_equal(ours, theirs)


def test_an_infinite_cotangent_reaches_only_what_was_chosen(double):
    _, pull = autodiff.vjp(jnp.maximum, jnp.array([1.0, 5.0]), jnp.array([2.0, 3.0]))
    left, right = pull(jnp.array([jnp.inf, jnp.nan]))
    np.testing.assert_array_equal(left, [0, np.nan])
    np.testing.assert_array_equal(right, [np.inf, 0])


def test_whole_powers_of_a_type_of_their_own(double, standard_promotion):
    x, n = jnp.array([0.0, 0.0, 1.5, -2.0, 3.0]), jnp.array([0, 2, 1, 3, -3])
    ours = slope(lax.pow, x, n)
    np.testing.assert_array_equal(ours, jax.grad(lambda x: jnp.sum(lax.pow(x, n)))(x))
    np.testing.assert_allclose(ours, [0, 0, 1, 12, -3 / 81], rtol=1e-15)


def test_the_derivative_of_complex_arccosh_is_that_of_its_principal_branch(double):
    x = jnp.array([-2 + 1j, 0.5 - 0.3j, 3 + 2j, -0.1 - 4j])
    ours = autodiff.grad(lambda x: jnp.sum(lax.acosh(x)), holomorphic=True)(x)
    step = 1e-5
    difference = (lax.acosh(x + step) - lax.acosh(x - step)) / (2 * step)
    np.testing.assert_allclose(ours, difference, rtol=1e-8)


def test_arcus_functions_keep_their_digits_at_the_edge_of_their_domain(double):
    # 1 - x^2 with x = 1 - e is e (2 - e), to full accuracy.
    e = 2.0**-40
    edge = 1 / np.sqrt(e * (2 - e))
    np.testing.assert_allclose(slope(jnp.arcsin, 1 - e), edge, rtol=1e-15)
    np.testing.assert_allclose(slope(jnp.arccos, 1 - e), -edge, rtol=1e-15)
    np.testing.assert_allclose(slope(jnp.arctanh, 1 - e), edge**2, rtol=1e-15)
    np.testing.assert_allclose(slope(jnp.arccosh, 1 + e), 1 / np.sqrt(e * (2 + e)), rtol=1e-15)


def test_a_small_divisor_does_not_overflow():
    x, y = np.float32(1e-25), np.float32(1e-20)
    np.testing.assert_allclose(slope(lax.div, x, y, argnum=1), -1e15, rtol=1e-5)


def test_special_functions_of_two_arguments(double):
    # Poisson and Erlang: Q(2, x) = e^-x (1 + x), Q(1, x) = e^-x.
    np.testing.assert_allclose(slope(lax.igamma, 2.0, 1.3, argnum=1), 1.3 * np.exp(-1.3), rtol=1e-13)
    np.testing.assert_allclose(slope(lax.igammac, 1.0, 0.7, argnum=1), -np.exp(-0.7), rtol=1e-13)
    # I_x(2, 1) = x^2.
    np.testing.assert_allclose(slope(lambda x: lax.betainc(2.0, 1.0, x), 0.3), 0.6, rtol=1e-13)
    # P(1, x) moves in its parameter with the slope e^-x (ln x - psi(1)) in x, and psi(1) = -gamma.
    slope_at_one = np.exp(-1.3) * (np.log(1.3) + np.euler_gamma)
    np.testing.assert_allclose(slope(lax.igamma_grad_a, 1.0, 1.3, argnum=1), slope_at_one, rtol=1e-13)
    # trigamma(1) = pi^2 / 6; the slope of zeta(2, q) is -2 zeta(3, q).
    np.testing.assert_allclose(slope(lax.digamma, 1.0), np.pi**2 / 6, rtol=1e-13)
    np.testing.assert_allclose(slope(lambda q: lax.zeta(2.0, q), 1.0), -2 * 1.2020569031595942, rtol=1e-13)
    np.testing.assert_allclose(slope(lax.bessel_i1e, 0.0), 0.5, rtol=1e-15)


def test_the_next_number_moves_with_the_number(double):
    x, towards = jnp.array([1.0, -3.0]), jnp.array([2.0, 2.0])
    np.testing.assert_array_equal(slope(lax.nextafter, x, towards), [1, 1])
    np.testing.assert_array_equal(slope(lax.nextafter, x, towards, argnum=1), [0, 0])


@pytest.mark.parametrize(
    "function",
    [
        lambda x: lax.polygamma(x, 2.0),
        lambda x: lax.zeta(x, 2.0),
        lambda x: lax.betainc(x, 2.0, 0.3),
        lambda x: lax.betainc(2.0, x, 0.3),
        lambda x: autodiff.grad(lax.igamma)(x, 1.0),
    ],
)
def test_a_derivative_without_a_formula_is_refused_by_name(function):
    with pytest.raises(DerivativeError, match="has no formula") as caught:
        autodiff.grad(function)(2.0)
    assert "stop_gradient" in caught.value.fix


@pytest.mark.parametrize(
    "dtype",
    [
        jnp.float32,
        pytest.param(jnp.bfloat16, marks=pytest.mark.slow),
        pytest.param(jnp.float16, marks=pytest.mark.slow),
    ],
)
def test_cotangents_have_the_type_of_their_operands(dtype):
    functions = (
        lax.exp,
        lax.tanh,
        lax.sqrt,
        lax.erf,
        lax.logistic,
        lax.rsqrt,
        lax.cbrt,
        lax.exp2,
        jnp.abs,
        jax.nn.gelu,
    )
    x = jnp.asarray([0.3, 1.2], dtype)
    for function in functions:
        ours = autodiff.grad(lambda x, f=function: jnp.sum(f(x).astype(jnp.float32)))(x)
        theirs = jax.grad(lambda x, f=function: jnp.sum(f(x).astype(jnp.float32)))(x)
        assert ours.dtype == dtype
        resolution = 4 * float(jnp.finfo(dtype).eps)
        np.testing.assert_allclose(np.asarray(ours, float), np.asarray(theirs, float), rtol=resolution)


def test_a_product_with_a_wider_result():
    x, y = jnp.asarray([1.5, 2.0], jnp.bfloat16), jnp.asarray([3.0, 4.0], jnp.bfloat16)
    function = lambda x, y: jnp.sum(lax.mul(x, y, out_dtype=jnp.float32))  # noqa: E731
    ours, theirs = autodiff.grad(function, (0, 1))(x, y), jax.grad(function, (0, 1))(x, y)
    for left, right in zip(ours, theirs, strict=True):
        assert left.dtype == right.dtype == jnp.bfloat16
        np.testing.assert_array_equal(left, right)


def test_complex_gradients_follow_the_convention_of_jax(double):
    x = jnp.array([1 + 2j, -0.5 + 0.1j, 0j])
    for function in (lambda x: jnp.sum(jnp.abs(x)), lambda x: jnp.real(x[0] * jnp.conj(x[1])) + jnp.imag(x[1]) ** 3):
        _, pull = autodiff.vjp(function, x)
        np.testing.assert_allclose(pull(jnp.ones(()))[0], jax.grad(function)(x), rtol=1e-14)


def test_the_way_back_uses_what_the_way_forward_has():
    def names(function: Callable[..., Any]) -> list[str]:
        program = jax.make_jaxpr(autodiff.grad(function))(1.0)
        return [equation.primitive.name for equation in program.jaxpr.eqns]

    for function, name in ((jnp.exp, "exp"), (jnp.tanh, "tanh"), (jnp.sqrt, "sqrt"), (jnp.tan, "tan")):
        assert names(function).count(name) == 1
    assert set(names(lambda x: x / 3.0)) == {"div"}
