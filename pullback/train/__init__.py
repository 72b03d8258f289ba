"""Training: fit, resume, predict; the step, the loop, checkpoints and the run folder."""

from pullback.train.comparisons import FactorComparison as FactorComparison
from pullback.train.comparisons import OptimizerComparison as OptimizerComparison
from pullback.train.comparisons import compare as compare
from pullback.train.comparisons import compare_optimizers as compare_optimizers
from pullback.train.comparisons import resume_comparison as resume_comparison
from pullback.train.describe import RecipeRecord as RecipeRecord
from pullback.train.evaluate import predict as predict
from pullback.train.experiment import Experiment as Experiment
from pullback.train.fit import fit as fit
from pullback.train.fit import run as run
from pullback.train.interruption import Interrupted as Interrupted
from pullback.train.load import Loaded as Loaded
from pullback.train.load import load as load
from pullback.train.outcome import Run as Run
from pullback.train.prediction import Prediction as Prediction
from pullback.train.resume import resume as resume
from pullback.train.resume import resume_run as resume_run
from pullback.train.suggest_learning_rate import LearningRateSuggestion as LearningRateSuggestion
from pullback.train.suggest_learning_rate import suggest_learning_rate as suggest_learning_rate
from pullback.train.sweeps import Sweep as Sweep
from pullback.train.sweeps import SweepMember as SweepMember
from pullback.train.sweeps import resume_sweep as resume_sweep
from pullback.train.sweeps import sweep as sweep
