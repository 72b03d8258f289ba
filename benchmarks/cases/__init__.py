"""The cases, one file each, and their literal table."""

from benchmarks.case import TrainingCase
from benchmarks.cases.cnn import CNN
from benchmarks.cases.mlp_large import MLP_LARGE
from benchmarks.cases.mlp_small import MLP_SMALL

TRAINING_CASES: dict[str, TrainingCase] = {case.name: case for case in (MLP_SMALL, MLP_LARGE, CNN)}
