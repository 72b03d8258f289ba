"""Baselines beside a network: scores against scikit-learn, paired differences, what is said."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, r2_score

from pullback import data
from pullback.core.errors import DataError
from pullback.train.baselines import (
    BaselineComparison,
    Score,
    compare_with_baselines,
    comparison_lines,
    estimators,
    paired_difference,
    together,
)


def parts(name: str) -> tuple[data.Dataset, data.Dataset]:
    whole = data.load(name)
    train, test = data.split(whole, {"train": 0.7, "test": 0.3}, seed=0)
    standardize = data.Standardize.fit(train)
    return standardize(train), standardize(test)


def scores(comparison: BaselineComparison) -> dict[str, float]:
    return {score.name: score.score.value for score in comparison.baselines}


def test_scores_of_a_classification_are_those_of_scikit_learn():
    train, test = parts("iris")
    model = LogisticRegression(max_iter=1000).fit(train.inputs, train.targets)
    comparison = compare_with_baselines(train, test, np.log(model.predict_proba(test.inputs)))
    expected = accuracy_score(test.targets, model.predict(test.inputs))
    assert scores(comparison)["logistic regression"] == pytest.approx(expected) == comparison.network.score.value
    assert scores(comparison)["constant"] == pytest.approx(1 / 3)
    assert comparison.network.score.method == "wilson" and "does not win" in comparison.verdict


def test_scores_of_a_regression_are_those_of_scikit_learn():
    train, test = parts("diabetes")
    values = Ridge(1.0).fit(train.inputs, train.targets).predict(test.inputs)
    comparison = compare_with_baselines(train, test, values[:, None].astype(np.float32))
    assert scores(comparison)["ridge regression"] == pytest.approx(r2_score(test.targets, values), abs=1e-6)
    constant = r2_score(test.targets, np.full(len(test), train.targets.mean()))
    assert scores(comparison)["constant"] == pytest.approx(constant, abs=1e-5)
    assert comparison.best == "ridge regression" and comparison.difference.value == pytest.approx(0, abs=1e-6)
    assert comparison.network.score.lower < comparison.network.score.value < comparison.network.score.upper


def test_a_perfect_network_wins_and_a_bad_one_loses():
    train, test = data.split(data.synthetic.spirals(400, 0.3), {"train": 0.5, "test": 0.5}, seed=0)
    perfect, wrong = np.eye(2)[test.targets], np.eye(2)[1 - test.targets]
    assert "beats the best baseline" in compare_with_baselines(train, test, perfect).verdict
    assert "does not win" in compare_with_baselines(train, test, wrong).verdict
    single = compare_with_baselines(train, test, np.where(test.targets == 1, 3.0, -3.0))
    assert single.network.score.value == 1


def score(rows: np.ndarray) -> Score:
    train, test = parts("iris")
    interval = compare_with_baselines(train, test, np.eye(3)[test.targets]).network.score
    return Score("", interval, rows)


def test_pairing_narrows_the_interval_of_a_difference():
    random = np.random.default_rng(0)
    hard = random.random(300) < 0.3
    a = 1.0 - hard
    b = np.where(random.random(300) < 0.03, 1 - a, a)
    paired = paired_difference(score(a), score(b), np.zeros(300), False, 0.95, 0)
    independent = 2 * 1.96 * np.sqrt(a.var() / 300 + b.var() / 300)
    assert paired.value == pytest.approx((a - b).mean()) and paired.upper - paired.lower < independent / 2


def test_many_rows_agree_with_few():
    random = np.random.default_rng(0)
    y = random.normal(size=6000)
    first, second = np.square(random.normal(size=6000) * 0.5), np.square(random.normal(size=6000) * 0.52)
    long = paired_difference(score(first), score(second), y, True, 0.95, 0)
    short = paired_difference(score(first[:5000]), score(second[:5000]), y[:5000], True, 0.95, 0)
    assert long.value == pytest.approx((second - first).sum() / np.square(y - y.mean()).sum())
    assert (long.upper - long.lower) / (short.upper - short.lower) == pytest.approx(np.sqrt(5 / 6), rel=0.1)


def test_limits_of_r_squared_are_those_of_resampled_scores():
    """Percentiles of scikit-learn's score over rows drawn with replacement; by the delta method for many rows."""
    random = np.random.default_rng(1)
    for rows in (60, 6000):
        y = random.normal(size=rows)
        values = y + 0.2 * random.normal(size=rows)
        test = data.Dataset(np.arange(rows, dtype=np.float32)[:, None], y, "regression")
        interval = compare_with_baselines(test, test, values).network.score
        draws = (random.integers(0, rows, rows) for _ in range(1500))
        resampled = [r2_score(y[draw], values[draw]) for draw in draws]
        lower, upper = np.percentile(resampled, [2.5, 97.5])
        assert interval.value == pytest.approx(r2_score(y, values))
        assert interval.lower == pytest.approx(lower, abs=0.15 * (upper - lower))
        assert interval.upper == pytest.approx(upper, abs=0.15 * (upper - lower)) and interval.upper < 1


def test_codes_are_taken_as_categories():
    random = np.random.default_rng(0)
    codes = random.integers(0, 30, 600)
    effect = random.normal(size=30)
    x = np.column_stack([random.normal(size=600), codes]).astype(np.float32)
    whole = data.Dataset(x, (effect[codes] + 0.1 * x[:, 0]).astype(np.float32), "regression")
    train, test = data.split(whole, {"train": 0.7, "test": 0.3}, seed=0)
    told = compare_with_baselines(train, test, test.targets, num_numeric=1)
    assert scores(told)["ridge regression"] > 0.9
    assert estimators(True, 1, x, 0)["gradient boosting"].categorical_features == [1]
    assert scores(compare_with_baselines(train, test, test.targets))["ridge regression"] < 0.3


def test_lines_json_and_errors():
    train, test = parts("iris")
    comparison = compare_with_baselines(train, test, np.eye(3)[test.targets])
    lines = comparison_lines(comparison)
    assert [line.split("  ")[0] for line in lines[1:5]] == [
        "network", "logistic regression", "gradient boosting", "constant",
    ]  # fmt: skip
    assert lines[-1] == comparison.verdict
    record = json.loads(json.dumps(comparison.to_json()))
    assert record["metric"] == "accuracy" and len(record["rows"]) == 4 and record["difference"]["to"] == comparison.best
    with pytest.raises(DataError, match="one output a held-out row"):
        compare_with_baselines(train, test, np.zeros((3, 3)))
    assert sorted(together([train, test]).indices) == list(range(150))
