"""Metrics by name."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from pullback.core.errors import ConfigurationError, unknown_name
from pullback.metrics.absolute_error import AbsoluteError
from pullback.metrics.absolute_percentage_error import AbsolutePercentageError
from pullback.metrics.accuracy import Accuracy
from pullback.metrics.brier_score import BrierScore
from pullback.metrics.confusion_matrix import ConfusionMatrix
from pullback.metrics.cross_entropy import CrossEntropy
from pullback.metrics.mean_deviance import MeanDeviance
from pullback.metrics.metric import Metric
from pullback.metrics.r_squared import RSquared
from pullback.metrics.root_mean_squared_error import RootMeanSquaredError
from pullback.metrics.scores import SCORES
from pullback.metrics.squared_error import SquaredError
from pullback.metrics.top_k_accuracy import TopKAccuracy

METRICS: dict[str, Callable[[], Metric]] = {
    "absolute_error": AbsoluteError,
    "absolute_percentage_error": AbsolutePercentageError,
    "accuracy": Accuracy,
    "brier_score": BrierScore,
    "cross_entropy": CrossEntropy,
    "gamma_deviance": functools.partial(MeanDeviance, "gamma"),
    "poisson_deviance": functools.partial(MeanDeviance, "poisson"),
    "r_squared": RSquared,
    "root_mean_squared_error": RootMeanSquaredError,
    "squared_error": SquaredError,
    "top_5_accuracy": TopKAccuracy,
}


def get_metrics(metrics: Sequence[str | Metric], num_classes: int | None = None) -> tuple[Metric, ...]:
    """The metrics that these names and metrics stand for, in order.

    Names are those of `METRICS` and, for scores of the confusion matrix, of `pullback.metrics.scores.SCORES`; the
    latter need the number of classes.

    Raises
    ------
    ConfigurationError
        for a name outside the tables, with the list; for a score without the number of classes; for two metrics that
        would be recorded under one name.

    Examples
    --------
    >>> [metric.name for metric in get_metrics(["accuracy", CrossEntropy(), "f1_macro"], num_classes=3)]
    ['accuracy', 'cross_entropy', 'f1_macro']
    """
    found = tuple(_metric(metric, num_classes) for metric in metrics)
    names = [metric.name for metric in found]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ConfigurationError(
            f"metric {repeated[0]!r} is asked for more than once",
            expected="every name once",
            got=", ".join(names),
            fix=f"leave all but one {repeated[0]!r} out",
        )
    return found


def _metric(metric: str | Metric, num_classes: int | None) -> Metric:
    if not isinstance(metric, str):
        return metric
    if metric in METRICS:
        return METRICS[metric]()
    if metric not in SCORES:
        raise unknown_name("metric", metric, [*METRICS, *SCORES])
    if num_classes is None:
        raise ConfigurationError(
            f"metric {metric!r} needs the number of classes",
            expected="data with classes",
            got="no number of classes",
            fix=f'use it with a classification, or pass ConfusionMatrix(num_classes, "{metric}")',
        )
    return ConfusionMatrix(num_classes, metric)
