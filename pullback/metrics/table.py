"""Metrics by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pullback.core.errors import unknown_name
from pullback.metrics.accuracy import Accuracy
from pullback.metrics.cross_entropy import CrossEntropy
from pullback.metrics.metric import Metric

METRICS: dict[str, Callable[[], Metric]] = {
    "accuracy": Accuracy,
    "cross_entropy": CrossEntropy,
}


def get_metrics(metrics: Sequence[str | Metric], num_classes: int | None = None) -> tuple[Metric, ...]:
    """The metrics that these names and metrics stand for, in order.

    Raises
    ------
    ConfigurationError
        for a name outside the table, with the list.

    Examples
    --------
    >>> [metric.name for metric in get_metrics(["accuracy", CrossEntropy()])]
    ['accuracy', 'cross_entropy']
    """
    return tuple(_metric(metric) for metric in metrics)


def _metric(metric: str | Metric) -> Metric:
    if not isinstance(metric, str):
        return metric
    if metric not in METRICS:
        raise unknown_name("metric", metric, METRICS)
    return METRICS[metric]()
