"""Functions without a gradient whose proximal map is known in closed form."""

from pullback.optim.proximal.elastic_net import ElasticNet as ElasticNet
from pullback.optim.proximal.group_l2 import GroupL2 as GroupL2
from pullback.optim.proximal.indicator import Indicator as Indicator
from pullback.optim.proximal.indicator import WithinBounds as WithinBounds
from pullback.optim.proximal.l1 import L1 as L1
from pullback.optim.proximal.nuclear_norm import NuclearNorm as NuclearNorm
from pullback.optim.proximal.proximal_function import ProximalFunction as ProximalFunction
from pullback.optim.proximal.squared_l2 import SquaredL2 as SquaredL2
