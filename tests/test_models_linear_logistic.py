"""Logistic regression against scikit-learn, published figures, closed forms and automatic derivatives."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression as ScikitLogisticRegression

from pullback.core.errors import ConfigurationError, DataError
from pullback.models.linear.logistic import fit_logistic
from pullback.models.linear.logistic_rows import (
    LogisticRows,
    hessian,
    logistic_gradient,
    logistic_hessian,
    logistic_loss,
    loss_and_gradient,
)

CANCER = load_breast_cancer()


def binary(seed=0, rows=400, columns=5, scale=1.0):
    random = np.random.default_rng(seed)
    X = random.standard_normal((rows, columns))
    z = scale * (X[:, 0] - 0.5 * X[:, 1] + 0.3)
    return X, (random.random(rows) < expit(z)).astype(float)


def violation(X, y, found, C, l1_ratio):
    """By how much the conditions of optimality are missed."""
    r = expit(X @ found.coef + found.intercept) - y
    gradient = X.T @ r + (1 - l1_ratio) / C * found.coef
    l1 = l1_ratio / C
    active = found.coef != 0
    missed = np.where(active, np.abs(gradient + l1 * np.sign(found.coef)), np.maximum(np.abs(gradient) - l1, 0))
    return max(missed.max(), abs(r.sum()))


def test_malignant_by_mean_area_is_the_published_fit():
    found = fit_logistic(CANCER.data[:, 3:4], 1.0 - CANCER.target, C=np.inf)
    assert np.round(found.intercept, 8) == -7.97409315
    assert np.round(found.coef[0], 8) == 0.01176793
    assert np.round(-found.objective, 8) == -162.82825557


@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_square_penalty_equals_scikit_learn(C, fit_intercept):
    X, y = binary()
    other = ScikitLogisticRegression(C=C, fit_intercept=fit_intercept, solver="newton-cholesky", tol=1e-12).fit(X, y)
    found = fit_logistic(X, y, C=C, fit_intercept=fit_intercept)
    np.testing.assert_allclose(found.coef, other.coef_[0], rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(found.intercept, other.intercept_[0], rtol=1e-8, atol=1e-10)
    assert found.converged


@pytest.mark.parametrize("C, l1_ratio", [(0.03, 1.0), (0.3, 1.0), (0.1, 0.5), (50.0, 0.7), (1e-3, 1.0)])
def test_penalty_of_absolute_values_meets_the_conditions_of_optimality(C, l1_ratio):
    X, y = binary()
    found = fit_logistic(X, y, C=C, l1_ratio=l1_ratio)
    assert violation(X, y, found, C, l1_ratio) < 1e-7
    if C == 1e-3:
        assert not found.coef.any()
        np.testing.assert_allclose(expit(found.intercept), y.mean(), rtol=1e-10)


def test_penalty_of_absolute_values_equals_scikit_learn():
    X, y = binary()
    other = ScikitLogisticRegression(C=0.3, l1_ratio=0.6, solver="saga", tol=1e-12, max_iter=100_000).fit(X, y)
    found = fit_logistic(X, y, C=0.3, l1_ratio=0.6)
    np.testing.assert_allclose(found.coef, other.coef_[0], rtol=1e-6, atol=1e-7)


def test_weights_are_counts_of_rows():
    X, y = binary()
    weight = np.random.default_rng(2).integers(0, 4, len(y))
    rows = np.repeat(np.arange(len(y)), weight)
    for l1_ratio in (0.0, 1.0):
        weighted = fit_logistic(X, y, weight, C=0.2, l1_ratio=l1_ratio)
        repeated = fit_logistic(X[rows], y[rows], C=0.2, l1_ratio=l1_ratio)
        np.testing.assert_allclose(weighted.coef, repeated.coef, rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(weighted.intercept, repeated.intercept, rtol=1e-8)


def test_curvature_of_a_part_of_the_rows_has_the_same_limit():
    # So many rows that two smaller problems go before, and a number of rows that no block divides.
    X, y = binary(3, 5003, 4, scale=2.0)
    other = ScikitLogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-12).fit(X, y)
    found = fit_logistic(X, y, C=1.0)
    np.testing.assert_allclose(found.coef, other.coef_[0], rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(found.intercept, other.intercept_[0], rtol=1e-8)
    ordered = np.argsort(y, kind="stable")
    np.testing.assert_allclose(fit_logistic(X[ordered], y[ordered], C=1.0).coef, found.coef, rtol=1e-8, atol=1e-9)


def test_columns_far_from_zero_and_of_other_scales():
    X, y = binary()
    factor = np.array([1e-4, 1.0, 1e3, 1.0, 1.0])
    plain = fit_logistic(X, y, C=np.inf)
    moved = fit_logistic(X * factor + 1e4, y, C=np.inf)
    np.testing.assert_allclose(moved.coef * factor, plain.coef, rtol=1e-5)


def test_columns_that_depend_on_each_other_have_a_finite_fit():
    X, y = binary()
    plain = fit_logistic(X, y, C=np.inf)
    double = fit_logistic(np.c_[X, X[:, 0]], y, C=np.inf)
    np.testing.assert_allclose(double.objective, plain.objective, rtol=1e-12)
    np.testing.assert_allclose(double.coef[0] + double.coef[5], plain.coef[0], rtol=1e-6)


def test_separated_classes_end_with_numbers():
    found = fit_logistic(np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0.0, 0, 1, 1]), C=np.inf)
    assert np.isfinite(found.coef).all() and found.objective < 1e-6


def test_maps_over_weights_in_one_program():
    X, y = binary()
    weights = np.random.default_rng(0).integers(0, 3, (3, len(y))).astype(float)
    with jax.enable_x64(True):
        X_, y_ = jnp.asarray(X), jnp.asarray(y)
        found = jax.vmap(lambda w: fit_logistic(X_, y_, w, C=1.0).coef)(jnp.asarray(weights))
        found = np.asarray(found)
    for k in range(3):
        np.testing.assert_allclose(found[k], fit_logistic(X, y, weights[k], C=1.0).coef, rtol=1e-8, atol=1e-10)


def test_gradient_and_hessian_in_closed_form_equal_automatic_ones():
    X, y = binary(rows=60)
    with jax.enable_x64(True):
        X_, y_ = jnp.asarray(X), jnp.asarray(y)
        b = jnp.asarray(np.random.default_rng(1).standard_normal(5))

        def loss(b):
            return jnp.sum(logistic_loss(X_ @ b, y_))

        p = jax.nn.sigmoid(X_ @ b)
        np.testing.assert_allclose(logistic_gradient(X_, p, y_), jax.grad(loss)(b), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(logistic_hessian(X_, p), jax.hessian(loss)(b), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("rows", [700, 2500])
def test_sums_over_blocks_equal_automatic_derivatives(rows):
    X, y = binary(rows=rows)
    random = np.random.default_rng(1)
    with jax.enable_x64(True):
        X_, y_, w, m, b = (
            jnp.asarray(value)
            for value in (X, y, random.integers(0, 3, rows).astype(float), X.mean(0), random.standard_normal(6))
        )

        def loss(b):
            return jnp.sum(w * logistic_loss((X_ - m) @ b[1:] + b[0], y_))

        data, one = LogisticRows(X_, y_, w, m), jnp.asarray(1)
        value, gradient = loss_and_gradient(data, b, one)
        np.testing.assert_allclose(value, loss(b), rtol=1e-12)
        np.testing.assert_allclose(gradient, jax.grad(loss)(b), rtol=1e-11, atol=1e-11)
        np.testing.assert_allclose(hessian(data, b, one), jax.hessian(loss)(b), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("z, expected", [(-1000.0, (0, 1000)), (0.0, (np.log(2), np.log(2))), (1000.0, (1000, 0))])
def test_loss_at_extremes(z, expected):
    with jax.enable_x64(True):
        loss = logistic_loss(jnp.asarray([z, z]), jnp.asarray([0.0, 1.0]))
        np.testing.assert_allclose(loss, expected)


@pytest.mark.parametrize(
    "y, settings, error",
    [
        (np.array([0.0, 1.0, 2.0]), {}, DataError),
        (np.array([0.0, 1.0, 1.0]), {"C": 0.0}, ConfigurationError),
        (np.array([0.0, 1.0, 1.0]), {"l1_ratio": -0.1}, ConfigurationError),
    ],
)
def test_settings_outside_their_range_are_refused(y, settings, error):
    with pytest.raises(error):
        fit_logistic(np.array([[0.0], [1.0], [2.0]]), y, **settings)
