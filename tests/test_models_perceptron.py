"""The perceptron against scikit-learn's, against Novikoff's bound, and its three solutions."""

from __future__ import annotations

import warnings

import jax
import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Perceptron as Peer
from sklearn.linear_model import SGDClassifier

from pullback.core.errors import ConfigurationError
from pullback.learn import Perceptron
from pullback.models.linear.perceptron import fit_perceptron

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(60, 3))
NOISY = np.where(X @ [1.0, -1.0, 0.5] + RANDOM.normal(size=60) > 0, 1.0, -1.0)


@pytest.fixture(autouse=True)
def no_warning_of_the_peer():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


@pytest.mark.parametrize("passes", [1, 4])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_rosenblatts_rule_is_that_of_scikit_learn(passes, fit_intercept):
    peer = Peer(max_iter=passes, tol=None, shuffle=False, fit_intercept=fit_intercept).fit(X, NOISY)
    ours = fit_perceptron(X, NOISY, max_iter=passes, fit_intercept=fit_intercept, solution="last")
    np.testing.assert_allclose(ours.coef, peer.coef_[0], rtol=1e-12)
    np.testing.assert_allclose(ours.intercept, peer.intercept_[0], rtol=1e-12)


def test_average_is_that_of_scikit_learn():
    settings = {"loss": "perceptron", "penalty": None, "learning_rate": "constant", "eta0": 1.0, "tol": None}
    peer = SGDClassifier(**settings, max_iter=4, shuffle=False, average=True).fit(X, NOISY)
    ours = fit_perceptron(X, NOISY, max_iter=4, solution="average")
    np.testing.assert_allclose(ours.coef, peer.coef_[0], rtol=1e-10)
    np.testing.assert_allclose(ours.intercept, peer.intercept_[0], rtol=1e-10)


@pytest.mark.parametrize("seed", range(4))
def test_mistakes_are_within_novikoffs_bound(seed):
    """Rows at a known distance from a plane: (R / gamma)^2 bounds the corrections in any order."""
    random = np.random.default_rng(seed)
    plane = random.normal(size=4)
    plane /= np.linalg.norm(plane)
    rows = random.normal(size=(400, 3))
    margin = rows @ plane[1:] + plane[0]
    gamma = 0.15
    rows, margin = rows[np.abs(margin) > gamma][:200], margin[np.abs(margin) > gamma][:200]
    key = jax.random.key(seed)
    found = fit_perceptron(rows, np.sign(margin), key=key, max_iter=10_000, n_iter_no_change=10_000)
    radius = (rows**2).sum(axis=1).max() + 1
    assert found.errors == 0
    assert 0 < found.mistakes <= radius / np.min(np.abs(margin)) ** 2
    assert np.all(np.sign(rows @ found.coef + found.intercept) == np.sign(margin))


def test_pocket_is_never_worse_than_the_end_of_any_pass():
    pocket = fit_perceptron(X, NOISY, max_iter=12, n_iter_no_change=12)
    ends = [fit_perceptron(X, NOISY, max_iter=passes, solution="last").errors for passes in range(1, 13)]
    assert pocket.errors == min(ends) < max(ends)


def test_padding_changes_nothing():
    key = jax.random.key(3)
    plain = fit_perceptron(X, NOISY, np.ones(60), max_iter=5, solution="last")
    padded = fit_perceptron(
        np.r_[X, 5 * X[:4]], np.r_[NOISY, -NOISY[:4]], np.r_[np.ones(60), np.zeros(4)], max_iter=5, solution="last"
    )
    np.testing.assert_array_equal(plain.coef, padded.coef)
    shuffled = fit_perceptron(X, NOISY, np.ones(60), key=key, max_iter=5, solution="last")
    assert np.any(shuffled.coef != plain.coef)


def test_many_classes_are_each_fitted_against_the_rest():
    inputs, species = load_iris(return_X_y=True)
    settings = {"max_iter": 3, "shuffle": False}
    peer = Peer(**settings, tol=None).fit(inputs, species)
    ours = Perceptron(**settings, solution="last").fit(inputs, species)
    np.testing.assert_allclose(ours.coef_, peer.coef_, rtol=1e-10)
    np.testing.assert_array_equal(ours.predict(inputs), peer.predict(inputs))
    best = Perceptron(random_state=0).fit(inputs, species)
    assert best.score(inputs, species) > 0.85
    assert best.mistakes_.shape == (3,)


def test_rows_that_no_plane_separates_are_said():
    with pytest.warns(ConvergenceWarning, match="misclassifies"):
        Perceptron(max_iter=2).fit(X, NOISY)


def test_solution_is_checked():
    with pytest.raises(ConfigurationError, match="did you mean 'pocket'"):
        fit_perceptron(X, NOISY, solution="poket")
