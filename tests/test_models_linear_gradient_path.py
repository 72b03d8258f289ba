"""Gradient descent on one neuron, beside Newton's maximum of the likelihood and automatic derivatives."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pullback.core.errors import ConfigurationError
from pullback.models.linear.gradient_path import (
    cross_entropy_lipschitz_constant,
    logistic_gradient_path,
    mean_cross_entropy,
    mean_cross_entropy_gradient,
    mean_cross_entropy_hessian,
    mean_squared_gradient,
    mean_squared_loss,
)
from pullback.models.linear.logistic import fit_logistic


def rows():
    random = np.random.default_rng(0)
    X = random.standard_normal((80, 2))
    return X, (random.random(80) < 1 / (1 + np.exp(-X[:, 0] + 0.5 * X[:, 1]))).astype(float)


def test_the_path_ends_at_maximum_likelihood():
    X, y = rows()
    path = logistic_gradient_path(X, y, steps=3000)
    newton = fit_logistic(X, y, C=np.inf)
    np.testing.assert_allclose(path.theta[-1], [newton.intercept, *newton.coef], rtol=1e-8)
    np.testing.assert_allclose(path.loss[-1] * len(y), newton.objective, rtol=1e-12)
    assert np.all(np.diff(path.loss) <= 1e-15)


def test_first_step_is_that_of_the_formula():
    X, y = rows()
    path = logistic_gradient_path(X, y, steps=1, learning_rate=0.5)
    Z = np.c_[np.ones(len(y)), X]
    np.testing.assert_allclose(path.theta[1], -0.5 * Z.T @ (0.5 - y) / len(y), rtol=1e-13)
    np.testing.assert_allclose(path.loss[0], np.log(2), rtol=1e-14)


def test_closed_forms_equal_automatic_derivatives():
    X, y = rows()
    with jax.enable_x64(True):
        X_, y_, theta = jnp.asarray(X), jnp.asarray(y), jnp.asarray([0.7, -1.3])
        close = {"rtol": 1e-12, "atol": 1e-14}
        pairs = [(mean_cross_entropy, mean_cross_entropy_gradient), (mean_squared_loss, mean_squared_gradient)]
        for loss, gradient in pairs:
            np.testing.assert_allclose(gradient(theta, X_, y_), jax.grad(loss)(theta, X_, y_), **close)
        H = jax.hessian(mean_cross_entropy)(theta, X_, y_)
        np.testing.assert_allclose(mean_cross_entropy_hessian(theta, X_), H, **close)


def test_cross_entropy_is_convex_with_its_lipschitz_constant_and_squared_loss_is_not():
    X, y = rows()
    with jax.enable_x64(True):
        X_, y_ = jnp.asarray(X), jnp.asarray(y)
        points = jnp.asarray(np.random.default_rng(1).standard_normal((200, 2)) * 4)
        curvature = np.linalg.eigvalsh(np.asarray(jax.vmap(lambda t: mean_cross_entropy_hessian(t, X_))(points)))
        assert curvature.min() >= 0
        assert curvature.max() <= float(cross_entropy_lipschitz_constant(X_))
        flat = jax.vmap(lambda t: mean_cross_entropy_hessian(t, X_))(jnp.zeros((1, 2)))
        np.testing.assert_allclose(np.linalg.eigvalsh(flat).max(), cross_entropy_lipschitz_constant(X_), rtol=1e-12)
        squared = jax.vmap(jax.hessian(lambda t: mean_squared_loss(t, X_, y_)))(points)
        assert np.linalg.eigvalsh(np.asarray(squared)).min() < -1e-3


def test_hessians_over_the_bias_and_the_weight():
    """By automatic derivatives on a grid: that of the cross-entropy is nowhere negative, that of squares is."""
    X, y = rows()
    with jax.enable_x64(True):
        Z, y_ = jnp.asarray(np.c_[np.ones(len(y)), X[:, 0]]), jnp.asarray(y)
        axis = np.linspace(-12, 12, 25)
        grid = jnp.asarray(np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2))
        least = [
            np.linalg.eigvalsh(np.asarray(jax.vmap(jax.hessian(lambda t, f=loss: f(t, Z, y_)))(grid))).min()
            for loss in (mean_cross_entropy, mean_squared_loss)
        ]
    assert least[0] >= -1e-15
    assert least[1] < -1e-2


def test_gradient_of_squares_vanishes_where_the_neuron_is_wrong_and_certain():
    """Along a ray on which every row is wrong: the one gradient goes to the mean of the rows, the other to zero."""
    X = np.linspace(1, 2, 9)[:, None]
    y = np.zeros(9)
    with jax.enable_x64(True):
        norms = []
        for weight in (5.0, 10.0, 20.0):
            theta = jnp.asarray([weight])
            entropy = mean_cross_entropy_gradient(theta, jnp.asarray(X), jnp.asarray(y))
            squared = mean_squared_gradient(theta, jnp.asarray(X), jnp.asarray(y))
            assert abs(float(entropy[0]) - X.mean()) <= 2 * np.exp(-weight)
            # p (1 - p) is at most exp(-|z|).
            assert 0 < float(squared[0]) <= np.mean(X[:, 0] * np.exp(-weight * X[:, 0])) * (1 + 1e-6)
            norms.append(float(squared[0]))
    assert norms[2] < 1e-4 * norms[1] < 1e-6 * norms[0]


def test_squared_loss_has_its_own_path():
    X, y = rows()
    path = logistic_gradient_path(X, y, steps=4000, loss="squared", learning_rate=4.0)
    assert path.gradient_norm[-1] < 1e-7 and path.loss[-1] < path.loss[0]


def test_unknown_loss_is_refused():
    with pytest.raises(ConfigurationError, match="loss"):
        logistic_gradient_path(*rows(), loss="hinge")
