"""Factorial comparisons: what is named, the rates, what is refused; numbers against SciPy and statsmodels."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from scipy import stats

from pullback import data, nn, train
from pullback.core.errors import ConfigurationError, RunFolderError
from pullback.testing.peers import peer
from pullback.train import Experiment, FactorComparison, compare, resume_comparison
from pullback.train.comparisons import contrasts, read_comparison
from pullback.train.comparisons.factors import level_name

FACTORS = {"activation": ["relu", "tanh", "elu"], "width": ["8", "64"]}


def found(scores: np.ndarray, /, **changes: Any) -> FactorComparison:
    record = {"of": "settings", "factors": FACTORS, "score": "loss", "split": "validation", "higher_is_better": False,
              "scores": scores.tolist(), "tuning": None, "level": 0.95}  # fmt: skip
    read = read_comparison(record | changes)
    assert isinstance(read, FactorComparison)
    return read


def softmax(seed: int, learning_rate: float = 0.01, batch_size: int = 50) -> Experiment:
    model = nn.Linear(4, 3, key=jax.random.key(seed))
    return Experiment(
        model, data.load("iris"), "categorical_cross_entropy", learning_rate=learning_rate, batch_size=batch_size,
        epochs=2, seed=seed, optimizer="sgd",
    )  # fmt: skip


def test_differences_are_scipys_paired_tests_corrected_by_statsmodels() -> None:
    multitest = peer("statsmodels.stats.multitest")
    scores = np.random.default_rng(0).normal(size=(3, 2, 6)) + np.arange(3)[:, None, None]
    rows = scores.mean(1)
    pairs = [(rows[1], rows[0]), (rows[2], rows[0]), (rows[2], rows[1]), (scores[:, 1].mean(0), scores[:, 0].mean(0))]
    pairs += [(scores[a, 1] - scores[0, 1], scores[a, 0] - scores[0, 0]) for a in (1, 2)]
    every = contrasts(scores, FACTORS)
    names = ["tanh", "elu", "elu", "64", "tanh less relu at width 64", "elu less relu at width 64"]
    assert [each.first for each in every] == names
    expected = [stats.ttest_rel(*pair) for pair in pairs]
    limits = [each.confidence_interval(1 - 0.05 / 6) for each in expected]
    np.testing.assert_allclose([each.interval.lower for each in every], [each.low for each in limits], rtol=1e-10)
    np.testing.assert_allclose([each.interval.upper for each in every], [each.high for each in limits], rtol=1e-10)
    adjusted = multitest.multipletests([each.pvalue for each in expected], method="holm")[1]
    np.testing.assert_allclose([each.adjusted for each in every], adjusted, rtol=1e-10)


def test_nothing_is_named_in_more_than_one_of_twenty_where_there_is_nothing() -> None:
    random = np.random.default_rng(1)
    named = 0
    for _ in range(600):
        # Seeds that are easy or hard for all.
        result = found(random.normal(size=(3, 2, 5)) + 3 * random.normal(size=5))
        assert result.analysis is not None
        effects = any(effect.adjusted < 0.05 for effect in result.analysis.effects)
        named += effects or result.winner is not None or any(each.named for each in result.contrasts)
    # The binomial distribution's own bound.
    assert named <= stats.binom.ppf(0.995, 600, 0.05)


@pytest.mark.parametrize("higher", [False, True])
def test_a_combination_that_is_ahead_of_all_is_named(higher: bool) -> None:
    scores = 1 + 0.01 * np.random.default_rng(2).normal(size=(3, 2, 6))
    scores[1, 0] += 2.0 if higher else -2.0
    result = found(scores, higher_is_better=higher, score="accuracy" if higher else "loss")
    assert result.winner == {"activation": "tanh", "width": "8"} and "winner: activation tanh" in str(result)
    np.testing.assert_allclose(result.means("activation", "width"), scores.mean(-1))
    scores[0, 0] = scores[1, 0] + 0.01 * np.random.default_rng(3).normal(size=6)
    assert found(scores, higher_is_better=higher).winner is None


def test_a_combination_that_diverged_leaves_effects_apart() -> None:
    scores = 1 + 0.01 * np.random.default_rng(2).normal(size=(3, 2, 4))
    listed: Any = scores.tolist()
    listed[2][1][0] = None
    result = found(scores, scores=listed)
    assert result.analysis is None and result.contrasts == () and math.isinf(result.scores[2, 1, 0])
    assert "some combination diverged" in str(result)


def test_each_combination_gets_the_rate_with_its_best_mean() -> None:
    tuning: Any = np.ones((3, 2, 4, 2)).tolist()
    tuning[0][0][1] = [0.5, 0.9]
    tuning[0][1][2] = [0.1, None]
    tuning[1][0][3] = [0.2, 0.2]
    # Where every rate diverges the smallest is taken.
    tuning[2][1] = [[None, None]] * 4
    about = {"rates": [1.0, 0.1, 0.01, 0.001], "scores": tuning}
    result = found(np.random.default_rng(4).normal(size=(3, 2, 3)), tuning=about)
    assert result.tuning is not None
    rates = result.tuning.learning_rate
    assert (rates[0, 0], rates[1, 0], rates[2, 1]) == (0.1, 0.001, 0.001) and rates[0, 1] != 0.01
    assert result.tuning.at_edge[1, 0] and not result.tuning.at_edge[0, 0]
    assert "at the edge" in str(result)


def test_a_result_is_read_as_it_was_and_resumed_by_its_source_alone(tmp_path: Path) -> None:
    factors = {"learning_rate": [0.01, 0.3], "momentum": [0.0, 0.9]}
    made = compare(momentum, factors, seeds=2, route="map", run_dir=tmp_path / "a")
    again = resume_comparison(momentum, tmp_path / "a")
    assert str(again) == str(made) and len(made.sweeps) == 1
    with pytest.raises(ConfigurationError, match="does not make the members"):
        resume_comparison(lambda seed, learning_rate, momentum: softmax(seed + 9, learning_rate), tmp_path / "a")
    with pytest.raises(ConfigurationError, match="several problems"):
        resume_comparison({"iris": momentum}, tmp_path / "a")
    with pytest.raises(RunFolderError, match="folder of a sweep"):
        resume_comparison(momentum, tmp_path / "a" / "sweeps" / "00-combinations")
    with pytest.raises(RunFolderError, match="is not empty"):
        compare(momentum, factors, seeds=2, run_dir=tmp_path / "a")


def momentum(seed: int, learning_rate: float, momentum: float) -> Experiment:
    experiment = softmax(seed, learning_rate)
    return train.Experiment(
        experiment.model, experiment.train_data, "categorical_cross_entropy", optimizer="momentum", seed=seed,
        learning_rate=learning_rate, optimizer_arguments={"momentum": momentum}, epochs=2, batch_size=50,
    )  # fmt: skip


def test_what_is_no_factorial_is_refused(tmp_path: Path) -> None:
    for factors in ({}, {"batch_size": [16]}, {"seed": [0, 1]}):
        with pytest.raises(ConfigurationError, match="no factorial design"):
            compare(softmax, factors, run_dir=tmp_path / "a")
    with pytest.raises(ConfigurationError, match="cannot be tuned as well"):
        compare(softmax, {"learning_rate": [0.1, 0.2]}, tune=True)
    with pytest.raises(ConfigurationError, match="must be positive"):
        compare(softmax, {"batch_size": [16, 64]}, rates=[0.1, -1.0])
    with pytest.raises(ConfigurationError, match="no rates to try"):
        compare(softmax, {"batch_size": [16, 64]}, rates=[])
    assert not (tmp_path / "a").exists()


def test_levels_as_they_are_written() -> None:
    assert [level_name(value) for value in (0.5, (64, 32), np.tanh, "relu", 8)] == [
        "0.5",
        "64 × 32",
        "tanh",
        "relu",
        "8",
    ]
