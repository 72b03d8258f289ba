"""PyTorch with its compiler around forward and backward pass; needs a C++ compiler."""

from collections.abc import Callable

import torch

from benchmarks.case import TrainingCase
from benchmarks.programs.torch_model import build, training_epoch


def prepare(case: TrainingCase) -> Callable[[], None]:
    """An epoch with the compiled model."""
    model = build(case)
    return training_epoch(case, model, torch.compile(model))
