"""What every metric must satisfy, checked over the list of its members."""

from __future__ import annotations

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pullback.core.errors import DataError
from pullback.metrics import (
    AbsoluteError,
    AbsolutePercentageError,
    Accuracy,
    AdjustedRSquared,
    BrierScore,
    ConfusionMatrix,
    CrossEntropy,
    MeanDeviance,
    Metric,
    PinballLoss,
    RootMeanSquaredError,
    RSquared,
    SquaredError,
    TopKAccuracy,
)

# A metric with the shapes of prediction and target behind the axis of rows, and the number of classes if it has any.
Case = tuple[Metric, tuple[int, ...], tuple[int, ...], int | None]

MEMBERS: dict[str, Case] = {
    "accuracy": (Accuracy(), (5,), (), 5),
    "accuracy, one logit": (Accuracy(), (), (), 2),
    "accuracy, one logit in a column": (Accuracy(), (1,), (), 2),
    "accuracy of a sequence": (Accuracy(), (4, 5), (4,), 5),
    "top 2 accuracy": (TopKAccuracy(2), (5,), (), 5),
    "cross entropy": (CrossEntropy(), (5,), (), 5),
    "cross entropy, one logit": (CrossEntropy(), (1,), (), 2),
    "cross entropy of a sequence": (CrossEntropy(), (4, 5), (4,), 5),
    "Brier score": (BrierScore(), (5,), (), 5),
    "Brier score, one logit": (BrierScore(), (), (), 2),
    "squared error": (SquaredError(), (), (), None),
    "squared error, a column": (SquaredError(), (1,), (), None),
    "squared error, three outputs": (SquaredError(), (3,), (3,), None),
    "absolute error": (AbsoluteError(), (2,), (2,), None),
    "root mean squared error": (RootMeanSquaredError(), (), (), None),
    "R squared": (RSquared(), (1,), (), None),
    "adjusted R squared": (AdjustedRSquared(3), (), (), None),
    "absolute percentage error": (AbsolutePercentageError(), (1,), (), None),
    "pinball loss": (PinballLoss(0.8), (2,), (2,), None),
    "normal deviance": (MeanDeviance("normal"), (), (), None),
    "poisson deviance": (MeanDeviance("poisson"), (1,), (), None),
    "gamma deviance": (MeanDeviance("gamma"), (), (), None),
    "binomial deviance": (MeanDeviance("binomial"), (), (), None),
    "balanced accuracy": (ConfusionMatrix(4), (4,), (), 4),
    "F1, one logit": (ConfusionMatrix(2, "f1_macro"), (), (), 2),
}


def example(case: Case, rows: int, seed: int = 0, dtype: str = "float32") -> tuple[np.ndarray, np.ndarray]:
    """Predictions that know something of the targets, and the targets."""
    metric, prediction_shape, target_shape, classes = case
    random = np.random.default_rng(seed)
    prediction = 0.6 * random.normal(size=(rows, *prediction_shape))
    if classes is None:
        target = random.normal(size=(rows, *target_shape))
        prediction = prediction + target.reshape(prediction.shape)
        return in_range(metric, prediction).astype(dtype), in_range(metric, target).astype(dtype)
    target = random.integers(0, classes, size=(rows, *target_shape)).astype(np.int32)
    if classes == 2:
        return (prediction + (target - 0.5).reshape(prediction.shape)).astype(dtype), target
    return (prediction + 0.8 * np.eye(classes)[target]).astype(dtype), target


def in_range(metric: Metric, values: np.ndarray) -> np.ndarray:
    """The values brought to where the metric can judge them."""
    if isinstance(metric, MeanDeviance) and metric.family == "binomial":
        return 1 / (1 + np.exp(-values))
    positive = isinstance(metric, AbsolutePercentageError | MeanDeviance) and metric.name != "normal_deviance"
    return np.exp(values) if positive else values


def evaluate(metric: Metric, prediction: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> dict:
    """Statistics of these rows in one update."""
    rows = None if weight is None else jnp.asarray(weight)
    return compiled_update(metric, metric.init(), jnp.asarray(prediction), jnp.asarray(target), rows)


@functools.partial(jax.jit, static_argnums=0)
def compiled_update(
    metric: Metric, stats: dict, prediction: jax.Array, target: jax.Array, weight: jax.Array | None
) -> dict:
    """The update as one compiled program."""
    return metric.update(stats, prediction, target, weight)


def check_pieces_and_merge(case: Case) -> None:
    """Updates in pieces of any size, and merged parts, give the score of all rows at once."""
    metric, prediction, target = case[0], *example(case, 700)
    whole = metric.compute(evaluate(metric, prediction, target))
    edges = [0, 300, 301, 400, 700]
    running, merged = metric.init(), metric.init()
    for start, stop in zip(edges, edges[1:], strict=False):
        piece = prediction[start:stop], target[start:stop]
        running = compiled_update(metric, running, jnp.asarray(piece[0]), jnp.asarray(piece[1]), None)
        merged = metric.merge(evaluate(metric, *piece), merged)
    np.testing.assert_allclose(metric.compute(running), whole, rtol=1e-6)
    np.testing.assert_allclose(metric.compute(merged), whole, rtol=1e-6)


def check_padding(case: Case) -> None:
    """Rows of weight zero leave the score alone, whatever they hold."""
    metric, prediction, target = case[0], *example(case, 100)
    weight = (np.arange(100) % 7 < 5).astype(np.float32)
    garbage = prediction.copy()
    garbage[weight == 0] = np.nan
    kept = metric.compute(evaluate(metric, prediction[weight == 1], target[weight == 1]))
    np.testing.assert_allclose(metric.compute(evaluate(metric, garbage, target, weight)), kept, rtol=1e-6)
    clean = evaluate(metric, prediction, target, weight)
    jax.tree.map(np.testing.assert_array_equal, evaluate(metric, garbage, target, weight), clean)


def check_compiled(case: Case) -> None:
    """The compiled update gives the statistics of the plain one, in dtypes that never change."""
    metric, prediction, target = case[0], *example(case, 90)
    weight = jnp.ones(90, jnp.float32)
    plain = metric.update(metric.init(), jnp.asarray(prediction), jnp.asarray(target), weight)
    compiled = compiled_update(metric, metric.init(), jnp.asarray(prediction), jnp.asarray(target), weight)
    np.testing.assert_allclose(metric.compute(compiled), metric.compute(plain), rtol=1e-6)

    def types(stats: dict) -> dict:
        return {name: (entry.shape, entry.dtype, entry.weak_type) for name, entry in stats.items()}

    assert types(metric.init()) == types(plain) == types(compiled) == types(metric.merge(plain, compiled))


def check_double_precision(case: Case) -> None:
    """Float64 predictions are scored in float64; the statistics keep their dtypes and nearly all digits."""
    metric, prediction, target = case[0], *example(case, 300, dtype="float64")
    single = metric.compute(evaluate(metric, prediction.astype(np.float32), target))
    types = {name: entry.dtype for name, entry in metric.init().items()}
    with jax.enable_x64(True):
        stats = evaluate(metric, prediction, target)
        assert {name: entry.dtype for name, entry in stats.items()} == types
        halves = metric.merge(
            evaluate(metric, prediction[:150], target[:150]), evaluate(metric, prediction[150:], target[150:])
        )
        np.testing.assert_allclose(metric.compute(halves), metric.compute(stats), rtol=1e-8)
        np.testing.assert_allclose(metric.compute(stats), single, rtol=1e-5)


def check_interval(case: Case) -> None:
    """The interval holds the score, narrows with rows, widens with the level, and needs rows."""
    metric = case[0]
    stats = evaluate(metric, *example(case, 400))
    interval = metric.interval(stats)
    assert interval.value == pytest.approx(metric.compute(stats), rel=1e-12)
    assert interval.lower < interval.value < interval.upper
    wider, more = metric.interval(stats, 0.99), metric.interval(evaluate(metric, *example(case, 6400)))
    assert wider.lower < interval.lower < interval.upper < wider.upper
    assert more.upper - more.lower < 0.6 * (interval.upper - interval.lower)
    assert np.isnan(metric.compute(metric.init()))
    with pytest.raises(DataError, match="no rows"):
        metric.interval(metric.init())


CHECKS: tuple[Callable[[Case], None], ...] = (
    check_pieces_and_merge,
    check_padding,
    check_compiled,
    check_double_precision,
    check_interval,
)
