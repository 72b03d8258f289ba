"""Laplace's approximation: exact on linear models, the information of generalized linear ones, and its parts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from pullback.core.errors import ConfigurationError, ShapeError
from pullback.prob.inference.laplace import laplace_approximation

RANDOM = np.random.default_rng(5)
X = RANDOM.normal(size=(70, 3))
Y = X @ [1.0, -0.5, 0.2] + 0.3 * RANDOM.normal(size=70)
TAU, PHI = 2.0, 0.09


def linear(theta, x):
    return theta @ x


def test_a_linear_model_has_the_exact_posterior_and_evidence():
    A = X.T @ X / PHI + TAU * np.eye(3)
    mean = np.linalg.solve(A, X.T @ Y / PHI)
    found = laplace_approximation(mean, X, Y, likelihood="normal", prior_precision=TAU, dispersion=PHI, apply=linear)
    np.testing.assert_allclose(found.covariance, np.linalg.inv(A), rtol=1e-9, atol=1e-14)
    evidence = stats.multivariate_normal(np.zeros(70), PHI * np.eye(70) + X @ X.T / TAU).logpdf(Y)
    assert found.log_marginal_likelihood == pytest.approx(evidence, rel=1e-9)
    outputs, variance = found.predict(X[:5])
    np.testing.assert_allclose(outputs[:, 0], X[:5] @ mean, rtol=1e-9)
    np.testing.assert_allclose(variance[:, 0], np.sum(X[:5] @ np.linalg.inv(A) * X[:5], axis=1), rtol=1e-9)


def test_another_prior_is_another_evidence_of_the_same_fit():
    found = laplace_approximation(np.zeros(3), X, Y, likelihood="normal", prior_precision=1.0, apply=linear)
    values = np.linalg.eigvalsh(X.T @ X)
    other = found.with_prior_precision(5.0)
    assert other.effective_parameters == pytest.approx((values / (values + 5)).sum(), rel=1e-10)
    difference = 1.5 * np.log(5) - np.log((values + 5) / (values + 1)).sum() / 2
    assert other.log_marginal_likelihood - found.log_marginal_likelihood == pytest.approx(difference, rel=1e-9)


@pytest.mark.parametrize("likelihood", ["binomial", "poisson"])
def test_a_linear_predictor_has_the_information_of_the_generalized_linear_model(likelihood):
    theta, eta = np.array([0.4, -0.3, 0.1]), X @ [0.4, -0.3, 0.1]
    w = RANDOM.integers(0, 3, 70).astype(float)
    p = special.expit(eta)
    W = p * (1 - p) if likelihood == "binomial" else np.exp(eta)
    law = stats.bernoulli(p) if likelihood == "binomial" else stats.poisson(np.exp(eta))
    y = law.rvs(random_state=0)
    found = laplace_approximation(
        theta, X, y, likelihood=likelihood, prior_precision=TAU, apply=linear, sample_weight=w
    )
    np.testing.assert_allclose(found.curvature, X.T @ ((w * W)[:, None] * X), rtol=1e-10)
    assert found.log_likelihood == pytest.approx(w @ law.logpmf(y), rel=1e-10)


def network(theta, x):
    return theta["B"] @ jnp.tanh(theta["A"] @ x)


PARAMETERS = {"A": RANDOM.normal(size=(4, 3)), "B": RANDOM.normal(size=(3, 4))}


def test_all_of_a_network_is_its_gauss_newton_matrix():
    labels = RANDOM.integers(0, 3, 70)
    found = laplace_approximation(PARAMETERS, X, labels, likelihood="categorical", prior_precision=TAU, apply=network)
    with jax.enable_x64(True):
        flat, unravel = jax.flatten_util.ravel_pytree(jax.tree.map(jnp.asarray, PARAMETERS))
        J = np.asarray(jax.vmap(jax.jacobian(lambda t, x: network(unravel(t), x)), (None, 0))(flat, jnp.asarray(X)))
        p = special.softmax(np.stack([network(PARAMETERS, x) for x in X]), axis=1)
    expected = sum(J[i].T @ (np.diag(p[i]) - np.outer(p[i], p[i])) @ J[i] for i in range(70))
    np.testing.assert_allclose(found.curvature, expected, rtol=1e-9, atol=1e-12)
    assert found.log_likelihood == pytest.approx(np.log(p[np.arange(70), labels]).sum(), rel=1e-10)


def test_the_last_layer_is_a_linear_model_on_what_comes_before():
    y = RANDOM.normal(size=(70, 3))
    found = laplace_approximation(
        PARAMETERS, X, y, likelihood="normal", prior_precision=TAU, apply=network, select=lambda t: t["B"]
    )
    features = np.tanh(X @ PARAMETERS["A"].T)
    np.testing.assert_allclose(found.curvature, np.kron(np.eye(3), features.T @ features), rtol=1e-9, atol=1e-12)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ConfigurationError, match="unknown likelihood"):
        laplace_approximation(np.zeros(3), X, Y, likelihood="norm", prior_precision=1.0, apply=linear)
    with pytest.raises(ConfigurationError, match="positive"):
        laplace_approximation(np.zeros(3), X, Y, likelihood="normal", prior_precision=0.0, apply=linear)
    with pytest.raises(ShapeError, match="targets do not fit"):
        laplace_approximation(np.zeros(3), X, Y[:5], likelihood="normal", prior_precision=1.0, apply=linear)
