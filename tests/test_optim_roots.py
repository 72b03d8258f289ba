"""Roots against SciPy's, and observed orders of convergence against the theory."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from pullback.core.errors import ConfigurationError, ConvergenceError, DataError, DerivativeError
from pullback.optim import convergence_order, find_root, minimize
from pullback.optim.find_root import METHODS
from pullback.optim.methods import GradientDescent, Newton
from pullback.optim.roots.state import RootReason

STARTS = {"newton": 1.0, "secant": 1.0, "bisection": (0.0, 2.0), "brent": (0.0, 2.0)}


def cubic(x: Any) -> Any:
    return x**3 - 2 * x - 0.5


FUNCTIONS = {
    "cubic": (cubic, cubic, (1.0, 2.0)),
    "cosine": (lambda x: jnp.cos(x) - x, lambda x: np.cos(x) - x, (0.0, 2.0)),
    "exponential": (lambda x: jnp.exp(-x) - 0.1 * x, lambda x: np.exp(-x) - 0.1 * x, (0.5, 4.0)),
    "flat": (lambda x: (x - 1) ** 9, lambda x: (x - 1) ** 9, (0.0, 1.7)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("method", ["bisection", "brent"])
def test_brackets_end_where_scipys_end(name: str, method: str) -> None:
    function, plain, bracket = FUNCTIONS[name]
    found = find_root(function, bracket, method=method, tolerance=1e-11)
    reference = scipy.optimize.root_scalar(
        plain, bracket=bracket, method={"brent": "brentq", "bisection": "bisect"}[method], xtol=1e-11
    )
    assert found.converged
    np.testing.assert_allclose(found.x, reference.root, rtol=2e-11)
    if name != "flat":
        assert found.evaluations <= reference.function_calls + 3
    assert found.evaluations <= 120


@pytest.mark.parametrize("name", ["cubic", "cosine", "exponential"])
@pytest.mark.parametrize("method", ["newton", "secant"])
def test_open_methods_find_scipys_root(name: str, method: str) -> None:
    function, plain, bracket = FUNCTIONS[name]
    start = bracket[1] if method == "newton" else bracket
    found = find_root(function, start, method=method)
    reference = scipy.optimize.root_scalar(plain, x0=bracket[1], x1=bracket[0], method="secant", xtol=1e-14)
    assert found.converged
    np.testing.assert_allclose(found.x, reference.root, rtol=1e-12)


def test_newton_solves_a_system_in_a_container() -> None:
    def system(at: Any) -> Any:
        return {"circle": at["x"] ** 2 + at["y"] ** 2 - 4, "line": jnp.exp(at["x"]) + at["y"] - 1}

    found = find_root(system, {"x": 1.0, "y": -1.7})

    def plain(at: np.ndarray) -> list[float]:
        return [at[0] ** 2 + at[1] ** 2 - 4, np.exp(at[0]) + at[1] - 1]

    reference = scipy.optimize.root(plain, [1.0, -1.7], tol=1e-13)
    np.testing.assert_allclose([found.x["x"], found.x["y"]], reference.x, rtol=1e-12)
    assert found.x["x"].dtype == np.float64


ROOT = 2.0945514815423265


def errors_of(method: str, start: Any) -> np.ndarray:
    """Of x^3 - 2x - 5, the equation by which Wallis introduced Newton's method."""
    found = find_root(lambda x: x**3 - 2 * x - 5, start, method=method, tolerance=1e-14)
    path = found.path[: int(found.steps) + 1, 0]
    return np.abs(path - ROOT)


def test_observed_order_of_newton_is_two() -> None:
    """With the constant F'' / (2 F') of the theory."""
    order = convergence_order(errors_of("newton", 3.0), scale=ROOT)
    assert order.kind == "quadratic"
    assert order.order == pytest.approx(2, abs=0.02)
    errors = errors_of("newton", 3.0)
    assert errors[4] / errors[3] ** 2 == pytest.approx(6 * ROOT / 2 / (3 * ROOT**2 - 2), rel=0.02)


def test_observed_order_of_the_secant_is_the_golden_ratio() -> None:
    order = convergence_order(errors_of("secant", (3.0, 2.9)), scale=ROOT)
    assert order.kind == "superlinear"
    assert order.order == pytest.approx((1 + 5**0.5) / 2, abs=0.1)


def test_bisection_halves_its_bracket() -> None:
    found = find_root(lambda x: x**3 - 2 * x - 5, (2.0, 3.0), method="bisection", tolerance=1e-6, max_steps=30)
    assert float(found.error) == 0.5 ** (int(found.steps) + 1)
    assert abs(float(found.x) - ROOT) <= float(found.error)


def test_observed_rate_of_gradient_descent_is_that_of_the_theory() -> None:
    """(kappa - 1) / (kappa + 1) at the best fixed rate, from the worst start."""
    found = minimize(
        lambda x: (x[0] ** 2 + 9 * x[1] ** 2) / 2,
        [9.0, 1.0],
        method=GradientDescent(learning_rate=2 / 10),
        keep_path=True,
        max_steps=60,
    )
    for order in (convergence_order(found, limit=np.zeros(2), scale=1.0), convergence_order(found)):
        assert order.kind == "linear"
        assert order.order == pytest.approx(1, abs=1e-6)
        assert order.rate == pytest.approx(8 / 10, rel=1e-6)


def test_observed_order_of_newton_in_minimize_from_steps_and_from_points() -> None:
    def function(t: Any) -> Any:
        return t**4 - 4 * t**3 - 2 * t**2 + 10 * t + 15

    found = minimize(function, 2.5, method=Newton(), keep_path=True, tolerance=1e-13)
    root = max(np.roots([4, -12, -4, 10]).real)
    assert convergence_order(found, limit=root).order == pytest.approx(2, abs=0.05)
    assert convergence_order(found).order == pytest.approx(2, abs=0.05)
    assert convergence_order(found.trace, limit=root).kind == "quadratic"


@pytest.mark.parametrize(
    ("errors", "order", "rate", "kind"),
    [
        ([0.7**k for k in range(40)], 1, 0.7, "linear"),
        ([0.9 ** (2**k) for k in range(9)], 2, 1, "quadratic"),
        ([0.9 ** (3**k) for k in range(6)], 3, 1, "cubic"),
        ([1 / (k + 1) for k in range(300)], 1, None, "sublinear"),
        ([1 / (k + 1) ** 2 for k in range(300)], 1, None, "sublinear"),
        ([0.5 * 0.8 ** (1.5**k) for k in range(9)], 1.5, 2**0.5, "superlinear"),
    ],
)
def test_order_of_sequences_in_closed_form(errors: list[float], order: float, rate: float | None, kind: str) -> None:
    found = convergence_order(errors, scale=0.0)
    assert found.order == pytest.approx(order, abs=1e-3 if kind != "sublinear" else 0.05)
    assert found.kind == kind
    if rate is not None:
        assert found.rate == pytest.approx(rate, rel=1e-6)


def test_rounding_at_the_end_is_left_out() -> None:
    errors = [0.5**k for k in range(20)] + [1e-17, 3e-17, 2e-17, 0.0]
    found = convergence_order(errors)
    assert found.last == 19
    assert found.rate == pytest.approx(0.5)
    assert convergence_order([1.0, 0.1]).kind == "unknown"
    assert np.isnan(convergence_order([1.0, 2.0, 4.0]).order)


def test_reasons() -> None:
    assert find_root(lambda x: x**2 + 1, (-1.0, 2.0), method="brent").reason == RootReason.no_sign_change
    assert find_root(lambda x: x**2 + 1, 0.0).reason == RootReason.singular
    assert find_root(lambda x: jnp.ones_like(x), (1.0, 2.0), method="secant").reason == RootReason.singular
    assert find_root(lambda x: jnp.arctan(x), 1.5, max_steps=3).reason == RootReason.step_limit
    assert find_root(lambda x: jnp.log(x), 10.0).reason == RootReason.not_finite
    exact = find_root(lambda x: x - 2, (2.0, 5.0), method="bisection")
    assert exact.converged
    assert float(exact.x) == 2
    with pytest.raises(ConvergenceError, match="no root") as caught:
        find_root(lambda x: x**2 + 1, (-1.0, 2.0), method="brent", throw=True)
    assert caught.value.result.reason == RootReason.no_sign_change
    assert caught.value.result.message in str(caught.value)


@pytest.mark.parametrize("method", METHODS)
def test_single_precision_inside_compiled_programs(method: str) -> None:
    shifts = jnp.asarray([0.4, 0.5, 0.6], jnp.float32)
    start = jax.tree.map(jnp.float32, STARTS[method])
    found = jax.jit(
        jax.vmap(lambda shift: find_root(lambda x, c: jnp.cos(x) - c, start, args=(shift,), method=method))
    )(shifts)
    assert found.x.dtype == jnp.float32
    np.testing.assert_allclose(found.x, np.arccos(np.asarray(shifts)), atol=2e-5)
    assert found.converged.tolist() == [True, True, True]
    assert found.message == RootReason[RootReason.converged]


def test_arguments_of_another_value_compile_nothing() -> None:
    traced = []

    def function(x: Any, c: Any) -> Any:
        traced.append(1)
        return x**2 - c

    assert float(find_root(function, 1.0, args=(2.0,)).x) == pytest.approx(2**0.5, rel=1e-12)
    compiled = len(traced)
    assert float(find_root(function, 1.0, args=(3.0,)).x) == pytest.approx(3**0.5, rel=1e-12)
    assert len(traced) == compiled


def test_the_secant_begins_from_one_number_inside_compiled_programs() -> None:
    starts = jnp.asarray([-1.0, 1.0], jnp.float32)
    x = jax.jit(jax.vmap(lambda start: find_root(lambda x: x**2 - 2, start, method="secant").x))(starts)
    np.testing.assert_allclose(x, [-(2**0.5), 2**0.5], rtol=1e-5)


def test_bad_input_is_named() -> None:
    with pytest.raises(ConfigurationError, match="brent"):
        find_root(cubic, 1.0, method="brent")
    with pytest.raises(DerivativeError, match="F needs the numbers"):
        find_root(lambda x: float(x), 1.0)
    with pytest.raises(ConfigurationError, match="muller"):
        find_root(cubic, 1.0, method="muller")
    with pytest.raises(ConfigurationError, match="secant"):
        find_root(cubic, [1.0, 2.0, 3.0], method="secant")
    with pytest.raises(DerivativeError, match="as many equations"):
        find_root(lambda x: jnp.stack([x, x]), 1.0)
    with pytest.raises(DataError, match="not finite"):
        find_root(cubic, float("nan"))
    with pytest.raises(DataError, match="limit"):
        convergence_order(np.ones((3, 2)))
    with pytest.raises(DataError, match="negative"):
        convergence_order([1.0, -0.1])
