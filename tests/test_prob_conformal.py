"""Conformal intervals and sets against their definition by p-values, closed forms and simulation."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import make_classification, make_regression
from sklearn.linear_model import LinearRegression, LogisticRegression

from pullback.core.errors import ConfigurationError, DataError
from pullback.core.random import generator
from pullback.prob import (
    absolute_residual,
    adaptive_score,
    adaptive_set,
    conformal_quantile,
    conformal_rank,
    coverage_distribution,
    least_ambiguous_score,
    least_ambiguous_set,
    residual_interval,
)

LEVELS = st.sampled_from(["0.5", "0.55", "0.7", "0.8", "0.9", "0.95", "0.99"])


@given(st.integers(1, 300), LEVELS)
def test_rank_is_the_smallest_share_that_reaches_the_level(n: int, text: str) -> None:
    rank, level = conformal_rank(n, float(text)), Fraction(text)
    assert Fraction(rank, n + 1) >= level > Fraction(rank - 1, n + 1)


@given(st.lists(st.integers(0, 12), min_size=1, max_size=40), LEVELS)
def test_the_set_holds_what_the_permutation_p_value_does_not_reject(scores: list[int], text: str) -> None:
    """Vovk's definition: y belongs to the set iff (#{s_i >= s(y)} + 1) / (n + 1) > 1 - level. Ties included."""
    values, alpha = np.array(scores, float), 1 - Fraction(text)
    bound = conformal_quantile(values, float(text))
    for candidate in range(-1, 14):
        p_value = Fraction(int((values >= candidate).sum()) + 1, len(values) + 1)
        assert (candidate <= bound) == (p_value > alpha)


def test_interval_and_set_without_enough_rows() -> None:
    bound = conformal_quantile(np.arange(8.0), 0.9)
    assert bound == math.inf
    lower, upper = residual_interval(np.zeros(2), bound)
    assert np.isneginf(lower).all() and np.isposinf(upper).all()
    probabilities = np.array([[0.98, 0.02, 0.0]])
    assert least_ambiguous_set(probabilities, bound).all() and adaptive_set(probabilities, bound).all()


def test_coverage_given_the_calibration_rows_is_beta() -> None:
    """Uniform scores: the coverage is the bound itself, whose law must be Beta(k, n + 1 - k)."""
    n, level = 37, 0.85
    draws = generator(0, "conformal beta").uniform(size=(4000, n))
    coverage = [conformal_quantile(scores, level) for scores in draws]
    a, b = coverage_distribution(n, level)
    assert scipy.stats.kstest(coverage, scipy.stats.beta(a, b).cdf).pvalue > 0.01
    assert np.mean(coverage) == pytest.approx(a / (n + 1), abs=4 * scipy.stats.beta(a, b).std() / math.sqrt(4000))


CALIBRATION, REPEATS, PROBLEMS = 99, 3000, 20


def hits_of(scores: np.ndarray, problem: int) -> int:
    """How often a new row is covered, each time with calibration rows drawn anew from the pool.

    A draw without replacement from a finite pool is exchangeable, so with 99 rows and level 0.9 every repetition
    covers with probability 90 / 100 exactly, and the repetitions are independent.
    """
    random = generator(problem, "calibration rows")
    drawn = (scores[random.choice(len(scores), CALIBRATION + 1, replace=False)] for _ in range(REPEATS))
    return sum(bool(values[-1] <= conformal_quantile(values[:-1], 0.9)) for values in drawn)


def assert_binomial(hits: int) -> None:
    """Inside the band that holds all 20 problems at once with probability 0.99."""
    low, high = scipy.stats.binom(REPEATS, 0.9).ppf([0.005 / PROBLEMS, 1 - 0.005 / PROBLEMS])
    assert low <= hits <= high


@pytest.mark.parametrize("problem", range(10))
def test_regression_coverage_is_binomial(problem: int) -> None:
    x, y = make_regression(6000, 5, noise=20 * (problem + 1), random_state=problem)
    spread = 1 + np.abs(x[:, 0])
    y = y + generator(problem, "noise").standard_t(3, len(y)) * spread * 20
    predicted = LinearRegression().fit(x[:300], y[:300]).predict(x)
    scale = spread if problem % 2 else None
    scores = absolute_residual(predicted, y, scale)
    bound = conformal_quantile(scores[300:], 0.9)
    lower, upper = residual_interval(predicted, bound, scale)
    # An ulp of rounding may part the two forms of the inequality at the row that is the quantile itself.
    assert np.sum(((lower <= y) & (y <= upper)) != (scores <= bound)) <= 1
    assert_binomial(hits_of(scores[300:], problem))


@pytest.mark.parametrize("problem", range(10))
def test_classification_coverage_is_binomial(problem: int) -> None:
    x, labels = make_classification(
        6000, 8, n_informative=6, n_classes=2 + problem % 4, flip_y=0.05, class_sep=0.3 + 0.1 * problem,
        random_state=problem,
    )  # fmt: skip
    probabilities = LogisticRegression(max_iter=500).fit(x[:300], labels[:300]).predict_proba(x)
    uniform = generator(problem, "uniform").uniform(size=len(labels))
    for score, members, more in (
        (least_ambiguous_score, least_ambiguous_set, ()),
        (adaptive_score, adaptive_set, (uniform,)),
    ):
        scores = score(probabilities, labels, *more)
        sets = members(probabilities, conformal_quantile(scores[300:], 0.9), *more, allow_empty=True)
        assert (sets[np.arange(len(labels)), labels] == (scores <= conformal_quantile(scores[300:], 0.9))).all()
        assert_binomial(hits_of(scores[300:], problem))


@pytest.mark.parametrize("randomized", [False, True])
def test_adaptive_scores_by_their_definition(randomized: bool) -> None:
    """The smallest threshold at which the class enters: sums over the classes at least as probable, by a loop."""
    random = generator(1, "adaptive")
    probabilities = random.dirichlet(np.ones(5), 50)
    uniform = random.uniform(size=50) if randomized else None
    for label in range(5):
        scores = adaptive_score(probabilities, np.full(50, label), uniform)
        for row, p in enumerate(probabilities):
            u = 0.0 if uniform is None else uniform[row]
            assert scores[row] == pytest.approx(sum(q for q in p if q > p[label]) + (1 - u) * p[label], abs=1e-12)


def test_sets_are_never_empty_unless_allowed() -> None:
    probabilities = np.array([[0.5, 0.3, 0.2], [0.2, 0.2, 0.6]])
    assert not least_ambiguous_set(probabilities, 0.1, allow_empty=True).any()
    assert least_ambiguous_set(probabilities, 0.1).tolist() == [[True, False, False], [False, False, True]]
    assert adaptive_set(probabilities, 0.1).tolist() == [[True, False, False], [False, False, True]]


def test_bad_input_is_named() -> None:
    with pytest.raises(DataError, match="cannot calibrate"):
        conformal_quantile(np.array([]), 0.9)
    with pytest.raises(DataError, match="cannot calibrate"):
        conformal_quantile(np.array([0.1, np.nan]), 0.9)
    with pytest.raises(ConfigurationError, match="level"):
        conformal_quantile(np.array([0.1]), 90)
    with pytest.raises(DataError, match="not positive"):
        absolute_residual(np.zeros(2), np.ones(2), np.array([1.0, 0.0]))
    with pytest.raises(DataError, match="differ in shape"):
        absolute_residual(np.zeros((2, 1)), np.ones(2))
