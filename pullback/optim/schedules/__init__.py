"""Learning rates as pure functions of the number of updates already made."""

from pullback.optim.schedules.constant import Constant as Constant
from pullback.optim.schedules.cosine import Cosine as Cosine
from pullback.optim.schedules.exponential import Exponential as Exponential
from pullback.optim.schedules.inverse_time import InverseTime as InverseTime
from pullback.optim.schedules.join import Join as Join
from pullback.optim.schedules.multi_step import MultiStep as MultiStep
from pullback.optim.schedules.step_decay import StepDecay as StepDecay
from pullback.optim.schedules.warm_up import WarmUp as WarmUp
