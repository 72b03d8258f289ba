"""What a training case is: an architecture as data, so that every program builds exactly the same one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Dense:
    """Affine map to `features`."""

    features: int


@dataclass(frozen=True)
class Convolution:
    """3x3 convolution to `channels`, stride 1, padded to keep height and width."""

    channels: int


@dataclass(frozen=True)
class Relu:
    """max(x, 0)."""


@dataclass(frozen=True)
class MaxPool:
    """Maximum over windows of 2x2."""


@dataclass(frozen=True)
class Flat:
    """All axes of an example in one."""


Layer = Dense | Convolution | Relu | MaxPool | Flat


@dataclass(frozen=True)
class TrainingCase:
    """Cross-entropy and Adam on standard normal inputs and random labels, resident in memory.

    Parameters
    ----------
    input_shape : shape of one example, channels last.
    rows : examples; one epoch of shuffled batches is what is timed.
    warm_epochs, timed_epochs : epochs of one process before and while the clock runs.
    """

    name: str
    summary: str
    input_shape: tuple[int, ...]
    layers: tuple[Layer, ...]
    batch_size: int
    rows: int
    warm_epochs: int = 1
    timed_epochs: int = 5
    classes: int = 10
    learning_rate: float = 1e-3

    @property
    def steps(self) -> int:
        """Whole batches in an epoch."""
        return self.rows // self.batch_size

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and labels, the same for every program; only whole batches, which is what the peers' loops handle."""
        random = np.random.default_rng(0)
        rows = self.steps * self.batch_size
        inputs = random.standard_normal((rows, *self.input_shape), np.float32)
        return inputs, random.integers(0, self.classes, rows).astype(np.int32)
