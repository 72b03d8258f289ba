"""Comparisons by many short trainings: of optimizers at their own rates, and of any settings in a factorial design."""

from pullback.train.comparisons.contrasts import contrasts as contrasts
from pullback.train.comparisons.differences import paired_differences as paired_differences
from pullback.train.comparisons.factors import FactorComparison as FactorComparison
from pullback.train.comparisons.factors import compare as compare
from pullback.train.comparisons.optimizers import OptimizerComparison as OptimizerComparison
from pullback.train.comparisons.optimizers import compare_optimizers as compare_optimizers
from pullback.train.comparisons.profiles import performance_profile as performance_profile
from pullback.train.comparisons.resume import read_comparison as read_comparison
from pullback.train.comparisons.resume import resume_comparison as resume_comparison
