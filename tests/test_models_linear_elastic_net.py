"""The elastic net against scikit-learn, its optimality conditions and closed forms."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import ElasticNet as ScikitElasticNet
from sklearn.linear_model import Ridge as ScikitRidge
from sklearn.linear_model import lasso_path

from pullback.core.errors import ConfigurationError, DataError, ShapeError
from pullback.models.linear.elastic_net import fit_elastic_net
from pullback.models.linear.elastic_net_path import fit_elastic_net_path

X, Y = load_diabetes(return_X_y=True)


def compiled(X, y, sample_weight=None, **settings):
    """The same fit in a compiled program, in float64."""
    with jax.enable_x64(True):
        weight = None if sample_weight is None else jnp.asarray(sample_weight, float)
        found = fit_elastic_net(jnp.asarray(X), jnp.asarray(y), weight, **settings)
        return jax.tree.map(np.asarray, found)


FITS = [pytest.param(fit_elastic_net, id="host"), pytest.param(compiled, id="compiled")]


def correlated(seed, rows, columns, factors, duplicates=False):
    random = np.random.default_rng(seed)
    X = random.standard_normal((rows, factors)) @ random.standard_normal((factors, columns))
    X += 0.2 * random.standard_normal((rows, columns))
    if duplicates:
        X[:, 1], X[:, 3] = X[:, 0], -X[:, 2]
    return X, X[:, :4] @ random.standard_normal(4) + random.standard_normal(rows)


def violation(X, y, found, alpha, l1_ratio):
    """By how much the conditions of optimality are missed, over the strength."""
    residual = y - found.intercept - X @ found.coef
    r = X.T @ residual / len(y) - alpha * (1 - l1_ratio) * found.coef
    l1 = alpha * l1_ratio
    active = found.coef != 0
    missed = np.where(active, np.abs(r - l1 * np.sign(found.coef)), np.maximum(np.abs(r) - l1, 0))
    return missed.max() / alpha


@pytest.mark.parametrize("fit", FITS)
def test_lasso_of_diabetes_is_the_published_one(fit):
    found = fit(X, Y, alpha=0.5)
    expected = [0, 0, 471.0136, 136.5169, 0, 0, -58.3401, 0, 408.0219, 0]
    np.testing.assert_array_equal(found.coef.round(4), expected)
    assert np.isclose(found.intercept, 152.1334841629, rtol=1e-12)


@pytest.mark.parametrize("alpha", [1e-3, 0.05, 0.5, 2.0])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.7, 0.1])
def test_equals_scikit_learn_on_diabetes(alpha, l1_ratio):
    other = ScikitElasticNet(alpha=alpha, l1_ratio=l1_ratio, tol=1e-14, max_iter=1_000_000).fit(X, Y)
    for fit in (fit_elastic_net, compiled):
        found = fit(X, Y, alpha=alpha, l1_ratio=l1_ratio, tolerance=0.0)
        # A gap of 1e-14 of the square of the target leaves scikit-learn five digits where coefficients are small.
        np.testing.assert_allclose(found.coef, other.coef_, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(found.intercept, other.intercept_, rtol=1e-10)
        assert violation(X, Y, found, alpha, l1_ratio) < 1e-10


@pytest.mark.parametrize("fit", FITS)
def test_without_absolute_values_it_is_ridge_regression(fit):
    other = ScikitRidge(alpha=0.3 * len(Y)).fit(X, Y)
    found = fit(X, Y, alpha=0.3, l1_ratio=0.0)
    np.testing.assert_allclose(found.coef, other.coef_, rtol=1e-9)
    assert found.duality_gap <= 1e-8 * found.objective


@pytest.mark.parametrize("fit", FITS)
def test_nonnegative_coefficients_equal_scikit_learn(fit):
    other = ScikitElasticNet(alpha=0.1, l1_ratio=0.9, positive=True, tol=1e-14, max_iter=1_000_000).fit(X, Y)
    found = fit(X, Y, alpha=0.1, l1_ratio=0.9, positive=True, tolerance=0.0)
    np.testing.assert_allclose(found.coef, other.coef_, rtol=1e-5, atol=1e-6)
    assert found.coef.min() >= 0 and found.coef.max() > 0


@pytest.mark.parametrize("fit", FITS)
def test_orthogonal_columns_are_thresholded(fit):
    Q = np.linalg.qr(np.random.default_rng(0).standard_normal((40, 6)))[0] * np.sqrt(40)
    y = Q @ np.array([3.0, -2.0, 1.0, 0.4, -0.2, 0.0])
    found = fit(Q, y, alpha=0.5, l1_ratio=1.0, fit_intercept=False)
    np.testing.assert_allclose(found.coef, [2.5, -1.5, 0.5, 0, 0, 0], atol=1e-13)


@pytest.mark.parametrize("fit", FITS)
def test_weights_are_counts_of_rows(fit):
    weight = np.random.default_rng(0).integers(0, 4, len(Y))
    rows = np.repeat(np.arange(len(Y)), weight)
    weighted = fit(X, Y, weight, alpha=0.1, l1_ratio=0.8)
    repeated = fit_elastic_net(X[rows], Y[rows], alpha=0.1, l1_ratio=0.8)
    np.testing.assert_allclose(weighted.coef, repeated.coef, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(weighted.intercept, repeated.intercept, rtol=1e-10)


@pytest.mark.parametrize(
    "seed, rows, columns, factors, duplicates",
    [(0, 60, 20, 20, False), (1, 60, 20, 2, False), (2, 25, 60, 3, False), (3, 60, 20, 4, True), (4, 30, 30, 30, True)],
)
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
def test_conditions_of_optimality_along_the_path(seed, rows, columns, factors, duplicates, l1_ratio):
    X, y = correlated(seed, rows, columns, factors, duplicates)
    path = fit_elastic_net_path(X, y, l1_ratio=l1_ratio, alphas=25, tolerance=1e-11)
    for k, alpha in enumerate(path.alphas):
        one = type(path)(*(leaf[k] for leaf in path))
        assert violation(X, y, one, alpha, l1_ratio) < 1e-4
        assert one.duality_gap <= 2e-11 * one.objective + 1e-14 * np.var(y)
    assert np.count_nonzero(path.coef[0]) == 0 and np.count_nonzero(path.coef[-1]) > 3


def test_gap_bounds_the_distance_to_the_optimum():
    exact = fit_elastic_net(X, Y, alpha=0.05, tolerance=1e-14)
    rough = compiled(X, Y, alpha=0.05, tolerance=1e-1, max_iterations=10)
    residual = Y - rough.intercept - X @ rough.coef
    value = residual @ residual / (2 * len(Y)) + 0.05 * np.abs(rough.coef).sum()
    assert np.isclose(rough.objective, value, rtol=1e-12)
    assert exact.objective <= rough.objective <= exact.objective + rough.duality_gap * (1 + 1e-12)


def test_path_equals_scikit_learn_and_its_strengths():
    alphas, coefs, _ = lasso_path(X, Y - Y.mean(), eps=1e-2, alphas=20, tol=1e-14, max_iter=1_000_000)
    path = fit_elastic_net_path(X, Y, alphas=20, smallest=1e-2, tolerance=1e-13)
    np.testing.assert_allclose(path.alphas, alphas, rtol=1e-12)
    np.testing.assert_allclose(path.coef, coefs.T, rtol=1e-6, atol=1e-6)


def test_compiled_path_equals_that_of_the_host():
    host = fit_elastic_net_path(X, Y, alphas=12, l1_ratio=0.9, tolerance=1e-13)
    with jax.enable_x64(True):
        ours = fit_elastic_net_path(jnp.asarray(X), jnp.asarray(Y), alphas=12, l1_ratio=0.9, tolerance=1e-13)
        np.testing.assert_allclose(np.asarray(ours.coef), host.coef, rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(np.asarray(ours.intercept), host.intercept, rtol=1e-11)


def test_each_output_is_fitted_alone():
    both = np.stack([Y, np.sqrt(Y)], axis=1)
    for fit in (fit_elastic_net, compiled):
        found = fit(X, both, alpha=0.02)
        for k in range(2):
            alone = fit_elastic_net(X, both[:, k], alpha=0.02)
            np.testing.assert_allclose(found.coef[k], alone.coef, rtol=1e-6, atol=1e-6)
            np.testing.assert_allclose(found.intercept[k], alone.intercept, rtol=1e-9)


def test_maps_over_strengths_in_one_program():
    with jax.enable_x64(True):
        alphas = jnp.asarray([0.1, 0.5, 2.0])
        found = jax.vmap(lambda alpha: fit_elastic_net(jnp.asarray(X), jnp.asarray(Y), alpha=alpha))(alphas)
        for k, alpha in enumerate((0.1, 0.5, 2.0)):
            np.testing.assert_allclose(
                np.asarray(found.coef[k]), fit_elastic_net(X, Y, alpha=alpha).coef, rtol=1e-6, atol=1e-6
            )


def test_float32_follows_its_own_precision():
    found = fit_elastic_net(jnp.asarray(X, jnp.float32), jnp.asarray(Y, jnp.float32), alpha=0.5, tolerance=1e-5)
    assert found.coef.dtype == jnp.float32
    np.testing.assert_allclose(np.asarray(found.coef), fit_elastic_net(X, Y, alpha=0.5).coef, rtol=2e-3, atol=0.1)


def test_columns_far_from_zero_lose_no_digits():
    moved = fit_elastic_net(X + 1e6, Y, alpha=0.5)
    np.testing.assert_allclose(moved.coef, fit_elastic_net(X, Y, alpha=0.5).coef, rtol=1e-6, atol=1e-6)


def test_constant_target_and_constant_column():
    found = fit_elastic_net(np.c_[X[:, :3], np.ones(len(Y))], np.full(len(Y), 7.0), alpha=0.1)
    assert found.coef.tolist() == [0, 0, 0, 0] and found.intercept == 7.0
    path = fit_elastic_net_path(X, np.full(len(Y), 7.0), alphas=3)
    assert not path.coef.any()


@pytest.mark.parametrize(
    "settings, error",
    [
        ({"alpha": 0.0}, ConfigurationError),
        ({"alpha": np.nan}, ConfigurationError),
        ({"alpha": 1.0, "l1_ratio": 1.5}, ConfigurationError),
        ({"alpha": 1.0, "sample_weight": -np.ones(len(Y))}, DataError),
        ({"alpha": 1.0, "sample_weight": np.ones(3)}, ShapeError),
    ],
)
def test_settings_outside_their_range_are_refused(settings, error):
    with pytest.raises(error):
        fit_elastic_net(X, Y, **settings)


def test_strengths_of_a_path_without_absolute_values_must_be_given():
    with pytest.raises(ConfigurationError, match="no strength"):
        fit_elastic_net_path(X, Y, l1_ratio=0.0)
    assert fit_elastic_net_path(X, Y, l1_ratio=0.0, alphas=[0.1, 1.0]).alphas.tolist() == [1.0, 0.1]
