"""Naive Bayes against scikit-learn's three classes, and under JAX's transformations."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.naive_bayes import BernoulliNB, GaussianNB, MultinomialNB

from pullback.core.errors import ConfigurationError, DataError
from pullback.learn import NaiveBayes
from pullback.models.naive_bayes import fit_gaussian_naive_bayes

X, SPECIES = load_iris(return_X_y=True)
WEIGHT = np.random.default_rng(0).integers(1, 4, size=150).astype(float)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (NaiveBayes(), GaussianNB()),
        (NaiveBayes(var_smoothing=0.1, priors=[0.5, 0.3, 0.2]), GaussianNB(var_smoothing=0.1, priors=[0.5, 0.3, 0.2])),
        (NaiveBayes("multinomial", alpha=0.5), MultinomialNB(alpha=0.5)),
        (NaiveBayes("bernoulli", binarize=2.5), BernoulliNB(binarize=2.5)),
    ],
    ids=["gaussian", "gaussian smoothed", "multinomial", "bernoulli"],
)
def test_probabilities_are_those_of_scikit_learn(ours, theirs):
    # Repeated rows rather than weights: scikit-learn leaves weights out of its smoothing.
    rows = np.repeat(np.arange(150), WEIGHT.astype(int))
    theirs.fit(X[rows], SPECIES[rows])
    for fitted in (ours.fit(X[rows], SPECIES[rows]), ours.fit(X, SPECIES, sample_weight=WEIGHT)):
        expected = theirs.predict_joint_log_proba(X)
        np.testing.assert_allclose(fitted.predict_joint_log_proba(X), expected, rtol=1e-9, atol=1e-10)
        np.testing.assert_allclose(fitted.predict_proba(X), theirs.predict_proba(X), rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(fitted.predict(X), theirs.predict(X))


def test_means_and_variances_far_from_zero():
    near, far = NaiveBayes(var_smoothing=0).fit(X, SPECIES), NaiveBayes(var_smoothing=0).fit(X + 1e7, SPECIES)
    np.testing.assert_allclose(far.var_, near.var_, rtol=1e-6)
    np.testing.assert_allclose(near.var_[0], X[SPECIES == 0].var(axis=0), rtol=1e-12)


def test_constant_columns_leave_probabilities_finite():
    model = NaiveBayes().fit(np.ones((4, 2)), [0, 0, 0, 1])
    np.testing.assert_allclose(model.predict_proba(np.ones((1, 2))), [[0.75, 0.25]])


def test_many_fits_in_one_program_of_jax():
    with jax.enable_x64(True):
        inputs, classes = jnp.asarray(X), jnp.asarray(SPECIES)
        weights = jnp.asarray(np.stack([np.ones(150), WEIGHT]))
        many = jax.jit(jax.vmap(lambda w: fit_gaussian_naive_bayes(inputs, classes, w, classes=3)))(weights)
    for index, weight in enumerate((np.ones(150), WEIGHT)):
        single = fit_gaussian_naive_bayes(X, SPECIES, weight, classes=3)
        for name in single._fields:
            np.testing.assert_allclose(getattr(many, name)[index], getattr(single, name), rtol=1e-10)


def test_negative_counts_are_named():
    with pytest.raises(DataError, match="row 2, column 1"):
        NaiveBayes("multinomial").fit([[1.0, 2.0], [0.0, 1.0], [3.0, -1.0]], [0, 1, 1])


@pytest.mark.parametrize(
    "settings", [{"distribution": "poisson"}, {"alpha": 0.0}, {"var_smoothing": -1.0}, {"priors": [1.0]}]
)
def test_settings_are_checked(settings):
    with pytest.raises(ConfigurationError):
        NaiveBayes(**settings).fit(X, SPECIES)
