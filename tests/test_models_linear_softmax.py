"""Softmax regression against scikit-learn, statsmodels and automatic derivatives."""

from __future__ import annotations

import re
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import linprog
from sklearn.datasets import load_digits, load_iris
from sklearn.linear_model import LogisticRegression as ScikitLogisticRegression

from pullback.core.errors import ConfigurationError, DataError
from pullback.learn import SoftmaxRegression
from pullback.models.linear.logistic import fit_logistic
from pullback.models.linear.softmax import fit_softmax
from pullback.models.linear.softmax_inference import softmax_inference
from pullback.models.linear.softmax_kernels import (
    cross_entropy,
    softmax,
    softmax_gradient,
    softmax_hessian,
    softmax_hessian_product,
    softmax_jacobian,
)
from pullback.testing.peers import peer

X, Y = load_iris(return_X_y=True)


def rows_for_derivatives():
    random = np.random.default_rng(0)
    X, B = random.standard_normal((30, 3)), random.standard_normal((4, 3))
    w, labels = random.random(30), np.eye(4)[random.integers(0, 4, 30)]
    return tuple(jnp.asarray(value) for value in (X, B, w, labels))


@pytest.mark.parametrize("C", [0.01, 1.0, 10.0])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_square_penalty_equals_scikit_learn(C, fit_intercept):
    other = ScikitLogisticRegression(
        C=C, fit_intercept=fit_intercept, solver="newton-cholesky", tol=1e-12, max_iter=1000
    ).fit(X, Y)
    found = fit_softmax(X, Y, C=C, fit_intercept=fit_intercept)
    np.testing.assert_allclose(found.coef, other.coef_, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(found.intercept, other.intercept_ - other.intercept_.mean(), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("rows", [400, 1797])
def test_many_coefficients_by_products_of_the_hessian(rows):
    digits, label = load_digits(return_X_y=True)
    digits, label = digits[:rows] / 16, label[:rows]
    found = fit_softmax(digits, label, C=0.1)
    assert found.converged
    P = np.exp(digits @ found.coef.T + found.intercept)
    P /= P.sum(1, keepdims=True)
    residual = P - np.eye(10)[label]
    np.testing.assert_allclose(residual.T @ digits + found.coef / 0.1, 0, atol=1e-8)
    np.testing.assert_allclose(residual.sum(0), 0, atol=1e-8)


def test_two_classes_without_a_penalty_are_logistic_regression():
    two = Y > 0
    x, y = X[two][:, :2], Y[two] - 1
    one, both = fit_logistic(x, y.astype(float), C=np.inf), fit_softmax(x, y, C=np.inf)
    np.testing.assert_allclose(both.coef[1] - both.coef[0], one.coef, rtol=1e-8)
    np.testing.assert_allclose(both.intercept[1] - both.intercept[0], one.intercept, rtol=1e-8)
    np.testing.assert_allclose(both.objective, one.objective, rtol=1e-12)


def test_weights_are_counts_of_rows():
    weight = np.random.default_rng(0).integers(0, 4, len(Y))
    rows = np.repeat(np.arange(len(Y)), weight)
    weighted, repeated = fit_softmax(X, Y, weight, C=2.0), fit_softmax(X[rows], Y[rows], C=2.0)
    np.testing.assert_allclose(weighted.coef, repeated.coef, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(weighted.intercept, repeated.intercept, rtol=1e-8, atol=1e-8)


def test_standard_errors_equal_statsmodels_on_anes96():
    statsmodels = peer("statsmodels.api")
    data = statsmodels.datasets.anes96.load_pandas()
    x, y = np.asarray(data.exog, float), np.asarray(data.endog, int)
    other = statsmodels.MNLogit(y, statsmodels.add_constant(x)).fit(method="newton", disp=0, maxiter=100)
    fit = fit_softmax(x, y, C=np.inf)
    found = softmax_inference(fit, x, y)
    np.testing.assert_allclose(found.estimates, np.asarray(other.params).T.ravel(), rtol=1e-8)
    np.testing.assert_allclose(found.standard_errors, np.asarray(other.bse).T.ravel(), rtol=1e-8)
    np.testing.assert_allclose(found.log_likelihood, other.llf, rtol=1e-12)
    np.testing.assert_allclose(found.null_log_likelihood, other.llnull, rtol=1e-8)
    assert found.parameters == other.params.size
    assert found.names[0] == "1:intercept" and found.names[-1] == "6:x5"


def test_reference_class_changes_no_contrast():
    x = X[:, :2]
    fit = fit_softmax(x, Y, C=np.inf)
    first, last = (softmax_inference(fit, x, Y, reference=k) for k in (0, 2))
    # The second class against the last, from both.
    size = 3
    estimates = first.estimates[:size] - first.estimates[size:]
    R = np.concatenate([np.eye(size), -np.eye(size)], axis=1)
    np.testing.assert_allclose(last.estimates[size:], estimates, rtol=1e-9)
    np.testing.assert_allclose(last.covariance[size:, size:], R @ first.covariance @ R.T, rtol=1e-6)


def test_kernels_equal_automatic_derivatives():
    with jax.enable_x64(True):
        X, B, w, Y = rows_for_derivatives()

        def loss(B):
            return jnp.sum(w * cross_entropy(X @ B.T, Y))

        P = softmax(X @ B.T)
        V = B[::-1]
        close = dict(rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(softmax_jacobian(P[0]), jax.jacobian(softmax)(X[0] @ B.T), **close)
        np.testing.assert_allclose(softmax_gradient(X, w[:, None] * P, w[:, None] * Y), jax.grad(loss)(B), **close)
        H = jax.hessian(loss)(B)
        np.testing.assert_allclose(softmax_hessian(X, P, w), H, **close)
        np.testing.assert_allclose(softmax_hessian_product(X, P, w, V), jnp.einsum("apbq,bq->ap", H, V), **close)


def test_softmax_does_not_overflow_and_ignores_a_shift():
    with jax.enable_x64(True):
        z = jnp.asarray([1.0, 2.0, 3.0])
        np.testing.assert_allclose(softmax(z + 1e4), softmax(z), rtol=1e-11)
        np.testing.assert_allclose(softmax(jnp.asarray([-1e5, 0.0, 1e5])), [0, 0, 1])


@pytest.mark.parametrize(
    "y, settings, error",
    [
        (np.array([0, 0, 0]), {}, DataError),
        (np.array([0.0, 1.5, 1.0]), {}, DataError),
        (np.array([-1, 0, 1]), {}, DataError),
        (np.array([0, 1, 1]), {"C": -1.0}, ConfigurationError),
    ],
)
def test_settings_outside_their_range_are_refused(y, settings, error):
    with pytest.raises(error):
        fit_softmax(np.array([[0.0], [1.0], [2.0]]), y, **settings)


def exists_by_linear_programming(Z, y, classes):
    """Whether the likelihood has a maximum: a direction whose contrasts are none negative has none positive."""
    rows = [
        np.concatenate([Z[i] * (int(k == y[i]) - int(k == other)) for k in range(classes)])
        for i in range(len(y))
        for other in range(classes)
        if other != y[i]
    ]
    A = np.array(rows)
    found = linprog(-A.sum(axis=0), A_ub=-A, b_ub=np.zeros(len(A)), bounds=(-1, 1), method="highs")
    return -found.fun < 1e-9


@pytest.mark.parametrize("seed", range(12))
def test_separation_is_found_where_the_linear_program_says_so(seed):
    random = np.random.default_rng(seed)
    y = np.repeat([0, 1, 2], 6)
    x = random.normal(size=(18, 2)) + (seed % 4) * np.stack([y == 0, y == 1], axis=1)
    fit = fit_softmax(x, y, C=np.inf)
    found = softmax_inference(fit, x, y)
    named = [finding.name for finding in found.findings]
    if exists_by_linear_programming(np.c_[np.ones(18), x], y, 3):
        assert named == []
    else:
        assert named in (["complete separation"], ["quasi-complete separation"])
    assert np.isfinite(found.estimates).all()


def test_the_separated_class_and_its_column_are_named():
    x, y = X[:, 2:3], np.array(["setosa", "versicolor", "virginica"])[Y]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = SoftmaxRegression(C=np.inf).fit(x, y)
    (finding,) = model.inference_.findings
    assert finding.name == "quasi-complete separation"
    assert "versicolor:x" in finding.message and "virginica:x" in finding.message
    # All of the first class but those that the plane of the linear program touches.
    assert 40 <= int(re.search(r"fit (\d+) of 150 rows", finding.message).group(1)) <= 50
    assert model.score(x, y) > 0.9


@pytest.mark.parametrize("reference", [0, 2])
def test_collinear_columns_are_named_and_have_no_standard_error(reference):
    x = np.random.default_rng(0).normal(size=(len(Y), 2)) + 0.5 * Y[:, None]
    more = np.c_[x, x[:, 0] - 2 * x[:, 1]]
    fit = fit_softmax(more, Y, C=np.inf)
    found = softmax_inference(fit, more, Y, reference=reference)
    one = softmax_inference(fit_softmax(x, Y, C=np.inf), x, Y, reference=reference)
    (finding,) = [finding for finding in found.findings if finding.name == "collinearity"]
    assert "x3 depends on x1, x2" in finding.message
    np.testing.assert_allclose(found.log_likelihood, one.log_likelihood, rtol=1e-8)
    assert found.parameters == one.parameters == 6
    errors = found.standard_errors.reshape(2, 4)
    np.testing.assert_allclose(errors[:, 0], one.standard_errors.reshape(2, 3)[:, 0], rtol=1e-3)
    assert np.isnan(errors[:, 1:]).all()
