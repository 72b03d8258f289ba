"""Intervals of proportions, means and any statistic against SciPy, statsmodels, closed forms and simulation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from pullback.core.errors import ConfigurationError, DataError
from pullback.core.random import generator
from pullback.prob import Interval, bootstrap_interval, mean_interval, wilson_interval
from pullback.testing.peers import peer

COUNTS = st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
LEVELS = st.sampled_from([0.5, 0.9, 0.95, 0.99])


@given(COUNTS, LEVELS)
def test_wilson_equals_scipy(counts: tuple[int, int], level: float) -> None:
    successes, n = counts
    ours = wilson_interval(successes, n, level)
    theirs = scipy.stats.binomtest(successes, n).proportion_ci(level, method="wilson")
    np.testing.assert_allclose([ours.lower, ours.upper], [theirs.low, theirs.high], rtol=1e-10, atol=1e-14)
    assert ours.value == successes / n
    assert 0 <= ours.lower <= ours.value <= ours.upper <= 1


@given(COUNTS, LEVELS)
def test_wilson_limits_are_where_the_score_test_rejects(counts: tuple[int, int], level: float) -> None:
    """Each limit p satisfies |p_hat - p| = z sqrt(p (1 - p) / n), the equation that defines the interval."""
    successes, n = counts
    interval = wilson_interval(successes, n, level)
    z = scipy.stats.norm.ppf((1 + level) / 2)
    for p in (interval.lower, interval.upper):
        assert (successes / n - p) ** 2 == pytest.approx(z * z * p * (1 - p) / n, rel=1e-9, abs=1e-14)


def test_wilson_equals_statsmodels() -> None:
    proportion = peer("statsmodels.stats.proportion")
    for successes, n in [(0, 7), (7, 7), (3, 10), (881, 1000), (1, 100_000)]:
        ours = wilson_interval(successes, n)
        np.testing.assert_allclose(
            [ours.lower, ours.upper],
            proportion.proportion_confint(successes, n, method="wilson"),
            rtol=1e-10,
            atol=1e-15,
        )


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=50), LEVELS)
def test_mean_interval_equals_scipy(values: list[float], level: float) -> None:
    x = np.array(values)
    ours = mean_interval(len(x), float(x.sum()), float((x * x).sum()), level)
    assert ours.value == pytest.approx(x.mean(), rel=1e-12, abs=1e-12)
    if x.std() > 1e-3 * np.abs(x).max():
        theirs = scipy.stats.ttest_1samp(x, 0.0).confidence_interval(level)
        np.testing.assert_allclose([ours.lower, ours.upper], [theirs.low, theirs.high], rtol=1e-6, atol=1e-6)


def test_mean_of_one_value_has_no_limits() -> None:
    interval = mean_interval(1, 3.0, 9.0)
    assert (interval.value, interval.lower, interval.upper) == (3.0, -math.inf, math.inf)


SKEWED = scipy.stats.expon.rvs(size=40, random_state=np.random.default_rng(0))
PAIRED = np.random.default_rng(1).multivariate_normal([0, 0], [[1, 0.7], [0.7, 1]], size=30).T


def correlation(x: np.ndarray, y: np.ndarray) -> Any:
    return np.corrcoef(x, y)[0, 1]


@pytest.mark.parametrize("method", ["percentile", "bca"])
@pytest.mark.parametrize("level", [0.8, 0.95])
@pytest.mark.parametrize(
    ("samples", "statistic"),
    [((SKEWED,), np.mean), ((SKEWED,), np.std), ((SKEWED,), np.median), (tuple(PAIRED), correlation)],
    ids=["mean", "deviation", "median", "correlation of pairs"],
)
def test_bootstrap_equals_scipy_on_the_same_resamples(samples: Any, statistic: Any, level: float, method: str) -> None:
    ours = bootstrap_interval(*samples, statistic=statistic, level=level, resamples=999, method=method, seed=5)
    theirs = scipy.stats.bootstrap(
        samples,
        statistic,
        n_resamples=999,
        paired=True,
        vectorized=False,
        confidence_level=level,
        method={"percentile": "percentile", "bca": "BCa"}[method],
        rng=generator(5, "bootstrap"),
    ).confidence_interval
    np.testing.assert_allclose([ours.lower, ours.upper], [theirs.low, theirs.high], rtol=1e-10)
    assert ours.value == pytest.approx(float(statistic(*samples)))


def test_percentile_bootstrap_of_a_mean_is_the_central_limit() -> None:
    x = np.random.default_rng(3).normal(size=2000)
    ours = bootstrap_interval(x, method="percentile", resamples=2000)
    half_width = 1.959964 * x.std() / np.sqrt(2000)
    assert ours.upper - ours.lower == pytest.approx(2 * half_width, rel=0.08)


def test_bootstrap_covers_the_mean_of_a_skewed_law() -> None:
    random, hits = np.random.default_rng(4), {"percentile": 0, "bca": 0}
    for trial in range(150):
        x = random.exponential(size=80)
        for method in hits:
            hits[method] += 1.0 in bootstrap_interval(x, method=method, resamples=400, seed=trial, level=0.9)
    # Nominal 135; three standard deviations of the count are 11.
    assert min(hits.values()) >= 124


def test_bootstrap_is_a_function_of_its_seed() -> None:
    first, again, other = (bootstrap_interval(SKEWED, resamples=200, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first.lower != other.lower


def test_equal_rows_have_a_point() -> None:
    for method in ("percentile", "bca"):
        interval = bootstrap_interval(np.full(5, 2.0), method=method, resamples=50)
        assert (interval.lower, interval.upper) == (2.0, 2.0)


def test_interval_reads_and_contains() -> None:
    interval = Interval(0.5, 0.25, 0.75, 0.9, 12, "wilson")
    assert 0.25 in interval and 0.8 not in interval
    assert str(interval) == "0.5 [0.25, 0.75] (90% wilson, n = 12)"


def test_what_makes_no_sense_is_refused() -> None:
    for make in (
        lambda: wilson_interval(3, 0),
        lambda: wilson_interval(5, 4),
        lambda: wilson_interval(1, 4, 95),
        lambda: mean_interval(0, 0.0, 0.0),
        lambda: mean_interval(3, 0.0, 0.0, 1.0),
        lambda: bootstrap_interval(SKEWED, method="normal"),
        lambda: bootstrap_interval(SKEWED, resamples=0),
    ):
        with pytest.raises(ConfigurationError):
            make()
    for samples in ((np.ones(1),), (np.ones(3), np.ones(4)), ()):
        with pytest.raises(DataError, match="resampled together"):
            bootstrap_interval(*samples)
    with pytest.raises(DataError, match="not finite"):
        bootstrap_interval(np.array([1.0, np.nan]))
