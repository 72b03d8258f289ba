"""Ridge regression: scikit-learn's minimum, rows left out one by one, and the choice of the penalty."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression as PeerLinearRegression
from sklearn.linear_model import Ridge as PeerRidge
from sklearn.linear_model import RidgeCV

from pullback.core.errors import ConfigurationError
from pullback.core.random import generator
from pullback.learn.ridge import RidgePath
from pullback.models.linear.ridge import fit_ridge, fit_ridge_path

ALPHAS = np.geomspace(1e-3, 1e3, 7)
# More rows than columns, and fewer.
SHAPES = [(30, 6), (10, 14)]


def table(shape: tuple[int, int], outputs: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = generator(0, "ridge", *shape)
    X = random.normal(size=shape) + 3
    y = X[:, :3] @ [1.0, -2.0, 0.5] + random.normal(size=shape[0])
    return (X, np.stack([y, random.normal(size=shape[0])], axis=1)) if outputs else (X, y)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("outputs", [0, 2])
def test_the_minimum_is_scikit_learns(shape: tuple[int, int], outputs: int, intercept: bool) -> None:
    X, y = table(shape, outputs)
    weight = generator(1, "weights").uniform(0, 3, size=shape[0])
    found = fit_ridge_path(X, y, weight, alphas=ALPHAS, fit_intercept=intercept)
    for place, alpha in enumerate(ALPHAS):
        expected = PeerRidge(alpha, fit_intercept=intercept, solver="svd").fit(X, y, weight)
        np.testing.assert_allclose(found.coef[place], expected.coef_, rtol=1e-7, atol=1e-10)
        np.testing.assert_allclose(found.intercept[place], expected.intercept_, rtol=1e-8, atol=1e-12)
    single = fit_ridge(X, y, weight, alpha=ALPHAS[3], fit_intercept=intercept)
    np.testing.assert_allclose(single.coef, found.coef[3], rtol=1e-9)
    np.testing.assert_allclose(single.shrinkage, found.shrinkage[3], rtol=1e-8, atol=1e-14)
    np.testing.assert_allclose(single.residual_sum_of_squares, found.residual_sum_of_squares[3], rtol=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_gradient_of_the_objective_is_zero(shape: tuple[int, int]) -> None:
    X, y = table(shape)
    found = fit_ridge(X, y, alpha=0.7)
    residual = y - X @ found.coef - found.intercept
    np.testing.assert_allclose(X.T @ residual, 0.7 * found.coef, rtol=1e-8, atol=1e-9)
    assert residual.sum() == pytest.approx(0, abs=1e-10)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_rows_left_out_in_closed_form_are_rows_left_out(shape: tuple[int, int], intercept: bool) -> None:
    X, y = table(shape)
    found = fit_ridge_path(X, y, alphas=ALPHAS, fit_intercept=intercept)
    for place, alpha in enumerate(ALPHAS):
        errors = []
        for row in range(len(y)):
            others = np.arange(len(y)) != row
            without = PeerRidge(alpha, fit_intercept=intercept, solver="svd").fit(X[others], y[others])
            errors.append((y[row] - without.predict(X[[row]])[0]) ** 2)
        assert found.leave_one_out_error[place] == pytest.approx(np.mean(errors), rel=1e-7)
        spread = np.std(errors, ddof=1) / np.sqrt(len(y))
        assert found.leave_one_out_standard_error[place] == pytest.approx(spread, rel=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_degrees_of_freedom_and_generalized_cross_validation_by_the_hat_matrix(shape: tuple[int, int]) -> None:
    X, y = table(shape)
    found = fit_ridge_path(X, y, alphas=ALPHAS)
    centered, n = X - X.mean(0), len(y)
    for place, alpha in enumerate(ALPHAS):
        hat = centered @ np.linalg.solve(centered.T @ centered + alpha * np.eye(X.shape[1]), centered.T) + 1 / n
        residual = y - hat @ y
        assert found.degrees_of_freedom[place] == pytest.approx(np.trace(hat), rel=1e-8)
        gcv = np.mean(residual**2) / (1 - np.trace(hat) / n) ** 2
        assert found.generalized_cross_validation[place] == pytest.approx(gcv, rel=1e-7)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_row_of_weight_three_is_three_rows(shape: tuple[int, int]) -> None:
    X, y = table(shape)
    weight = np.arange(len(y)) % 4.0
    repeated = np.repeat(np.arange(len(y)), weight.astype(int))
    weighted = fit_ridge_path(X, y, weight, alphas=ALPHAS)
    plain = fit_ridge_path(X[repeated], y[repeated], alphas=ALPHAS)
    for name in weighted._fields:
        if name != "shrinkage":  # as many as there are rows
            np.testing.assert_allclose(getattr(weighted, name), getattr(plain, name), rtol=1e-8, atol=1e-11)


def test_without_penalty_it_is_the_shortest_least_squares_solution() -> None:
    X, y = table(SHAPES[0])
    dependent = np.column_stack([X[:, :5], X[:, 0] - X[:, 1]])
    for columns in (X, dependent):
        found = fit_ridge(columns, y, alpha=0.0)
        np.testing.assert_allclose(found.coef, PeerLinearRegression().fit(columns, y).coef_, rtol=1e-8)
    wide, target = table(SHAPES[1])
    found = fit_ridge_path(wide, target, alphas=[0.0, 1.0])
    np.testing.assert_allclose(found.coef[0], PeerLinearRegression().fit(wide, target).coef_, rtol=1e-7, atol=1e-10)
    assert np.isinf(found.leave_one_out_error[0]) and int(found.best) == 1


def test_small_penalties_on_columns_that_are_nearly_dependent() -> None:
    """Where the Gram matrix has lost the digits the singular values have them."""
    random = generator(0, "near")
    X, y = table(SHAPES[0])
    X[:, 5] = X[:, 0] + 1e-7 * random.normal(size=len(X))
    found = fit_ridge(X, y, alpha=1e-12)
    centered = np.vstack([X - X.mean(0), 1e-6 * np.eye(6)])
    expected = np.linalg.lstsq(centered, np.append(y - y.mean(), np.zeros(6)))[0]
    np.testing.assert_allclose(found.coef, expected, rtol=1e-6)


def test_the_penalty_is_chosen_as_ridge_cv_does() -> None:
    X, y = load_diabetes(return_X_y=True)
    alphas = np.geomspace(1e-4, 10, 20)
    ours, theirs = RidgePath(alphas).fit(X, y), RidgeCV(alphas, store_cv_results=True).fit(X, y)
    assert ours.alpha_ == theirs.alpha_
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-7)
    np.testing.assert_allclose(ours.leave_one_out_errors_, theirs.cv_results_.mean(axis=0), rtol=1e-8)
    careful = RidgePath(alphas, criterion="one_standard_error").fit(X, y)
    assert careful.alpha_ > ours.alpha_
    generalized = RidgePath(alphas, criterion="generalized").fit(X, y)
    assert generalized.alpha_ == alphas[np.argmin(generalized.generalized_errors_)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alphas": [-1.0, 1.0]}, "must not be negative"),
        ({"alphas": []}, "not a list of penalties"),
        ({"criterion": "leave_1_out"}, "did you mean 'leave_one_out'"),
        ({"alphas": [0.0]}, "add larger values"),
    ],
)
def test_bad_settings_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        RidgePath(**change).fit(*table(SHAPES[1]))
