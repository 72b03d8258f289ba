"""Scores of predictions as sufficient statistics that merge, each with its interval."""

from pullback.metrics.accuracy import Accuracy as Accuracy
from pullback.metrics.cross_entropy import CrossEntropy as CrossEntropy
from pullback.metrics.metric import Metric as Metric
from pullback.metrics.metric import add_values as add_values
from pullback.metrics.metric import mean_statistics as mean_statistics
from pullback.metrics.table import METRICS as METRICS
from pullback.metrics.table import get_metrics as get_metrics
