"""The shared checks over every metric, and each metric against scikit-learn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import sklearn.metrics

from pullback.core.errors import ConfigurationError, ShapeError
from pullback.metrics import (
    METRICS,
    Accuracy,
    BrierScore,
    ConfusionMatrix,
    CrossEntropy,
    Metric,
    RootMeanSquaredError,
    RSquared,
    SquaredError,
    TopKAccuracy,
    get_metrics,
)
from pullback.metrics.metric import two_float
from pullback.metrics.sums import as_two_floats, masked_sum
from pullback.testing.metrics import CHECKS, MEMBERS, Case, evaluate, example


@pytest.mark.parametrize("name", MEMBERS)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_member(check: Callable[[Case], None], name: str) -> None:
    check(MEMBERS[name])


def softmax(prediction: np.ndarray) -> np.ndarray:
    return scipy.special.softmax(prediction.astype(float), axis=-1)


def sigmoid(prediction: np.ndarray) -> np.ndarray:
    return scipy.special.expit(prediction.astype(float)).reshape(len(prediction))


def kl_of_shares(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Divergence of two laws of one trial, from SciPy."""
    return scipy.special.rel_entr(y, p) + scipy.special.rel_entr(1 - y, 1 - p)


ORACLES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "accuracy": lambda p, y: sklearn.metrics.accuracy_score(y, p.argmax(1)),
    "accuracy, one logit": lambda p, y: sklearn.metrics.accuracy_score(y, p > 0),
    "accuracy of a sequence": lambda p, y: sklearn.metrics.accuracy_score(y.ravel(), p.argmax(-1).ravel()),
    "top 2 accuracy": lambda p, y: sklearn.metrics.top_k_accuracy_score(y, p, k=2),
    "cross entropy": lambda p, y: sklearn.metrics.log_loss(y, softmax(p)),
    "cross entropy, one logit": lambda p, y: sklearn.metrics.log_loss(y, sigmoid(p)),
    "cross entropy of a sequence": lambda p, y: sklearn.metrics.log_loss(y.ravel(), softmax(p).reshape(-1, 5)),
    "Brier score": lambda p, y: sklearn.metrics.brier_score_loss(y, softmax(p)),
    "Brier score, one logit": lambda p, y: sklearn.metrics.brier_score_loss(y, sigmoid(p)),
    "squared error": lambda p, y: sklearn.metrics.mean_squared_error(y, p),
    "squared error, a column": lambda p, y: sklearn.metrics.mean_squared_error(y, p[:, 0]),
    "squared error, three outputs": lambda p, y: sklearn.metrics.mean_squared_error(y, p),
    "absolute error": lambda p, y: sklearn.metrics.mean_absolute_error(y, p),
    "root mean squared error": lambda p, y: sklearn.metrics.root_mean_squared_error(y, p),
    "R squared": lambda p, y: sklearn.metrics.r2_score(y, p[:, 0]),
    "adjusted R squared": lambda p, y: 1 - (1 - sklearn.metrics.r2_score(y, p)) * 499 / 496,
    "absolute percentage error": lambda p, y: sklearn.metrics.mean_absolute_percentage_error(y, p[:, 0]),
    "pinball loss": lambda p, y: sklearn.metrics.mean_pinball_loss(y, p, alpha=0.8),
    "normal deviance": lambda p, y: sklearn.metrics.mean_tweedie_deviance(y, p, power=0),
    "poisson deviance": lambda p, y: sklearn.metrics.mean_poisson_deviance(y, p[:, 0]),
    "gamma deviance": lambda p, y: sklearn.metrics.mean_gamma_deviance(y, p),
    "binomial deviance": lambda p, y: float(2 * np.mean(kl_of_shares(y.astype(float), p.astype(float)))),
}


@pytest.mark.parametrize("name", ORACLES)
def test_equals_scikit_learn(name: str) -> None:
    case = MEMBERS[name]
    prediction, target = example(case, 500, seed=2)
    ours = case[0].compute(evaluate(case[0], prediction, target))
    assert ours == pytest.approx(ORACLES[name](prediction, target), rel=2e-6)


def test_two_logits_and_one_logit_agree() -> None:
    logit, target = example(MEMBERS["Brier score, one logit"], 200)
    pair = np.stack([np.zeros_like(logit), logit], axis=1)
    for metric in (Accuracy(), CrossEntropy(), BrierScore()):
        one, two = (metric.compute(evaluate(metric, prediction, target)) for prediction in (logit, pair))
        assert one == pytest.approx(two, rel=1e-5)


def test_ties_go_to_the_lower_class_in_every_metric() -> None:
    tied, labels = np.zeros((3, 3), np.float32), np.array([0, 1, 2])
    assert TopKAccuracy(1).compute(evaluate(TopKAccuracy(1), tied, labels)) == pytest.approx(1 / 3)
    assert Accuracy().compute(evaluate(Accuracy(), tied, labels)) == pytest.approx(1 / 3)
    assert TopKAccuracy(2).compute(evaluate(TopKAccuracy(2), tied, labels)) == pytest.approx(2 / 3)


MILLION = 1_000_000


def epoch(metric: Metric, prediction: np.ndarray, target: np.ndarray, batch: int) -> Any:
    """One compiled program over all batches, as an epoch runs them."""
    pieces = tuple(
        jnp.asarray(values.reshape(len(values) // batch, batch, *values.shape[1:])) for values in (prediction, target)
    )
    return jax.jit(
        lambda pieces: jax.lax.scan(lambda s, piece: (metric.update(s, *piece), None), metric.init(), pieces)[0]
    )(pieces)


@pytest.mark.parametrize("batch", [50, 1000, MILLION])
def test_an_epoch_of_a_million_rows_is_as_accurate_as_one_pass_in_float64(batch: int) -> None:
    random = np.random.default_rng(5)
    target = (random.normal(size=MILLION) + 30).astype(np.float32)
    prediction = (target + 0.3 * random.standard_exponential(size=MILLION)).astype(np.float32)
    exact = prediction.astype(float), target.astype(float)
    expected = {
        SquaredError(): sklearn.metrics.mean_squared_error(exact[1], exact[0]),
        RootMeanSquaredError(): sklearn.metrics.root_mean_squared_error(exact[1], exact[0]),
        RSquared(): sklearn.metrics.r2_score(exact[1], exact[0]),
    }
    for metric, value in expected.items():
        found = metric.compute(epoch(metric, prediction, target, batch))
        assert found == pytest.approx(value, rel=1e-6), metric.name


def test_counts_of_a_million_rows_are_exact() -> None:
    random = np.random.default_rng(6)
    logit, target = random.normal(size=MILLION).astype(np.float32), random.integers(0, 2, MILLION)
    stats = epoch(Accuracy(), logit, target.astype(np.int32), 1000)
    assert int(stats["successes"]) == int(((logit > 0) == target).sum())
    assert int(stats["count"]) == MILLION


def test_a_plain_float32_sum_would_not_do() -> None:
    """What the two-float sums are for: a thousand partial sums lose digits in plain float32."""
    partial = np.full(100_000, 0.1, np.float32) * np.float32(64)
    plain = np.float32(0)
    for value in partial[:20_000]:
        plain += value
    pieces = jnp.asarray(partial[:20_000]).reshape(-1, 1)
    stats = jax.jit(lambda x: jax.lax.scan(lambda s, v: (SquaredError().merge(s, {
        "count": jnp.int32(1), "total": as_two_floats(v[0]), "squares": as_two_floats(v[0])}), None),
        SquaredError().init(), x)[0])(pieces)  # fmt: skip
    exact = float(partial[0]) * 20_000
    assert abs(two_float(stats["total"]) / exact - 1) < 1e-12
    assert abs(float(plain) / exact - 1) > 1e-6


def test_sum_skips_what_the_mask_excludes() -> None:
    values = jnp.array([1.0, jnp.nan, 2.0, jnp.inf])
    assert two_float(masked_sum(values, jnp.array([True, False, True, False]))) == 3.0
    assert two_float(masked_sum(jnp.zeros(0), jnp.zeros(0, bool))) == 0.0


@pytest.mark.parametrize(
    ("metric", "prediction", "target", "message"),
    [
        (Accuracy(), (8, 3), (7,), "do not fit the labels"),
        (Accuracy(), (8, 3), (8, 1), "do not fit the labels"),
        (CrossEntropy(), (8, 4, 3), (8,), "do not fit the labels"),
        (SquaredError(), (8,), (8, 1), "do not have the shape"),
        (SquaredError(), (8, 1), (8, 8), "do not have the shape"),
        (RSquared(), (8, 2), (8, 2), "one output"),
        (TopKAccuracy(5), (8, 5), (8,), "more than 5 classes"),
    ],
)
def test_shapes_never_broadcast(metric: Metric, prediction: tuple, target: tuple, message: str) -> None:
    labels = np.zeros(target, np.int32 if "class_index" in metric.target_kinds else np.float32)
    with pytest.raises(ShapeError, match=message):
        evaluate(metric, np.zeros(prediction, np.float32), labels)


def test_weights_are_one_a_row() -> None:
    with pytest.raises(ShapeError, match="one a row"):
        evaluate(Accuracy(), np.zeros((8, 3)), np.zeros(8, np.int32), np.ones(7))


def test_names() -> None:
    assert {name: make().name for name, make in METRICS.items()} == {name: name for name in METRICS}
    with pytest.raises(ConfigurationError, match="did you mean 'accuracy'"):
        get_metrics(["acuracy"])
    with pytest.raises(ConfigurationError, match="number of classes"):
        get_metrics(["f1_macro"])
    with pytest.raises(ConfigurationError, match="more than once"):
        get_metrics(["accuracy", Accuracy()])
    with pytest.raises(ConfigurationError, match="unknown score"):
        ConfusionMatrix(3, "f2")
    assert get_metrics(["f1_macro"], num_classes=3) == (ConfusionMatrix(3, "f1_macro"),)


def test_a_regression_without_variance_has_no_r_squared() -> None:
    stats = evaluate(RSquared(), np.zeros(5, np.float32), np.ones(5, np.float32))
    assert np.isnan(RSquared().compute(stats))
