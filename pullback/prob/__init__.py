"""Intervals that say how far an estimate can be trusted."""

from pullback.prob.bootstrap import bootstrap_interval as bootstrap_interval
from pullback.prob.interval import Interval as Interval
from pullback.prob.mean import mean_interval as mean_interval
from pullback.prob.wilson import wilson_interval as wilson_interval
