"""Scores of confusion matrices and calibration against scikit-learn and closed forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import sklearn.metrics
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.calibration import calibration_curve

from pullback.core.errors import ConfigurationError, DataError
from pullback.metrics import (
    ConfusionMatrix,
    confidence_and_success,
    expected_calibration_error,
    reliability_bins,
    scores,
)

MATRICES = arrays(np.int64, st.integers(2, 5).map(lambda k: (k, k)), elements=st.integers(0, 6)).filter(
    lambda matrix: matrix.sum() > 0
)


def rows_of(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """True and predicted labels that have this confusion matrix."""
    true, predicted = np.indices(matrix.shape)
    return np.repeat(true.ravel(), matrix.ravel()), np.repeat(predicted.ravel(), matrix.ravel())


def averaged_peers(name: str, ours: Callable[..., Any], theirs: Callable[..., Any]) -> dict[str, tuple[Any, Any]]:
    """A score with each of the averages, as functions of a matrix or of rows, and of what 0 / 0 counts as."""
    return {
        f"{name} {average}": (
            lambda m, zero, a=average: ours(m, a, zero_division=zero),
            lambda y, p, zero, a=average: theirs(y, p, average=a, zero_division=zero),
        )
        for average in scores.AVERAGES
    }


PEERS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "accuracy": (lambda m, zero: scores.accuracy(m), lambda y, p, zero: sklearn.metrics.accuracy_score(y, p)),
    "kappa": (
        lambda m, zero: scores.cohen_kappa(m, zero),
        lambda y, p, zero: sklearn.metrics.cohen_kappa_score(y, p, replace_undefined_by=zero),
    ),
    # Scikit-learn has no choice here.
    "matthews": (
        lambda m, zero: scores.matthews_correlation(m, 0.0),
        lambda y, p, zero: sklearn.metrics.matthews_corrcoef(y, p),
    ),
    **averaged_peers("precision", scores.precision, sklearn.metrics.precision_score),
    **averaged_peers("recall", scores.recall, sklearn.metrics.recall_score),
    **averaged_peers("f1", scores.f_score, sklearn.metrics.f1_score),
    **averaged_peers(
        "f2",
        lambda m, a, zero_division: scores.f_score(m, a, 2.0, zero_division),
        lambda y, p, **settings: sklearn.metrics.fbeta_score(y, p, beta=2, **settings),
    ),
}


@pytest.mark.parametrize("name", PEERS)
@given(matrix=MATRICES, zero=st.sampled_from([0.0, 1.0, float("nan")]))
def test_score_equals_scikit_learn(name: str, matrix: np.ndarray, zero: float) -> None:
    ours, theirs = PEERS[name]
    true, predicted = rows_of(matrix)
    # Of a single label scikit-learn warns.
    assume(len(np.union1d(true, predicted)) > 1)
    np.testing.assert_allclose(ours(matrix, zero), theirs(true, predicted, zero), rtol=1e-12, atol=1e-12)


@given(MATRICES)
def test_balanced_accuracy_is_the_mean_recall_of_true_classes(matrix: np.ndarray) -> None:
    y, p = rows_of(matrix)
    expected = sklearn.metrics.recall_score(y, p, labels=np.unique(y), average="macro", zero_division=0)
    np.testing.assert_allclose(scores.balanced_accuracy(matrix), expected, rtol=1e-12)


@given(MATRICES)
def test_specificity_and_negative_predictive_value_are_recall_and_precision_of_everything_else(
    matrix: np.ndarray,
) -> None:
    y, p = rows_of(matrix)
    nan, metrics = float("nan"), sklearn.metrics
    for ours, theirs in (
        (scores.specificity, metrics.recall_score),
        (scores.negative_predictive_value, metrics.precision_score),
    ):
        expected = [theirs(y != k, p != k, zero_division=nan) for k in range(len(matrix))]
        np.testing.assert_allclose(ours(matrix, average=None), expected, rtol=1e-12)


@pytest.mark.parametrize("name", scores.SCORES)
def test_scores_run_over_leading_axes(name: str) -> None:
    matrices = np.random.default_rng(0).integers(0, 9, (3, 2, 4, 4))
    whole = scores.SCORES[name](matrices)
    assert whole.shape == (3, 2)
    np.testing.assert_allclose(whole[1, 1], scores.SCORES[name](matrices[1, 1]), rtol=1e-14)


def test_unknown_average_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="macro"):
        scores.precision(np.eye(2), "makro")


def test_counts_are_those_of_scikit_learn() -> None:
    random = np.random.default_rng(1)
    logits, labels = random.normal(size=(300, 4)), random.integers(0, 4, 300)
    metric = ConfusionMatrix(4)
    stats = metric.update(metric.init(), jnp.asarray(logits, jnp.float32), jnp.asarray(labels, jnp.int32))
    expected = sklearn.metrics.confusion_matrix(labels, logits.argmax(1))
    np.testing.assert_array_equal(metric.counts(stats), expected)


@pytest.mark.parametrize("score", ["balanced_accuracy", "f1_macro", "cohen_kappa"])
def test_posterior_interval_covers_the_true_score(score: str) -> None:
    random = np.random.default_rng(2)
    probabilities = np.array([[0.35, 0.05, 0.02], [0.04, 0.22, 0.04], [0.03, 0.05, 0.20]])
    truth = float(scores.SCORES[score](probabilities))
    metric, covered = ConfusionMatrix(3, score), 0
    for _ in range(200):
        counts = random.multinomial(150, probabilities.ravel()).reshape(3, 3)
        covered += truth in metric.interval({"counts": jnp.asarray(counts, jnp.int32)})
    # 95% of 200 is 190; three standard deviations of a binomial count are 9.2.
    assert covered >= 180


def test_a_perfect_matrix_keeps_an_interval_with_width() -> None:
    interval = ConfusionMatrix(3).interval({"counts": jnp.asarray(np.diag([30, 30, 30]), jnp.int32)})
    assert interval.value == interval.upper == 1
    assert 0.9 < interval.lower < 0.999


def test_bins_are_those_of_scikit_learn() -> None:
    random = np.random.default_rng(3)
    probability = random.uniform(size=2000)
    happened = random.uniform(size=2000) < probability**2
    frequency, confidence = calibration_curve(happened, probability, n_bins=12)
    ours = reliability_bins(probability, happened, bins=12)
    np.testing.assert_allclose([one.accuracy.value for one in ours], frequency, rtol=1e-12)
    np.testing.assert_allclose([one.confidence for one in ours], confidence, rtol=1e-12)
    weights = np.histogram(probability, np.linspace(0, 1, 13))[0] / 2000
    expected = (weights * np.abs(frequency - confidence)).sum()
    assert expected_calibration_error(probability, happened, bins=12) == pytest.approx(expected, rel=1e-12)


def test_calibration_error_of_known_cases() -> None:
    """Confidence 0.8 that is right 8 times in 10 errs by 0; one that is always right errs by 0.2."""
    confidence = np.full(10, 0.8)
    assert expected_calibration_error(confidence, np.arange(10) < 8) == pytest.approx(0, abs=1e-12)
    assert expected_calibration_error(confidence, np.ones(10)) == pytest.approx(0.2)
    assert expected_calibration_error(np.array([0.0, 1.0]), np.array([0, 1])) == 0


def test_confidence_of_logits() -> None:
    random = np.random.default_rng(4)
    logits, labels = random.normal(size=(50, 3)), random.integers(0, 3, 50)
    confidence, success = confidence_and_success(logits, labels)
    probabilities = scipy.special.softmax(logits, axis=1)
    np.testing.assert_allclose(confidence, probabilities.max(1))
    np.testing.assert_array_equal(success, probabilities.argmax(1) == labels)
    pair = np.stack([np.zeros(50), logits[:, 0]], axis=1)
    for one, two in zip(
        confidence_and_success(logits[:, :1], labels % 2), confidence_and_success(pair, labels % 2), strict=True
    ):
        np.testing.assert_allclose(one, two)


def test_what_is_no_probability_is_refused() -> None:
    with pytest.raises(DataError, match="not logits"):
        reliability_bins(np.array([2.0]), np.array([True]))
    with pytest.raises(DataError, match="one length"):
        reliability_bins(np.array([0.5, 0.6]), np.array([True]))
    with pytest.raises(DataError, match="fit together"):
        confidence_and_success(np.zeros((4, 3)), np.zeros(5, int))
