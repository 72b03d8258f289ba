"""Scores of predictions as sufficient statistics that merge, each with its interval."""

from pullback.metrics.absolute_error import AbsoluteError as AbsoluteError
from pullback.metrics.accuracy import Accuracy as Accuracy
from pullback.metrics.brier_score import BrierScore as BrierScore
from pullback.metrics.calibration import ReliabilityBin as ReliabilityBin
from pullback.metrics.calibration import confidence_and_success as confidence_and_success
from pullback.metrics.calibration import expected_calibration_error as expected_calibration_error
from pullback.metrics.calibration import reliability_bins as reliability_bins
from pullback.metrics.confusion_matrix import ConfusionMatrix as ConfusionMatrix
from pullback.metrics.cross_entropy import CrossEntropy as CrossEntropy
from pullback.metrics.metric import Metric as Metric
from pullback.metrics.metric import add_values as add_values
from pullback.metrics.metric import mean_statistics as mean_statistics
from pullback.metrics.r_squared import RSquared as RSquared
from pullback.metrics.root_mean_squared_error import RootMeanSquaredError as RootMeanSquaredError
from pullback.metrics.squared_error import SquaredError as SquaredError
from pullback.metrics.table import METRICS as METRICS
from pullback.metrics.table import get_metrics as get_metrics
from pullback.metrics.top_k_accuracy import TopKAccuracy as TopKAccuracy
