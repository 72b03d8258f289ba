"""Quantile regression: the peers' minimum, shares of the rows, weights as rows, standard errors."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import QuantileRegressor as PeerQuantileRegressor

from pullback.core.errors import ConfigurationError, ShapeError
from pullback.core.random import generator
from pullback.models.linear.quantile import fit_quantile, pinball_loss
from pullback.models.linear.quantile_covariance import quantile_covariance
from pullback.testing.peers import peer

ROWS, COLUMNS = 80, 4


def table() -> tuple[np.ndarray, np.ndarray]:
    random = generator(0, "quantile")
    X = random.normal(size=(ROWS, COLUMNS)) * [1, 100, 0.01, 1]
    return X, X @ [1.0, -0.02, 50.0, 0.0] + random.exponential(size=ROWS)


def engel() -> tuple[np.ndarray, np.ndarray]:
    data = peer("statsmodels.api").datasets.engel.load_pandas().data
    return data[["income"]].to_numpy(float), data["foodexp"].to_numpy(float)


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.85])
@pytest.mark.parametrize("alpha", [0.0, 0.02])
@pytest.mark.parametrize("intercept", [True, False])
def test_the_minimum_is_scikit_learns(quantile: float, alpha: float, intercept: bool) -> None:
    X, y = table()
    X = X / [1, 100, 0.01, 1]
    weight = generator(1, "weights").uniform(0.1, 2, size=ROWS)
    found = fit_quantile(X, y, weight, quantile=quantile, alpha=alpha, fit_intercept=intercept)
    theirs = PeerQuantileRegressor(quantile=quantile, alpha=alpha, fit_intercept=intercept).fit(X, y, weight)
    loss = weight @ pinball_loss(y - theirs.predict(X), quantile) / weight.sum()
    assert found.objective == pytest.approx(loss + alpha * np.abs(theirs.coef_).sum(), rel=1e-9)
    np.testing.assert_allclose(found.coef, theirs.coef_, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(found.intercept, theirs.intercept_, rtol=1e-6)


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.85])
def test_the_dual_proves_the_minimum(quantile: float) -> None:
    """Without penalty: the dual is feasible and its value is that of the loss."""
    X, y = table()
    found = fit_quantile(X, y, quantile=quantile)
    assert (found.dual >= quantile - 1 - 1e-9).all() and (found.dual <= quantile + 1e-9).all()
    np.testing.assert_allclose(found.dual @ np.column_stack([np.ones(ROWS), X]), 0, atol=1e-5)
    assert found.dual @ y / ROWS == pytest.approx(found.objective, rel=1e-7)
    residual = y - X @ found.coef - found.intercept
    fitted = np.abs(residual) < 1e-12
    assert fitted.sum() == COLUMNS + 1
    assert (residual < 0).sum() - fitted.sum() <= quantile * ROWS <= (residual <= 0).sum() + fitted.sum()


def test_the_median_of_engels_data() -> None:
    X, y = engel()
    found = fit_quantile(X, y)
    assert f"{found.coef[0]:.4f}" == "0.5602"
    assert f"{found.intercept:.2f}" == "81.48"


@pytest.mark.parametrize("quantile", [0.25, 0.5, 0.9])
@pytest.mark.parametrize("kind", ["robust", "iid"])
def test_standard_errors_are_those_of_statsmodels(quantile: float, kind: str) -> None:
    api = peer("statsmodels.api")
    X, y = engel()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = api.QuantReg(y, api.add_constant(X)).fit(q=quantile, vcov=kind, p_tol=1e-10, max_iter=5000)
    fit = fit_quantile(X, y, quantile=quantile)
    found = quantile_covariance(fit, X, y, quantile=quantile, kind=kind)
    # The peer's reweighting stops about a millionth away from the vertex: the signs of the rows that the vertex
    # fits, by which the robust kind weighs them, are those of its rounding.
    np.testing.assert_allclose(np.append(fit.intercept, fit.coef), expected.params, rtol=1e-5)
    exact = kind == "iid" or quantile == 0.5
    np.testing.assert_allclose(found.standard_errors, expected.bse, rtol=1e-4 if exact else 0.05)
    assert found.sparsity == pytest.approx(expected.sparsity, rel=1e-4)
    assert found.bandwidth == pytest.approx(expected.bandwidth, rel=1e-4)


def test_a_row_of_weight_three_is_three_rows() -> None:
    X, y = table()
    weight = np.arange(ROWS) % 4.0
    repeated = np.repeat(np.arange(ROWS), weight.astype(int))
    weighted, plain = fit_quantile(X, y, weight, quantile=0.3), fit_quantile(X[repeated], y[repeated], quantile=0.3)
    np.testing.assert_allclose(weighted.coef, plain.coef, rtol=1e-8, atol=1e-10)
    assert weighted.objective == pytest.approx(plain.objective, rel=1e-10)


def test_units_of_columns_and_target_do_not_matter() -> None:
    X, y = table()
    units = np.array([1e-6, 1e3, 1e6, 1.0])
    found, scaled = fit_quantile(X, y, quantile=0.3), fit_quantile(X * units, y * 1e5, quantile=0.3)
    np.testing.assert_allclose(scaled.coef * units / 1e5, found.coef, rtol=1e-8)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"quantile": 1.0}, ConfigurationError, "quantile is out of its range"),
        ({"alpha": -1.0}, ConfigurationError, "alpha must not be negative"),
        ({"y": np.ones((ROWS, 2))}, ShapeError, "one output"),
        ({"y": np.ones(3)}, ShapeError, "not one least-squares problem"),
    ],
)
def test_bad_settings_are_refused(change: dict[str, Any], error: type[Exception], message: str) -> None:
    X, y = table()
    with pytest.raises(error, match=message):
        fit_quantile(**({"X": X, "y": y} | change))
