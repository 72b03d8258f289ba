"""Calibration against scikit-learn, statsmodels, SciPy and the equations that the optimum satisfies."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.optimize
import scipy.special
import scipy.stats
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from pullback.core.errors import ConfigurationError, DataError
from pullback.metrics import (
    brier_decomposition,
    calibration_error,
    fit_isotonic_calibration,
    fit_platt_scaling,
    fit_temperature_scaling,
)
from pullback.testing.peers import peer

RANDOM = np.random.default_rng(0)
SCORE = np.round(RANDOM.normal(size=150) * 3 + 40, 2)
TRUTH = RANDOM.random(150) < scipy.special.expit(0.8 * (SCORE - 41))
WEIGHTS = RANDOM.integers(0, 3, 150)
LOGITS = RANDOM.normal(size=(200, 4)) * 2
LABELS = np.array([RANDOM.choice(4, p=scipy.special.softmax(row / 1.7)) for row in LOGITS])
TIED_ROWS = st.lists(st.tuples(st.booleans(), st.integers(0, 8), st.integers(1, 3)), min_size=2, max_size=40).filter(
    lambda rows: len({row[0] for row in rows}) == 2
)


@pytest.mark.parametrize("smooth", [True, False])
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["rows", "counts"])
def test_platt_curve_and_its_covariance_are_those_of_statsmodels(smooth: bool, weights: np.ndarray | None) -> None:
    statsmodels = peer("statsmodels.api")
    count = np.ones(150) if weights is None else weights
    positives, negatives = count[TRUTH].sum(), count[~TRUTH].sum()
    target = np.where(TRUTH, (positives + 1) / (positives + 2), 1 / (negatives + 2)) if smooth else TRUTH.astype(float)
    kept = count > 0
    design = np.stack([SCORE, np.ones(150)], 1)[kept]
    model = statsmodels.GLM(target[kept], design, family=statsmodels.families.Binomial(), freq_weights=count[kept])
    theirs = model.fit(tol=1e-14, tol_criterion="params")
    ours = fit_platt_scaling(TRUTH, SCORE, sample_weight=weights, smooth_targets=smooth)
    np.testing.assert_allclose([ours.slope, ours.intercept], theirs.params, rtol=1e-8)
    np.testing.assert_allclose(ours.covariance, theirs.cov_params(), rtol=1e-6)
    np.testing.assert_allclose(ours(SCORE[kept]), theirs.predict(design), rtol=1e-8)
    assert ours.n == count.sum()


def test_platt_curve_of_separated_scores() -> None:
    truth, score = [0, 0, 1, 1], [1.0, 2.0, 3.0, 4.0]
    assert 0 < fit_platt_scaling(truth, score).slope < math.inf
    with pytest.raises(DataError, match="separate the classes"):
        fit_platt_scaling(truth, score, smooth_targets=False)
    falling = fit_platt_scaling(truth, [-value for value in score])
    assert falling.slope == pytest.approx(-fit_platt_scaling(truth, score).slope, rel=1e-9)
    with pytest.raises(DataError, match="all equal"):
        fit_platt_scaling(truth, [2, 2, 2, 2])


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_platt_curve_follows_the_unit_of_the_score(scale: float) -> None:
    plain, scaled = fit_platt_scaling(TRUTH, SCORE), fit_platt_scaling(TRUTH, SCORE * scale + 1e3 * scale)
    np.testing.assert_allclose(scaled(SCORE * scale + 1e3 * scale), plain(SCORE), rtol=1e-7)


@given(TIED_ROWS)
def test_isotonic_curve_is_that_of_scikit_learn(rows: list[tuple[bool, int, int]]) -> None:
    truth, score, weight = (np.array(column) for column in zip(*rows, strict=True))
    ours = fit_isotonic_calibration(truth, score, sample_weight=weight)
    theirs = IsotonicRegression(out_of_bounds="clip").fit(score, truth.astype(float), sample_weight=weight)
    new = np.linspace(-2, 11, 53)
    np.testing.assert_allclose(ours(new), theirs.predict(new), atol=1e-10)
    repeated = fit_isotonic_calibration(np.repeat(truth, weight), np.repeat(score, weight))
    np.testing.assert_allclose(repeated(new), ours(new), atol=1e-10)
    assert ours.n == weight.sum()


def loss_at(temperature: float, logits: np.ndarray = LOGITS, labels: np.ndarray = LABELS) -> float:
    return sklearn.metrics.log_loss(labels, scipy.special.softmax(logits / temperature, axis=1), labels=range(4))


def test_temperature_is_where_the_loss_is_least() -> None:
    found = fit_temperature_scaling(LABELS, LOGITS)
    temperature = found.temperature.value
    best = scipy.optimize.minimize_scalar(loss_at, bounds=(0.2, 10), method="bounded", options={"xatol": 1e-10})
    assert temperature == pytest.approx(best.x, rel=1e-6)
    assert found.loss_after == pytest.approx(loss_at(temperature), rel=1e-12)
    assert found.loss_before == pytest.approx(loss_at(1.0), rel=1e-12)
    # The mean logit under the probabilities is that of the true classes: the derivative of the loss is zero.
    mean = (found(LOGITS) * LOGITS).sum(1).mean()
    assert mean == pytest.approx(LOGITS[np.arange(200), LABELS].mean(), rel=1e-12)


def test_error_of_temperature_is_the_curvature_of_the_loss() -> None:
    found = fit_temperature_scaling(LABELS, LOGITS).temperature
    step = 1e-3
    values = [200 * loss_at(found.value * math.exp(shift)) for shift in (-step, 0.0, step)]
    curvature = (values[0] - 2 * values[1] + values[2]) / step**2
    half_width = scipy.stats.norm.ppf(0.975) / math.sqrt(curvature)
    np.testing.assert_allclose(np.log([found.upper / found.value, found.value / found.lower]), half_width, rtol=1e-5)


def test_temperature_of_weights_and_of_one_logit() -> None:
    weight = RANDOM.integers(0, 4, 200)
    weighted = fit_temperature_scaling(LABELS, LOGITS, sample_weight=weight)
    repeated = fit_temperature_scaling(np.repeat(LABELS, weight), np.repeat(LOGITS, weight, axis=0))
    np.testing.assert_allclose(
        [weighted.temperature.value, weighted.temperature.lower, weighted.loss_after],
        [repeated.temperature.value, repeated.temperature.lower, repeated.loss_after],
        rtol=1e-10,
    )
    one = (SCORE - 41) * 2
    pair = np.stack([np.zeros(150), one], 1)
    first, second = fit_temperature_scaling(TRUTH, one), fit_temperature_scaling(TRUTH.astype(int), pair)
    assert first.temperature == second.temperature
    np.testing.assert_allclose(first(one), second(pair))


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_temperature_has_the_scale_of_the_logits(scale: float) -> None:
    expected = fit_temperature_scaling(LABELS, LOGITS).temperature
    found = fit_temperature_scaling(LABELS, scale * LOGITS).temperature
    np.testing.assert_allclose([found.value, found.upper], [scale * expected.value, scale * expected.upper], rtol=1e-9)


def test_temperatures_that_do_not_exist_are_refused() -> None:
    with pytest.raises(DataError, match="best temperature is zero"):
        fit_temperature_scaling([0, 1], [[2.0, 1.0], [0.0, 1.0]])
    with pytest.raises(DataError, match="best temperature is infinite"):
        fit_temperature_scaling([1, 0, 0], [[2.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
    with pytest.raises(DataError, match="4 in row 1"):
        fit_temperature_scaling([0, 4], np.zeros((2, 4)))
    with pytest.raises(DataError, match="row 1"):
        fit_temperature_scaling([0, 1], [[0.0, 1.0], [math.nan, 1.0]])


def group_means(groups: str | int, chance: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Frequency in the group of each row, by other means than the library's."""
    if groups == "isotonic":
        return IsotonicRegression().fit_transform(chance, truth.astype(float))
    place = chance if groups == "distinct" else np.digitize(chance, np.linspace(0, 1, groups + 1)[1:-1])
    return np.array([truth[place == one].mean() for one in place])


@pytest.mark.parametrize("groups", ["isotonic", "distinct", 7])
def test_parts_of_the_brier_score(groups: str | int) -> None:
    random = np.random.default_rng(3)
    chance = random.integers(1, 40, 120) / 41
    truth = random.random(120) < chance**1.5
    found = brier_decomposition(truth, chance, groups=groups)
    frequency = group_means(groups, chance, truth)
    score = sklearn.metrics.brier_score_loss
    assert found.brier.value == pytest.approx(score(truth, chance), rel=1e-12)
    assert found.uncertainty.value == pytest.approx(truth.mean() * (1 - truth.mean()), rel=1e-12)
    assert found.miscalibration.value == pytest.approx(score(truth, chance) - score(truth, frequency), rel=1e-10)
    parts = found.miscalibration.value - found.discrimination.value + found.uncertainty.value
    assert parts == pytest.approx(found.brier.value, rel=1e-12)
    if groups == "distinct":
        # Murphy's own formulas, as weighted sums over the groups.
        assert found.miscalibration.value == pytest.approx(np.mean((chance - frequency) ** 2), rel=1e-10)
        assert found.discrimination.value == pytest.approx(np.mean((frequency - truth.mean()) ** 2), rel=1e-10)
    for part in (found.brier, found.miscalibration, found.discrimination, found.uncertainty):
        assert part.n == 120 and part.lower <= part.value <= part.upper


def test_parts_of_weighted_rows_are_those_of_repeated_rows() -> None:
    chance = scipy.special.expit(SCORE - 41)
    weighted = brier_decomposition(TRUTH, chance, sample_weight=WEIGHTS)
    repeated = brier_decomposition(np.repeat(TRUTH, WEIGHTS), np.repeat(chance, WEIGHTS))
    assert weighted.brier.lower == pytest.approx(repeated.brier.lower, rel=1e-10)
    for name in ("brier", "miscalibration", "discrimination", "uncertainty"):
        assert getattr(weighted, name).value == pytest.approx(getattr(repeated, name).value, rel=1e-10)
        assert getattr(weighted, name).n == getattr(repeated, name).n


def test_bad_rows_are_named() -> None:
    calls: tuple[tuple[Any, str], ...] = (
        (lambda: brier_decomposition([0, 1], [0.5, 1.5]), "1.5 in row 1"),
        (lambda: calibration_error([0, 1], [0.5, -0.1]), "-0.1 in row 1"),
        (lambda: calibration_error([0, 0.5], [0.5, 0.1]), "0.5 in row 1"),
        (lambda: calibration_error([1], [0.5]), "one row"),
        (lambda: fit_isotonic_calibration([0, 1], [1, math.inf]), "inf in row 1"),
        (lambda: fit_platt_scaling([0, 1, 1], [1, 2]), "3 and 2"),
    )
    for call, words in calls:
        with pytest.raises(DataError, match=words):
            call()
    with pytest.raises(ConfigurationError, match="isotonic"):
        brier_decomposition([0, 1], [0.5, 0.6], groups="bins")


@pytest.mark.slow
def test_interval_of_the_temperature_covers_the_true_one() -> None:
    random, sets, covered = np.random.default_rng(4), 1000, 0
    for _ in range(sets):
        logits = 2 * random.normal(size=(150, 3))
        gumbel = random.gumbel(size=logits.shape)
        labels = (logits / 1.5 + gumbel).argmax(1)
        covered += 1.5 in fit_temperature_scaling(labels, logits).temperature
    # 3.3 standard deviations of a binomial share of 1,000, and half a percent for normal limits.
    assert abs(covered / sets - 0.95) < 0.028


@pytest.mark.slow
def test_interval_of_the_calibration_error_covers_the_true_one() -> None:
    """Events of probability p squared: the mean distance from p in ten bins is 1/6 whatever the bins."""
    random, sets, covered = np.random.default_rng(5), 150, 0
    for _ in range(sets):
        chance = random.random(500)
        covered += 1 / 6 in calibration_error(random.random(500) < chance**2, chance, bins=10)
    assert covered / sets > 0.95 - 0.06
