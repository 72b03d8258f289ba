"""PyTorch as most people run it."""

from collections.abc import Callable

from benchmarks.case import TrainingCase
from benchmarks.programs.torch_model import build, training_epoch


def prepare(case: TrainingCase) -> Callable[[], None]:
    """An epoch in eager mode."""
    model = build(case)
    return training_epoch(case, model, model)
