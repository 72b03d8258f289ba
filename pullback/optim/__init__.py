"""Optimization: gradient transformations with Optax's interface, and `minimize` for deterministic functions.

One file a method: the transformations lie here, the schedules in `pullback.optim.schedules`, the methods of `minimize`
in `pullback.optim.methods`, their line searches in `pullback.optim.line_search`.
"""

from optax import chain as chain

from pullback.optim.adadelta import adadelta as adadelta
from pullback.optim.adagrad import adagrad as adagrad
from pullback.optim.adam import adam as adam
from pullback.optim.adamax import adamax as adamax
from pullback.optim.adamw import adamw as adamw
from pullback.optim.amsgrad import amsgrad as amsgrad
from pullback.optim.backed_off import backed_off as backed_off
from pullback.optim.backed_off import lower_rate as lower_rate
from pullback.optim.clip_by_norm import clip_by_norm as clip_by_norm
from pullback.optim.clip_by_norm import global_norm as global_norm
from pullback.optim.clip_by_value import clip_by_value as clip_by_value
from pullback.optim.constraints.minimize_constrained import minimize_constrained as minimize_constrained
from pullback.optim.convergence import ConvergenceOrder as ConvergenceOrder
from pullback.optim.convergence import convergence_order as convergence_order
from pullback.optim.diagnosis import check_convexity as check_convexity
from pullback.optim.diagnosis import classify_critical_point as classify_critical_point
from pullback.optim.diagnosis import curvature as curvature
from pullback.optim.diagnosis import diagnose as diagnose
from pullback.optim.diagnosis import label_learning_rate as label_learning_rate
from pullback.optim.find_root import RootResult as RootResult
from pullback.optim.find_root import find_root as find_root
from pullback.optim.learning_rate import learning_rate_in_force as learning_rate_in_force
from pullback.optim.least_squares_covariance import LeastSquaresCovariance as LeastSquaresCovariance
from pullback.optim.least_squares_covariance import least_squares_covariance as least_squares_covariance
from pullback.optim.lion import lion as lion
from pullback.optim.lookahead import lookahead as lookahead
from pullback.optim.methods import METHODS as METHODS
from pullback.optim.minimize import minimize as minimize
from pullback.optim.momentum import convert_momentum as convert_momentum
from pullback.optim.momentum import momentum as momentum
from pullback.optim.muon import muon as muon
from pullback.optim.nadam import nadam as nadam
from pullback.optim.nesterov import nesterov as nesterov
from pullback.optim.nesterov import nesterov_look_ahead as nesterov_look_ahead
from pullback.optim.on_plateau import after_score as after_score
from pullback.optim.on_plateau import on_plateau as on_plateau
from pullback.optim.radam import radam as radam
from pullback.optim.reason import Reason as Reason
from pullback.optim.result import OptimizationResult as OptimizationResult
from pullback.optim.rmsprop import rmsprop as rmsprop
from pullback.optim.settings import settings_in_force as settings_in_force
from pullback.optim.sgd import sgd as sgd
from pullback.optim.sharpness_aware import SharpnessAware as SharpnessAware
from pullback.optim.solver import Optimizer as Optimizer
from pullback.optim.solver import Solver as Solver
from pullback.optim.solver import SolverInfo as SolverInfo
from pullback.optim.solver import SolverState as SolverState
from pullback.optim.solver import value_and_aux as value_and_aux
from pullback.optim.stochastic_lbfgs import StochasticLBFGS as StochasticLBFGS
from pullback.optim.table import OPTIMIZERS as OPTIMIZERS
from pullback.optim.table import SOLVERS as SOLVERS
from pullback.optim.table import get_any_optimizer as get_any_optimizer
from pullback.optim.table import get_optimizer as get_optimizer
