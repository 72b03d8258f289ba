"""Intervals that say how far an estimate can be trusted."""

from pullback.prob.bootstrap import bootstrap_interval as bootstrap_interval
from pullback.prob.conformal import absolute_residual as absolute_residual
from pullback.prob.conformal import adaptive_score as adaptive_score
from pullback.prob.conformal import adaptive_set as adaptive_set
from pullback.prob.conformal import conformal_quantile as conformal_quantile
from pullback.prob.conformal import conformal_rank as conformal_rank
from pullback.prob.conformal import coverage_distribution as coverage_distribution
from pullback.prob.conformal import fewest_rows as fewest_rows
from pullback.prob.conformal import least_ambiguous_score as least_ambiguous_score
from pullback.prob.conformal import least_ambiguous_set as least_ambiguous_set
from pullback.prob.conformal import residual_interval as residual_interval
from pullback.prob.interval import Interval as Interval
from pullback.prob.mean import mean_interval as mean_interval
from pullback.prob.wilson import wilson_interval as wilson_interval
