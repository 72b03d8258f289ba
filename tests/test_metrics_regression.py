"""Scores of regressions that are not shared checks: medians with exact limits, targets without a percentage."""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st

from pullback.core.errors import ConfigurationError, DataError
from pullback.metrics import (
    AbsolutePercentageError,
    AdjustedRSquared,
    MeanDeviance,
    PinballLoss,
    median_absolute_error,
)
from pullback.testing.metrics import evaluate
from pullback.testing.peers import peer

ERRORS = st.lists(st.tuples(st.integers(-8, 8), st.integers(0, 3)), min_size=1, max_size=30).filter(
    lambda rows: sum(weight for _, weight in rows) > 0
)


@given(ERRORS, st.sampled_from([0.6, 0.9, 0.95]))
def test_median_absolute_error_is_that_of_scikit_learn_and_its_limits_those_of_scipy(
    rows: list[tuple[int, int]], level: float
) -> None:
    error, weight = (np.array(column) for column in zip(*rows, strict=True))
    repeated = np.repeat(error, weight).astype(float)
    ours = median_absolute_error(np.zeros(len(error)), error, sample_weight=weight, level=level)
    assert ours == median_absolute_error(np.zeros(len(repeated)), repeated, level=level)
    assert ours.value == pytest.approx(sklearn.metrics.median_absolute_error(np.zeros(len(repeated)), repeated))
    interval = scipy.stats.quantile_test(np.abs(repeated), q=0.0, p=0.5).confidence_interval(level)
    expected = [
        0.0 if math.isnan(interval.low) else interval.low,
        math.inf if math.isnan(interval.high) else interval.high,
    ]
    assert [ours.lower, ours.upper] == pytest.approx(expected)


def test_adjusted_r_squared_is_that_of_statsmodels() -> None:
    statsmodels = peer("statsmodels.api")
    random = np.random.default_rng(0)
    x = random.normal(size=(40, 3))
    y = x @ [1.0, 0.5, 0.0] + random.normal(size=40)
    fit = statsmodels.OLS(y, statsmodels.add_constant(x)).fit()
    metric = AdjustedRSquared(3)
    stats = evaluate(metric, fit.fittedvalues.astype(np.float32), y.astype(np.float32))
    assert metric.compute(stats) == pytest.approx(fit.rsquared_adj, rel=1e-5)
    assert math.isnan(metric.compute(evaluate(metric, np.ones(4, np.float32), np.arange(4, dtype=np.float32))))


@pytest.mark.parametrize("family", ["poisson", "binomial"])
def test_deviance_at_the_edge_of_the_targets(family: str) -> None:
    """A target of zero costs what the mean says and no more, in value and in limits."""
    metric = MeanDeviance(family)
    stats = metric.update(metric.init(), jnp.array([0.5, 0.25]), jnp.array([0.0, 0.0]))
    expected = {"poisson": [1.0, 0.5], "binomial": [-2 * math.log(0.5), -2 * math.log(0.75)]}[family]
    assert metric.compute(stats) == pytest.approx(np.mean(expected), rel=1e-6)
    limits = scipy.stats.t.interval(0.95, 1, np.mean(expected), scipy.stats.sem(expected))
    interval = metric.interval(stats)
    np.testing.assert_allclose([interval.lower, interval.upper], limits, rtol=1e-5)


def test_what_makes_no_sense_is_refused() -> None:
    metric = AbsolutePercentageError()
    assert math.isnan(metric.compute(evaluate(metric, np.ones(2, np.float32), np.array([0, 1], np.float32))))
    for make in (
        lambda: PinballLoss(1.0),
        lambda: PinballLoss(0.0),
        lambda: MeanDeviance("cauchy"),
        lambda: AdjustedRSquared(0),
    ):
        with pytest.raises(ConfigurationError):
            make()
    with pytest.raises(DataError, match="nan in row 1"):
        median_absolute_error([1, math.nan], [1, 2])
    with pytest.raises(DataError, match="2 and 3"):
        median_absolute_error([1, 2], [1, 2, 3])
