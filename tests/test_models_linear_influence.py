"""Influence of rows against statsmodels and against fits without the row; residual diagnostics."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from pullback.core.random import generator
from pullback.models.linear.influence import influence
from pullback.models.linear.least_squares import fit_least_squares
from pullback.models.linear.residual_diagnostics import residual_diagnostics
from pullback.testing.peers import peer

SETS = ["stackloss", "statecrime", "copper", "longley"]
COLUMNS = 3


def data(name: str) -> tuple[np.ndarray, np.ndarray]:
    table = getattr(peer("statsmodels.api").datasets, name).load_pandas()
    return table.exog.to_numpy(float)[:, :COLUMNS], np.asarray(table.endog, float)


@pytest.mark.parametrize("name", SETS)
def test_influence_is_that_of_statsmodels(name: str) -> None:
    api = peer("statsmodels.api")
    X, y = data(name)
    expected = api.OLS(y, api.add_constant(X)).fit().get_influence()
    found = influence(fit_least_squares(X, y), X, y)
    np.testing.assert_allclose(found.leverage, expected.hat_matrix_diag, rtol=1e-8)
    np.testing.assert_allclose(found.internally_studentized, expected.resid_studentized_internal, rtol=1e-7)
    np.testing.assert_allclose(found.externally_studentized, expected.resid_studentized_external, rtol=1e-7)
    np.testing.assert_allclose(found.cooks_distance, expected.cooks_distance[0], rtol=1e-7)
    np.testing.assert_allclose(found.dffits, expected.dffits[0], rtol=1e-7)
    np.testing.assert_allclose(found.dfbetas, expected.dfbetas, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found.leave_one_out_residuals, expected.resid_press, rtol=1e-7)


def test_residuals_of_rows_left_out_are_those_of_fits_without_them() -> None:
    X, y = data("stackloss")
    found = influence(fit_least_squares(X, y), X, y)
    for row in range(len(y)):
        others = np.arange(len(y)) != row
        without = LinearRegression().fit(X[others], y[others])
        assert found.leave_one_out_residuals[row] == pytest.approx(y[row] - without.predict(X[[row]])[0], rel=1e-9)


def test_a_row_of_weight_three_is_three_rows_of_which_one_is_left_out() -> None:
    X, y = data("stackloss")
    weight = np.arange(len(y)) % 4.0
    repeated = np.repeat(np.arange(len(y)), weight.astype(int))
    weighted = influence(fit_least_squares(X, y, weight), X, y)
    plain = influence(fit_least_squares(X[repeated], y[repeated]), X[repeated], y[repeated])
    for name in weighted._fields:
        np.testing.assert_allclose(getattr(weighted, name)[repeated], getattr(plain, name), rtol=1e-8, err_msg=name)


def test_a_row_that_alone_determines_a_coefficient() -> None:
    random = generator(0, "dummy")
    X = np.column_stack([random.normal(size=21), np.arange(21) == 5, random.normal(size=21)]).astype(float)
    y = random.normal(size=21)
    found = influence(fit_least_squares(X, y), X, y)
    assert found.leverage[5] == pytest.approx(1)
    assert np.isnan(found.leave_one_out_residuals[5]) and np.isnan(found.cooks_distance[5])
    assert np.isfinite(np.delete(found.cooks_distance, 5)).all()


@pytest.mark.parametrize("name", SETS)
def test_diagnostics_are_those_of_statsmodels(name: str) -> None:
    api = peer("statsmodels.api")
    tools = peer("statsmodels.stats.stattools")
    tests = peer("statsmodels.stats.diagnostic")
    inflation = peer("statsmodels.stats.outliers_influence").variance_inflation_factor
    X, y = data(name)
    design = api.add_constant(X)
    residuals = api.OLS(y, design).fit().resid
    found = residual_diagnostics(fit_least_squares(X, y), X, y)
    assert found.durbin_watson == pytest.approx(tools.durbin_watson(residuals), rel=1e-8)
    expected = tests.het_breuschpagan(residuals, design)
    assert (found.breusch_pagan, found.breusch_pagan_p_value) == pytest.approx(expected[:2], rel=1e-7)
    jarque_bera = (found.jarque_bera, found.jarque_bera_p_value, found.skewness, found.kurtosis)
    assert jarque_bera == pytest.approx(tools.jarque_bera(residuals), rel=1e-8)
    np.testing.assert_allclose(found.variance_inflation, [inflation(design, j) for j in (1, 2, 3)], rtol=1e-8)


def test_diagnostics_of_weights_are_those_of_repeated_rows() -> None:
    X, y = data("stackloss")
    weight = np.arange(len(y)) % 4.0
    repeated = np.repeat(np.arange(len(y)), weight.astype(int))
    weighted = residual_diagnostics(fit_least_squares(X, y, weight), X, y, weight)
    plain = residual_diagnostics(fit_least_squares(X[repeated], y[repeated]), X[repeated], y[repeated])
    for ours, theirs in zip(weighted, plain, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-8)
    dependent = np.column_stack([X[:, :2], X[:, 0] + X[:, 1]])
    assert np.isinf(residual_diagnostics(fit_least_squares(dependent, y), dependent, y).variance_inflation).all()
