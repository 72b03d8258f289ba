"""Averages of the parameters along the way: `init`, `update` and `value`, pure functions of trees."""

from pullback.optim.averaging.averaging import Averaging as Averaging
from pullback.optim.averaging.exponential import exponential_average as exponential_average
from pullback.optim.averaging.mean import polyak_ruppert as polyak_ruppert
from pullback.optim.averaging.mean import stochastic_weight_averaging as stochastic_weight_averaging
