"""Gauss-Newton and Levenberg-Marquardt: NIST's certified fits, closed forms, invariances; covariance of the fit."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from pullback.core.errors import ConfigurationError, DataError, DerivativeError
from pullback.optim import least_squares_covariance, minimize
from pullback.optim.methods import GaussNewton, LevenbergMarquardt
from pullback.optim.objective import Objective
from pullback.optim.trust_region.radius import RadiusRule
from pullback.testing.peers import peer
from pullback.testing.problems import NistDataset, read_nist
from pullback.testing.problems.rosenbrock import rosenbrock_residuals

SETS = read_nist(Path(__file__).parent / "nist")
# One of high difficulty that compiles quickly; all of them among the slow tests.
QUICK = ("BoxBOD",)


def digits(found: np.ndarray, certified: np.ndarray) -> float:
    """Number of decimal digits that agree in every entry, as NIST counts them."""
    return float(np.min(-np.log10(np.maximum(np.abs(found - certified) / np.abs(certified), 1e-16))))


@functools.cache
def certified_digits(name: str) -> list[tuple[float, float, int, int, str]]:
    """For both starts: digits of the parameters and of the standard errors, steps, evaluations, the reason."""
    dataset: NistDataset = SETS[name]
    fits = minimize(
        dataset.residuals,
        np.stack(dataset.starts),
        method="levenberg_marquardt",
        tolerance=1e-12,
        max_steps=1500,
        many=True,
    )
    rows = []
    for number in range(2):
        found = least_squares_covariance(dataset.residuals, fits.x[number])
        np.testing.assert_allclose(
            np.sqrt(found.residual_variance),
            dataset.residual_standard_deviation,
            rtol=1e-2 if name == "Lanczos1" else 1e-6,
        )
        assert found.degrees_of_freedom == dataset.degrees_of_freedom
        rows.append(
            (
                digits(fits.x[number], dataset.parameters),
                digits(found.standard_errors, dataset.standard_errors),
                int(fits.steps[number]),
                int(fits.work.values[number]),
                fits.message,
            )
        )
    return rows


# The residuals of Lanczos1 are the thirteenth digit of its data, and the computed ones are mostly rounding.
FEWER_DIGITS_OF_ERRORS = {"Lanczos1": 2.5}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else (pytest.mark.slow,)) for name in SETS]
)
def test_certified_fit_from_both_starts(name: str) -> None:
    for parameters, errors, *_ in certified_digits(name):
        assert parameters >= 8
        assert errors >= FEWER_DIGITS_OF_ERRORS.get(name, 6)


@pytest.mark.slow
def test_table_of_certified_digits() -> None:
    """Printed with `-s`."""
    good = 0
    print(f"\n{'set':10} start  digits  of errors  steps  evaluations")
    for name in SETS:
        for start, (parameters, errors, steps, values, message) in enumerate(certified_digits(name), 1):
            print(f"{name:10} {start:5} {parameters:7.1f} {errors:10.1f} {steps:6} {values:12}  {message}")
            good += parameters >= 8
    print(f"{good} of 54 fits to 8 certified digits")
    assert good >= 48


@pytest.mark.slow
def test_acceleration_bends_the_step_through_a_curved_valley() -> None:
    dataset = SETS["MGH09"]

    def fit(method: LevenbergMarquardt) -> Any:
        return minimize(dataset.residuals, dataset.starts[0], method=method, tolerance=1e-8)

    straight = fit(LevenbergMarquardt(radius=RadiusRule(initial=100.0)))
    bent = fit(LevenbergMarquardt(radius=RadiusRule(initial=100.0), geodesic_acceleration=True))
    assert digits(straight.x, dataset.parameters) >= 6
    assert digits(bent.x, dataset.parameters) >= 6
    assert bent.steps < straight.steps / 3
    assert bent.work.products > bent.work.values


def test_second_derivative_along_a_direction() -> None:
    def residuals(x: jax.Array) -> jax.Array:
        return jnp.stack([jnp.exp(x[0]) * x[1], x[1] ** 3])

    with jax.enable_x64(True):
        x, d = np.array([0.3, 0.7]), np.array([1.5, -2.0])
        found = Objective(lambda x: jnp.sum(residuals(x) ** 2), residual_function=residuals).residual_curvature(
            jnp.asarray(x), jnp.asarray(d)
        )
    first, second = np.exp(0.3), 0.7
    expected = [first * (second * d[0] ** 2 + 2 * d[0] * d[1]), 6 * second * d[1] ** 2]
    np.testing.assert_allclose(found, expected, rtol=1e-14)


DESIGN = np.random.default_rng(3).normal(size=(20, 3))
RESPONSE = np.random.default_rng(4).normal(size=20)


def linear(x: Any) -> Any:
    return jnp.asarray(DESIGN, x.dtype) @ x - jnp.asarray(RESPONSE, x.dtype)


@pytest.mark.parametrize("method", [GaussNewton(), LevenbergMarquardt(radius=RadiusRule(initial=1e3))])
def test_one_step_solves_a_linear_problem(method: Any) -> None:
    found = minimize(linear, [1.0, 2.0, 3.0], method=method, tolerance=1e-12)
    assert found.steps == 1
    assert found.converged
    np.testing.assert_allclose(found.x, np.linalg.lstsq(DESIGN, RESPONSE)[0], rtol=1e-12)


def test_gauss_newton_takes_the_shortest_step_where_columns_repeat() -> None:
    design = DESIGN[:, [0, 1, 1]]

    def residuals(x: Any) -> Any:
        return jnp.asarray(design, x.dtype) @ x - jnp.asarray(RESPONSE, x.dtype)

    found = minimize(residuals, np.zeros(3), method="gauss_newton", tolerance=1e-12)
    np.testing.assert_allclose(found.x, np.linalg.pinv(design) @ RESPONSE, rtol=1e-11)


def test_fewer_residuals_than_parameters() -> None:
    """Levenberg-Marquardt and Gauss-Newton both reach a zero of x y = 1, x + z = 2."""

    def residuals(x: Any) -> Any:
        return jnp.stack([x[0] * x[1] - 1, x[0] + x[2] - 2])

    for method in ("gauss_newton", "levenberg_marquardt"):
        found = minimize(residuals, [3.0, 1.0, 1.0], method=method)
        assert found.converged
        np.testing.assert_allclose(residuals(jnp.asarray(found.x, jnp.float32)), 0, atol=1e-6)
        assert float(found.value) < 1e-20


UNITS = np.array([1e-4, 1e3])


def test_the_units_of_the_parameters_change_nothing() -> None:
    """The same steps and points whatever the parameters are measured in; the tolerance means the same."""
    plain = minimize(rosenbrock_residuals, [-1.2, 1.0], method="levenberg_marquardt", keep_path=True)
    scaled = minimize(
        lambda x: 1e5 * rosenbrock_residuals(x / jnp.asarray(UNITS, x.dtype)),
        np.array([-1.2, 1.0]) * UNITS,
        method="levenberg_marquardt",
        keep_path=True,
    )
    assert plain.steps == scaled.steps
    assert plain.converged
    np.testing.assert_allclose(scaled.trace.x / UNITS, plain.trace.x, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(plain.x, [1, 1], atol=1e-9)


def test_a_large_residual_against_minpack() -> None:
    """Brown and Dennis' function, whose residuals stay large."""

    def residuals(x: Any, t: Any) -> Any:
        first, second = x[0] + t * x[1] - jnp.exp(t), x[2] + x[3] * jnp.sin(t) - jnp.cos(t)
        return first**2 + second**2

    t = np.arange(1, 21) / 5
    start = np.array([25.0, 5.0, -5.0, -1.0])
    found = minimize(residuals, start, args=(t,), method=LevenbergMarquardt())

    def plain(x: np.ndarray) -> np.ndarray:
        return (x[0] + t * x[1] - np.exp(t)) ** 2 + (x[2] + x[3] * np.sin(t) - np.cos(t)) ** 2

    reference = scipy.optimize.least_squares(plain, start, method="lm", xtol=1e-15, ftol=1e-15, gtol=1e-15)
    assert found.converged
    np.testing.assert_allclose(found.value, reference.cost, rtol=1e-10)
    np.testing.assert_allclose(found.x, reference.x, rtol=1e-4)


def test_residuals_that_vanish_at_a_singular_point_end_it() -> None:
    """Powell's singular function: linear convergence to zero, where neither cosine nor relative step becomes small."""

    def residuals(x: Any) -> Any:
        return jnp.stack(
            [x[0] + 10 * x[1], 5**0.5 * (x[2] - x[3]), (x[1] - 2 * x[2]) ** 2, 10**0.5 * (x[0] - x[3]) ** 2]
        )

    for method in ("gauss_newton", "levenberg_marquardt"):
        found = minimize(residuals, [3.0, -1.0, 0.0, 1.0], method=method)
        assert found.converged, found
        assert float(found.value) < 1e-26
        assert found.steps < 40


def test_an_overflow_shortens_the_step() -> None:
    def residuals(x: Any) -> Any:
        return jnp.exp(x) - jnp.asarray([1.0, 2.0], x.dtype)

    found = minimize(residuals, np.array(-30.0), method=LevenbergMarquardt(radius=RadiusRule(initial=1e10)))
    assert found.converged
    np.testing.assert_allclose(found.x, np.log(1.5), rtol=1e-6)


@pytest.mark.parametrize(
    "make",
    [
        lambda: RadiusRule(initial=0.0),
        lambda: RadiusRule(accept=0.5),
        lambda: RadiusRule(shrink=-1.0),
        lambda: RadiusRule(max_trials=0),
        lambda: LevenbergMarquardt(largest_acceleration=-1.0),
    ],
)
def test_options_out_of_range_are_refused(make: Any) -> None:
    with pytest.raises(ConfigurationError):
        make()


def test_covariance_of_a_linear_fit_is_that_of_ordinary_least_squares() -> None:
    x = np.linalg.lstsq(DESIGN, RESPONSE)[0]
    found = least_squares_covariance(linear, x)
    fit = peer("statsmodels.api").OLS(RESPONSE, DESIGN).fit()
    np.testing.assert_allclose(found.covariance, fit.cov_params(), rtol=1e-10)
    np.testing.assert_allclose(found.standard_errors, fit.bse, rtol=1e-10)
    np.testing.assert_allclose(found.residual_variance, fit.mse_resid, rtol=1e-12)
    errors = np.sqrt(np.diag(fit.cov_params()))
    np.testing.assert_allclose(found.correlation, fit.cov_params() / np.outer(errors, errors), rtol=1e-10)
    scaled = DESIGN / np.linalg.norm(DESIGN, axis=0)
    np.testing.assert_allclose(found.condition_number, np.linalg.cond(scaled), rtol=1e-10)


def test_covariance_keeps_containers_and_precision() -> None:
    def residuals(x: Any, y: Any) -> Any:
        return {"all": x["a"] + x["b"] * jnp.arange(5, dtype=x["a"].dtype) - y}["all"]

    y = np.array([1.0, 2.0, 2.5, 4.5, 5.0])
    whole = least_squares_covariance(residuals, {"a": 1.0, "b": 1.0}, args=(y,))
    assert set(whole.standard_errors) == {"a", "b"}
    single = least_squares_covariance(residuals, {"a": jnp.float32(1), "b": jnp.float32(1)}, args=(jnp.float32(y),))
    assert single.covariance.dtype == jnp.float32
    np.testing.assert_allclose(single.covariance, whole.covariance, rtol=1e-5)


def test_covariance_wants_more_residuals_than_parameters() -> None:
    with pytest.raises(DataError, match="not more residuals"):
        least_squares_covariance(lambda x: x - 1.0, np.zeros(3))
    with pytest.raises(DataError, match="not finite"):
        least_squares_covariance(linear, np.array([1.0, np.nan, 0.0]))
    with pytest.raises(DerivativeError, match="f does not return one array"):
        least_squares_covariance(lambda x: (x, x), np.zeros(3))
