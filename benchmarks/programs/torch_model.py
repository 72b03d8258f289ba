"""A case in PyTorch: its model, and the usual training loop over data in memory."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
import torch

from benchmarks.case import Convolution, Dense, Flat, Layer, MaxPool, Relu, TrainingCase


def build(case: TrainingCase) -> torch.nn.Module:
    """The layers of `case` with PyTorch's own initialization; images are channels first, as PyTorch expects."""
    torch.manual_seed(0)
    modules: list[torch.nn.Module] = []
    shape = case.input_shape if len(case.input_shape) == 1 else (case.input_shape[-1], *case.input_shape[:-1])
    for layer in case.layers:
        module = _module(layer, shape)
        shape = tuple(module(torch.zeros(1, *shape)).shape[1:])
        modules.append(module)
    return torch.nn.Sequential(*modules)


def _module(layer: Layer, shape: tuple[int, ...]) -> torch.nn.Module:
    match layer:
        case Dense(features):
            return torch.nn.Linear(shape[0], features)
        case Convolution(channels):
            return torch.nn.Conv2d(shape[0], channels, 3, padding=1)
        case Relu():
            return torch.nn.ReLU()
        case MaxPool():
            return torch.nn.MaxPool2d(2)
        case Flat():
            return torch.nn.Flatten()


def training_epoch(
    case: TrainingCase, model: torch.nn.Module, forward: Callable[..., torch.Tensor]
) -> Callable[[], None]:
    """One epoch of the loop that PyTorch's own tutorials write, without a data loader in its way."""
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    inputs, labels = case.data()
    if inputs.ndim > 2:
        inputs = np.ascontiguousarray(np.moveaxis(inputs, -1, 1))
    x, y = torch.from_numpy(inputs), torch.from_numpy(labels.astype(np.int64))
    optimizer = torch.optim.Adam(model.parameters(), lr=case.learning_rate)
    cross_entropy = torch.nn.CrossEntropyLoss()

    def epoch() -> None:
        order = torch.randperm(len(x))
        for step in range(case.steps):
            rows = order[step * case.batch_size : (step + 1) * case.batch_size]
            xb, yb = x[rows], y[rows]
            optimizer.zero_grad(set_to_none=True)
            loss = cross_entropy(forward(xb), yb)
            loss.backward()
            optimizer.step()

    return epoch
