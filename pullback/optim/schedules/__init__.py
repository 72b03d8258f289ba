"""Schedules: settings as pure functions of the number of updates already made."""

from pullback.optim.schedules.clock import PerEpoch as PerEpoch
from pullback.optim.schedules.clock import PerFraction as PerFraction
from pullback.optim.schedules.clock import for_run as for_run
from pullback.optim.schedules.constant import Constant as Constant
from pullback.optim.schedules.cosine import Cosine as Cosine
from pullback.optim.schedules.cyclic import Cyclic as Cyclic
from pullback.optim.schedules.exponential import Exponential as Exponential
from pullback.optim.schedules.inverse_square_root import InverseSquareRoot as InverseSquareRoot
from pullback.optim.schedules.inverse_time import InverseTime as InverseTime
from pullback.optim.schedules.join import Join as Join
from pullback.optim.schedules.multi_step import MultiStep as MultiStep
from pullback.optim.schedules.one_cycle import OneCycle as OneCycle
from pullback.optim.schedules.plateau import Plateau as Plateau
from pullback.optim.schedules.polynomial import Polynomial as Polynomial
from pullback.optim.schedules.step_decay import StepDecay as StepDecay
from pullback.optim.schedules.table import SCHEDULES as SCHEDULES
from pullback.optim.schedules.table import check_schedule_covers as check_schedule_covers
from pullback.optim.schedules.table import is_schedule as is_schedule
from pullback.optim.schedules.table import schedule_values as schedule_values
from pullback.optim.schedules.warm_restarts import WarmRestarts as WarmRestarts
from pullback.optim.schedules.warm_up import WarmUp as WarmUp
