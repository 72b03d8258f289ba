"""Comparisons of optimizers and of settings: what is named, and what is not."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from scipy import stats

from pullback import data, nn
from pullback.core.errors import ConfigurationError, DataError
from pullback.train import Experiment, compare, compare_optimizers
from pullback.train.comparisons import paired_differences, performance_profile

IRIS = data.load("iris")


def softmax(seed: int) -> Experiment:
    model = nn.Linear(4, 3, key=jax.random.key(seed))
    return Experiment(model, IRIS, "categorical_cross_entropy", epochs=3, batch_size=50, seed=seed)


def test_a_difference_without_one_is_named_in_at_most_one_of_twenty() -> None:
    random = np.random.default_rng(0)
    named = 0
    for _ in range(2000):
        # Three methods of the same quality, whose losses go up and down together with the seed, skewed as losses are.
        shared = random.gamma(2.0, size=8)
        scores = (shared + random.normal(size=(3, 8)))[None]
        named += any(each.named for each in paired_differences(scores, ["p"], ["a", "b", "c"]))
    # The binomial distribution's own bound for 2,000 draws at 5 %.
    assert named <= stats.binom.ppf(0.995, 2000, 0.05)


def test_paired_differences_are_scipys_paired_test() -> None:
    scores = np.random.default_rng(1).normal(size=(1, 2, 6))
    (found,) = paired_differences(scores, ["p"], ["a", "b"])
    expected = stats.ttest_rel(scores[0, 0], scores[0, 1])
    limits = expected.confidence_interval(0.95)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-10)
    assert (found.interval.lower, found.interval.upper) == pytest.approx((limits.low, limits.high), rel=1e-10)


def test_simultaneous_intervals_are_wider_by_bonferroni() -> None:
    scores = np.random.default_rng(2).normal(size=(1, 3, 6))
    found = paired_differences(scores, ["p"], ["a", "b", "c"])
    expected = stats.ttest_rel(scores[0, 0], scores[0, 1]).confidence_interval(1 - 0.05 / 3)
    assert (found[0].interval.lower, found[0].interval.upper) == pytest.approx((expected.low, expected.high), rel=1e-10)


def test_seeds_that_diverged_are_left_out() -> None:
    scores = np.array([[[1.0, 1.1, np.inf, 0.9], [2.0, 2.3, 2.1, 2.2]]])
    (found,) = paired_differences(scores, ["p"], ["a", "b"])
    assert found.interval.n == 3
    (nothing,) = paired_differences(np.full((1, 2, 4), np.inf), ["p"], ["a", "b"])
    assert not nothing.named and np.isnan(nothing.p_value)


def test_profile_of_costs_by_hand() -> None:
    costs = np.array([[1.0, 2.0], [6.0, 3.0], [np.inf, 5.0], [np.inf, np.inf]])
    found = performance_profile(costs, np.array([1.0, 1.9, 2.0, 1e9]))
    np.testing.assert_allclose(found, [[0.25, 0.5], [0.25, 0.5], [0.5, 0.75], [0.5, 0.75]])
    with pytest.raises(DataError, match="not positive"):
        performance_profile(np.zeros((1, 1)), np.ones(1))


def test_the_same_method_twice_is_no_difference() -> None:
    found = compare_optimizers(softmax, ["sgd", "sgd"], seeds=3, tuning_seeds=1, rates=[0.01, 0.1])
    assert found.winner is None and not found.differences[0].named
    np.testing.assert_array_equal(found.scores[:, 0], found.scores[:, 1])


def test_a_method_with_a_rate_that_is_too_small_loses() -> None:
    found = compare_optimizers(softmax, ["sgd", "adam"], seeds=4, tuning_seeds=1, rates=[1e-5, 1e-4], targets={})
    # At such rates Adam's steps of equal length are longer than the gradients of this loss.
    better = found.methods[int(found.scores.mean((0, 2)).argmin())].name
    assert found.winner in (None, better)
    assert all(method.learning_rate == (1e-4,) for method in found.methods)
    assert "p = " in str(found) or "no difference" in str(found)


def test_factors_and_their_levels() -> None:
    def network(seed: int, width: int, learning_rate: float) -> Experiment:
        keys = jax.random.split(jax.random.key(seed))
        model = nn.Sequential([nn.Linear(4, width, key=keys[0]), nn.tanh, nn.Linear(width, 3, key=keys[1])])
        return Experiment(
            model, IRIS, "categorical_cross_entropy", learning_rate=learning_rate, epochs=3, batch_size=50, seed=seed
        )

    found = compare(network, {"width": [4, 16], "learning_rate": [1e-5, 0.05]}, seeds=2)
    assert found.scores.shape == (2, 2, 2) and found.analysis is not None
    effects = {effect.factors: effect for effect in found.analysis.effects}
    # One rate hardly moves the start, the other trains: nothing else can matter as much.
    assert effects[("learning_rate",)].share > 0.5
    np.testing.assert_allclose(found.means("width"), found.scores.mean((1, 2)))


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="nothing to compare"):
        compare_optimizers(softmax, ["adam"])
    with pytest.raises(ConfigurationError, match="did you mean 'adam'"):
        compare_optimizers(softmax, ["adamm", "sgd"])
    with pytest.raises(ConfigurationError, match="two seeds tell no noise"):
        compare_optimizers(softmax, ["adam", "sgd"], seeds=2)
    with pytest.raises(ConfigurationError, match="unknown axis 'widht'"):
        compare(softmax, {"widht": [1, 2]})
    with pytest.raises(ConfigurationError, match="seeds as blocks"):
        compare(softmax, {"seed": [1, 2]})
