"""Linear regression: the fit, its weights, and its inference against statsmodels."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.datasets import load_diabetes

from pullback.core.errors import ConfigurationError, DataError
from pullback.core.random import generator
from pullback.models.linear.bands import bands
from pullback.models.linear.least_squares import fit_least_squares
from pullback.models.linear.least_squares_inference import least_squares_inference
from pullback.testing.peers import peer

# The most columns taken of a set: sets of one number of columns share a program.
MOST_COLUMNS = 4
ROWS = 320
SETS = ["stackloss", "statecrime", "longley", "scotland", "ccard", "copper", "cpunish", "cancer", "engel", "grunfeld"]
KINDS = ["classical", "HC0", "HC1", "HC2", "HC3", "clustered"]


class Case(NamedTuple):
    """A bundled set of statsmodels with its own fit, and ours of rows padded by weights of zero."""

    X: np.ndarray
    y: np.ndarray
    clusters: np.ndarray
    peer_model: Any
    fit: Any
    rows: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


CASES: dict[str, Case] = {}


def case(name: str) -> Case:
    if name not in CASES:
        api = peer("statsmodels.api")
        data = getattr(api.datasets, name).load_pandas()
        columns = ["value", "capital"] if name == "grunfeld" else list(data.exog.columns)[:MOST_COLUMNS]
        X, y = data.exog[columns].to_numpy(float), np.asarray(data.endog, float)
        clusters = (
            np.unique(data.exog["firm"], return_inverse=True)[1] if name == "grunfeld" else np.arange(len(y)) // 3
        )
        missing = ROWS - len(y)
        rows = (
            np.pad(X, ((0, missing), (0, 0)), mode="edge"),
            np.pad(y, (0, missing), mode="edge"),
            np.repeat([1.0, 0.0], [len(y), missing]),
            np.pad(clusters, (0, missing), constant_values=-1),
        )
        model = api.OLS(y, api.add_constant(X, has_constant="add"))
        CASES[name] = Case(X, y, clusters, model, fit_least_squares(*rows[:3]), rows)
    return CASES[name]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SETS)
def test_inference_is_that_of_statsmodels(name: str, kind: str) -> None:
    one = case(name)
    X, y, weight, clusters = one.rows
    found = least_squares_inference(one.fit, X, y, weight, covariance=kind, clusters=clusters)
    if kind == "clustered":
        expected = one.peer_model.fit(cov_type="cluster", cov_kwds={"groups": one.clusters}, use_t=True)
    else:
        expected = one.peer_model.fit(cov_type=kind.replace("classical", "nonrobust"), use_t=True)
    near = {"rtol": 1e-6}
    np.testing.assert_allclose(found.estimates, expected.params, **near)
    np.testing.assert_allclose(found.standard_errors, expected.bse, **near)
    np.testing.assert_allclose(found.covariance, expected.cov_params(), rtol=1e-6, atol=1e-9 * expected.bse.max() ** 2)
    np.testing.assert_allclose(found.statistics, expected.tvalues, **near)
    np.testing.assert_allclose(found.p_values, expected.pvalues, **near)
    np.testing.assert_allclose(found.intervals(0.9), expected.conf_int(0.1), **near)
    overall = found.overall_test()
    if found.clusters is not None and found.clusters <= expected.df_model:
        assert overall is None
    else:
        assert overall is not None
        assert overall.statistic == pytest.approx(float(np.squeeze(expected.fvalue)), rel=1e-6)
        assert overall.p_value == pytest.approx(float(expected.f_pvalue), rel=1e-6)
    assert found.deviance_explained == pytest.approx(expected.rsquared, rel=1e-9)
    assert found.adjusted_r_squared == pytest.approx(expected.rsquared_adj, rel=1e-8)
    assert found.log_likelihood == pytest.approx(expected.llf, rel=1e-9)
    assert (found.aic, found.bic) == pytest.approx((expected.aic, expected.bic), rel=1e-9)
    assert found.dispersion == pytest.approx(expected.scale, rel=1e-8)


@pytest.mark.parametrize("name", SETS[:4])
def test_bands_are_those_of_statsmodels(name: str) -> None:
    one = case(name)
    expected = one.peer_model.fit().get_prediction().summary_frame(0.1)
    found = bands(one.fit, one.X, level=0.9)
    for ours, theirs in (
        (found.mean, "mean"),
        (found.standard_error, "mean_se"),
        (found.lower, "mean_ci_lower"),
        (found.upper, "mean_ci_upper"),
        (found.prediction_lower, "obs_ci_lower"),
        (found.prediction_upper, "obs_ci_upper"),
    ):
        np.testing.assert_allclose(ours, expected[theirs], rtol=1e-7)


def test_a_simultaneous_band_covers_the_whole_line() -> None:
    """In simulations with a known line Scheffé's band holds all of it with the stated probability."""
    random = generator(0, "bands")
    x = np.linspace(0, 1, 10)[:, None]
    grid = np.linspace(-5, 5, 50)[:, None]
    covered = 0
    for _ in range(200):
        y = 1 + 2 * x[:, 0] + random.normal(size=10)
        found = bands(fit_least_squares(x, y), grid, level=0.8, simultaneous=True)
        covered += bool(np.all((found.lower <= 1 + 2 * grid[:, 0]) & (1 + 2 * grid[:, 0] <= found.upper)))
    assert 141 <= covered <= 178  # the 99.9% band of 200 at 0.8


def test_the_diabetes_data_to_all_printed_digits() -> None:
    X, y = load_diabetes(return_X_y=True)
    found = fit_least_squares(X, y)
    assert f"{1 - found.residual_sum_of_squares / found.total_sum_of_squares:.10f}" == "0.5177484222"
    assert f"{found.intercept:.10f}" == "152.1334841629"


@pytest.mark.parametrize("intercept", [True, False])
def test_a_row_of_weight_three_is_three_rows(intercept: bool) -> None:
    one = case("statecrime")
    weight = np.arange(len(one.y)) % 4.0
    repeated = np.repeat(np.arange(len(one.y)), weight.astype(int))
    kinds: list[Any] = KINDS if intercept else ["HC3", "clustered"]
    fits = (
        (fit_least_squares(one.X, one.y, weight, fit_intercept=intercept), one.X, one.y, weight, one.clusters),
        (
            fit_least_squares(one.X[repeated], one.y[repeated], fit_intercept=intercept),
            one.X[repeated],
            one.y[repeated],
            None,
            one.clusters[repeated],
        ),
    )
    for kind in kinds:
        both = [least_squares_inference(*four, covariance=kind, clusters=groups) for *four, groups in fits]
        np.testing.assert_allclose(both[0].estimates, both[1].estimates, rtol=1e-10)
        np.testing.assert_allclose(both[0].covariance, both[1].covariance, rtol=1e-8)
        assert both[0].log_likelihood == pytest.approx(both[1].log_likelihood, rel=1e-12)
        assert both[0].residual_degrees_of_freedom == both[1].residual_degrees_of_freedom


def test_several_outputs_are_fitted_as_one_by_one() -> None:
    one = case("stackloss")
    outputs = np.stack([one.y, one.y**2], axis=1)
    both = fit_least_squares(one.X, outputs)
    assert both.coef.shape == (2, 3) and both.intercept.shape == (2,)
    for place in range(2):
        alone = fit_least_squares(one.X, outputs[:, place])
        np.testing.assert_allclose(both.coef[place], alone.coef, rtol=1e-10)
        np.testing.assert_allclose(both.residual_sum_of_squares[place], alone.residual_sum_of_squares, rtol=1e-10)


def test_collinear_columns_are_named_and_have_no_standard_errors() -> None:
    one = case("stackloss")
    X = np.column_stack([one.X, one.X[:, 0] + 2, one.X[:, 1] / 2 - one.X[:, 2]])
    fit = fit_least_squares(X, one.y)
    found = least_squares_inference(fit, X, one.y, names=["air", "water", "acid", "air again", "mixture"])
    assert [str(finding).split(": their")[0] for finding in found.findings] == [
        "collinear columns: air again = 2 intercept + air",
        "collinear columns: mixture = 0.5 water - acid",
    ]
    assert np.isnan(found.standard_errors).all()
    assert found.parameters == 4 and int(fit.rank) == 3
    expected = case("stackloss").peer_model.fit()
    np.testing.assert_allclose(fit.intercept + X @ fit.coef, expected.fittedvalues, rtol=1e-9)
    assert found.log_likelihood == pytest.approx(expected.llf, rel=1e-10)
    shortest = np.linalg.pinv(X - X.mean(0), rcond=1e-12) @ (one.y - one.y.mean())
    np.testing.assert_allclose(fit.coef, shortest, rtol=1e-8)


def test_an_offset_takes_no_digits() -> None:
    """Columns and target shifted by a hundred million times their spread, exactly in binary."""
    one = case("stackloss")
    shift = 2.0**30
    plain, shifted = fit_least_squares(one.X, one.y), fit_least_squares(one.X + shift, one.y + shift)
    np.testing.assert_allclose(shifted.coef, plain.coef, rtol=1e-9)
    np.testing.assert_allclose(shifted.residual_sum_of_squares, plain.residual_sum_of_squares, rtol=1e-7)


def test_one_program_fits_a_batch() -> None:
    one = case("stackloss")
    weights = generator(0, "weights").integers(0, 3, size=(5, len(one.y))).astype(float)
    with jax.enable_x64(True):
        X, y = jnp.asarray(one.X), jnp.asarray(one.y)
        fits = jax.jit(jax.vmap(lambda weight: fit_least_squares(X, y, weight, refine=False).coef))(
            jnp.asarray(weights)
        )
        fits = np.asarray(fits)
    for weight, coef in zip(weights, fits, strict=True):
        np.testing.assert_allclose(coef, fit_least_squares(one.X, one.y, weight).coef, rtol=1e-8)


def test_inference_that_cannot_be_made_is_refused() -> None:
    one = case("stackloss")
    few = fit_least_squares(one.X[:4], one.y[:4])
    with pytest.raises(DataError, match="no degrees of freedom"):
        least_squares_inference(few, one.X[:4], one.y[:4])
    with pytest.raises(DataError, match="no degrees of freedom"):
        bands(few, one.X)
    with pytest.raises(ConfigurationError, match="did you mean 'HC3'"):
        least_squares_inference(one.fit, one.X, one.y, covariance="HC33")
    with pytest.raises(ConfigurationError, match="names do not fit"):
        least_squares_inference(one.fit, one.X, one.y, names=["a"])
