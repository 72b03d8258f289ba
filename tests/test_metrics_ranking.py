"""ROC, precision-recall and thresholds: scikit-learn, SciPy, sums over pairs, finite differences, simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st

from pullback.core.errors import ConfigurationError, DataError
from pullback.metrics import (
    Costs,
    average_precision,
    best_threshold,
    compare_roc_auc,
    delong_covariance,
    precision_recall_curve,
    roc_auc,
    roc_curve,
)
from pullback.metrics.precision_recall import _area_and_derivative
from pullback.metrics.threshold import CRITERIA

# Scores with ties, of rows of both classes, with weights that count rows.
ROWS = st.lists(st.tuples(st.booleans(), st.integers(0, 6), st.integers(0, 3)), min_size=2, max_size=25).filter(
    lambda rows: len({positive for positive, _, weight in rows if weight}) == 2
)


def columns(rows: list[tuple[bool, int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    truth, score, weight = (np.array(column) for column in zip(*rows, strict=True))
    return truth, score / 4, weight


def example(n: int = 120, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two scores with ties, that know something of the truth."""
    random = np.random.default_rng(seed)
    truth = random.random(n) < 0.4
    common = random.normal(size=n) + truth
    return truth, np.round(common + random.normal(size=n), 1), np.round(common + 2 * random.normal(size=n), 1)


@given(ROWS)
def test_curves_and_areas_are_those_of_scikit_learn(rows: list[tuple[bool, int, int]]) -> None:
    truth, score, weight = columns(rows)
    ours = roc_curve(truth, score, sample_weight=weight)
    kept = weight > 0
    theirs = sklearn.metrics.roc_curve(truth[kept], score[kept], sample_weight=weight[kept], drop_intermediate=False)
    for mine, other in zip((ours.false_positive_rate, ours.true_positive_rate, ours.thresholds), theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-12)
    area = sklearn.metrics.roc_auc_score(truth, score, sample_weight=weight)
    assert roc_auc(truth, score, sample_weight=weight).value == pytest.approx(area, rel=1e-12)
    precision, recall, thresholds = sklearn.metrics.precision_recall_curve(
        truth[kept], score[kept], sample_weight=weight[kept]
    )
    curve = precision_recall_curve(truth, score, sample_weight=weight)
    np.testing.assert_allclose(curve.thresholds, thresholds[::-1], rtol=1e-12)
    np.testing.assert_allclose(curve.precision, precision[:-1][::-1], rtol=1e-12)
    np.testing.assert_allclose(curve.recall, recall[:-1][::-1], rtol=1e-12)
    expected = sklearn.metrics.average_precision_score(truth, score, sample_weight=weight)
    assert average_precision(truth, score, sample_weight=weight).value == pytest.approx(expected, rel=1e-12)


@given(ROWS)
def test_a_weight_is_as_many_equal_rows(rows: list[tuple[bool, int, int]]) -> None:
    truth, score, weight = columns(rows)
    repeated = np.repeat(truth, weight), np.repeat(score, weight)
    for area in (roc_auc, average_precision):
        weighted, plain = area(truth, score, sample_weight=weight), area(*repeated)
        assert weighted.n == plain.n
        np.testing.assert_allclose(
            [weighted.value, weighted.lower, weighted.upper], [plain.value, plain.lower, plain.upper], rtol=1e-8
        )


def test_area_is_mann_whitneys_statistic() -> None:
    truth, score, _ = example()
    statistic = scipy.stats.mannwhitneyu(score[truth], score[~truth]).statistic
    assert roc_auc(truth, score).value == pytest.approx(statistic / (truth.sum() * (~truth).sum()), rel=1e-12)


def test_covariance_is_the_sum_over_pairs() -> None:
    """DeLong, DeLong and Clarke-Pearson's formula as it stands, over all pairs of pairs that share a row."""
    truth, first, second = example()
    pairs = np.stack(
        [
            (score[truth][:, None] > score[~truth]) + 0.5 * (score[truth][:, None] == score[~truth])
            for score in (first, second)
        ]
    )
    _, m, n = pairs.shape
    gap = pairs - pairs.mean((1, 2), keepdims=True)
    by_positive = np.einsum("rij,sik->rs", gap, gap) / n**2 / (m - 1)
    by_negative = np.einsum("rij,skj->rs", gap, gap) / m**2 / (n - 1)
    expected = by_positive / m + by_negative / n
    areas, covariance = delong_covariance(truth, np.stack([first, second], 1))
    np.testing.assert_allclose(areas, pairs.mean((1, 2)), rtol=1e-12)
    np.testing.assert_allclose(covariance, expected, rtol=1e-10)
    found = compare_roc_auc(truth, first, second)
    gap_of_areas = areas[0] - areas[1]
    z = gap_of_areas / math.sqrt(expected[0, 0] + expected[1, 1] - 2 * expected[0, 1])
    assert found.statistic == pytest.approx(z, rel=1e-9)
    assert found.p_value == pytest.approx(2 * scipy.stats.norm.sf(abs(z)), rel=1e-9)
    assert (found.p_value < 0.05) == (0 not in found.difference)
    for one, alone in ((found.first, roc_auc(truth, first)), (found.second, roc_auc(truth, second))):
        np.testing.assert_allclose(
            [one.value, one.lower, one.upper], [alone.value, alone.lower, alone.upper], rtol=1e-12
        )


def test_delong_variance_agrees_with_the_bootstrap_of_scipy() -> None:
    draw = np.random.default_rng(0)
    positive = draw.random(200) < 0.4
    score = draw.normal(size=200) + 1.2 * positive
    interval = roc_auc(positive, score)
    assert interval.value == pytest.approx(sklearn.metrics.roc_auc_score(positive, score), abs=1e-12)
    above, below = score[positive], score[~positive]
    resampled = scipy.stats.bootstrap(
        (above, below), lambda a, b: np.mean(a[:, None] > b[None, :]), vectorized=False, n_resamples=2000,
        method="basic", rng=np.random.default_rng(1),
    )  # fmt: skip
    scale = interval.value * (1 - interval.value)
    logit = np.log(np.array([interval.lower, interval.upper]) / (1 - np.array([interval.lower, interval.upper])))
    assert np.diff(logit)[0] / 2 / 1.96 * scale == pytest.approx(resampled.standard_error, rel=0.05)


def test_scores_of_one_order_leave_nothing_to_test() -> None:
    truth, first, _ = example()
    found = compare_roc_auc(truth, first, np.exp(first / 3))
    assert found.difference.value == 0 and math.isnan(found.p_value) and (found.difference.lower == -1)


def test_an_area_without_spread_has_all_limits() -> None:
    assert (roc_auc([0, 0, 1, 1], [1, 2, 3, 4]).lower, roc_auc([0, 0, 1], [1, 3, 2]).upper) == (0, 1)
    assert average_precision([0, 0, 1, 1], [1, 2, 3, 4]).lower == 0


def test_derivative_of_average_precision_is_the_finite_difference_of_scikit_learns() -> None:
    truth, score, _ = example(40)
    weights = np.random.default_rng(1).integers(1, 4, 40).astype(float)
    _, derivative = _area_and_derivative(truth, score, weights)
    for row in range(40):
        step = 1e-5 * (np.arange(40) == row)
        up, down = (
            sklearn.metrics.average_precision_score(truth, score, sample_weight=weights + sign * step)
            for sign in (1, -1)
        )
        assert derivative[row] == pytest.approx((up - down) / 2e-5, abs=1e-8)


@pytest.mark.parametrize("criterion", CRITERIA)
def test_threshold_is_the_best_of_all(criterion: str) -> None:
    truth, score, _ = example(60)
    theirs = {
        "accuracy": sklearn.metrics.accuracy_score,
        "balanced_accuracy": sklearn.metrics.balanced_accuracy_score,
        "matthews_correlation": sklearn.metrics.matthews_corrcoef,
        "cohen_kappa": sklearn.metrics.cohen_kappa_score,
        "f1": lambda y, p: sklearn.metrics.f1_score(y, p, zero_division=0),
    }[criterion]
    values = {t: theirs(truth, score >= t) for t in [*np.unique(score), np.inf]}
    best = max(values.values())
    found = best_threshold(truth, score, criterion)
    assert found.value.value == pytest.approx(best, rel=1e-12)
    assert found.threshold == max(t for t, value in values.items() if value == pytest.approx(best, rel=1e-12))


def test_threshold_of_least_cost_by_trying_all() -> None:
    truth, score, _ = example(60)
    costs = Costs(false_positive=2, false_negative=5, true_positive=-1, true_negative=0.5)

    def cost_of_rows(t: float) -> np.ndarray:
        called = score >= t
        return np.where(truth, np.where(called, -1, 5), np.where(called, 2, 0.5))

    means = {t: cost_of_rows(t).mean() for t in [*np.unique(score), np.inf]}
    found = best_threshold(truth, score, costs)
    assert found.value.value == pytest.approx(min(means.values()), rel=1e-12)
    rows = cost_of_rows(found.threshold)
    limits = scipy.stats.t.interval(0.95, 59, rows.mean(), scipy.stats.sem(rows))
    np.testing.assert_allclose([found.value.lower, found.value.upper], limits, rtol=1e-10)
    np.testing.assert_array_equal(found.table.counts, sklearn.metrics.confusion_matrix(truth, score >= found.threshold))


@given(st.tuples(*[st.floats(-3, 3)] * 4), st.floats(0.001, 0.999))
def test_closed_form_threshold_separates_the_cheaper_calls(costs: tuple[float, float, float, float], p: float) -> None:
    fp, fn, tp, tn = costs
    if fp - tn < 1e-3 or fn - tp < 1e-3:
        return
    threshold = Costs(fp, fn, tp, tn).threshold
    cost_of_yes, cost_of_no = (1 - p) * fp + p * tp, (1 - p) * tn + p * fn
    if abs(p - threshold) > 1e-6:
        assert (cost_of_yes < cost_of_no) == (p > threshold)


def test_bad_rows_are_named() -> None:
    for call, words in (
        (lambda: roc_curve([0, 1, 2], [1, 2, 3]), "2 in row 2"),
        (lambda: roc_curve([0, 1, 1], [1, 2, math.nan]), "nan in row 2"),
        (lambda: roc_auc([1, 1], [1, 2]), "only one class"),
        (lambda: roc_auc([0, 1, 1], [1, 2, 3], sample_weight=[0, 1, 1]), "only one class"),
        (lambda: roc_auc(["no", "yes"], [1, 2]), "positive='yes'"),
        (lambda: roc_auc(["no", "yes"], [1, 2], positive="maybe"), "only one class"),
        (lambda: average_precision([0, 1], [1, 2, 3]), "2 and 3"),
        (lambda: compare_roc_auc([0, 1], [1, 2], [1, 2, 3]), "2 and 3"),
        (lambda: delong_covariance([0, 1], [[1, 2], [1, math.inf]]), "row 1"),
    ):
        with pytest.raises(DataError, match=words):
            call()
    for call in (
        lambda: best_threshold([0, 1], [1, 2], "f2"),
        lambda: Costs(0, 1),
        lambda: Costs(1, 1, true_positive=2),
    ):
        with pytest.raises(ConfigurationError):
            call()
    assert roc_auc(["no", "yes", "no"], [1, 2, 3], positive="yes").value == 0.5
    assert roc_auc([-1, 1, -1], [1, 2, 3]).value == 0.5


@pytest.mark.slow
def test_intervals_of_areas_cover_the_true_ones() -> None:
    """Normal scores one unit apart: the area is the normal distribution at the root of one half."""
    random, n, sets, shift = np.random.default_rng(5), 150, 1500, 1.0
    area = float(scipy.stats.norm.cdf(shift / math.sqrt(2)))
    t = np.linspace(-8, 9, 20001)
    hits, alarms = scipy.stats.norm.sf(t - shift), scipy.stats.norm.sf(t)
    precision = 0.4 * hits / (0.4 * hits + 0.6 * alarms)
    mean_precision = float(np.trapezoid(precision * scipy.stats.norm.pdf(t - shift), t))
    covered = np.zeros(2)
    for _ in range(sets):
        truth = random.random(n) < 0.4
        score = random.normal(size=n) + shift * truth
        covered += [area in roc_auc(truth, score), mean_precision in average_precision(truth, score)]
    np.testing.assert_allclose(covered / sets, 0.95, atol=0.0235)


@pytest.mark.slow
def test_paired_test_keeps_its_level() -> None:
    """Two scores of equal area share much of their noise; the test rejects as often as its level says."""
    random, sets = np.random.default_rng(6), 1500
    p_values = np.empty(sets)
    for number in range(sets):
        truth = random.random(120) < 0.5
        common = truth + random.normal(size=120)
        p_values[number] = compare_roc_auc(
            truth, common + 0.7 * random.normal(size=120), common + 0.7 * random.normal(size=120)
        ).p_value
    for level in (0.05, 0.2, 0.5):
        assert abs((p_values < level).mean() - level) < 3.5 * math.sqrt(level * (1 - level) / sets) + 0.005
