"""What a run folder says, as plain data."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pullback.prob import Interval
from pullback.report.records import Record


@dataclass(frozen=True)
class Curvature:
    """The largest curvature at the end of an epoch; its product with the rate as a share of the edge, and the label."""

    largest: float | None
    share: float | None
    label: str | None


@dataclass(frozen=True)
class Epoch:
    """One pass over the training data."""

    epoch: int
    step: int | None
    learning_rate: float | None
    train: dict[str, float]
    validation: dict[str, float]
    best: bool
    curvature: Curvature | None = None


@dataclass(frozen=True)
class Finished:
    """How training ended, and the epoch whose weights were kept."""

    reason: str
    best_epoch: int | None


@dataclass(frozen=True)
class Estimate:
    """A number with its confidence interval, as far as it has one."""

    value: float
    lower: float | None = None
    upper: float | None = None
    level: float | None = None
    n: int | None = None
    method: str | None = None

    @classmethod
    def of(cls, interval: Interval) -> Estimate:
        """The same numbers as an estimate; infinite limits are none."""
        bounded = math.isfinite(interval.lower) and math.isfinite(interval.upper)
        lower, upper = (interval.lower, interval.upper) if bounded else (None, None)
        return cls(interval.value, lower, upper, interval.level, interval.n, interval.method)

    @property
    def half_width(self) -> float | None:
        return None if self.lower is None or self.upper is None else (self.upper - self.lower) / 2


@dataclass(frozen=True)
class Failure:
    """An update that was not finite, and where the first bad number came from."""

    epoch: int | None
    step: int | None
    place: str
    direction: str
    cause: str


@dataclass(frozen=True)
class LayerRow:
    """One line of the model summary."""

    path: str
    type: str
    output_shape: str
    parameters: int | None
    multiply_adds: int | None


@dataclass(frozen=True)
class Model:
    """Architecture as recorded; `rows` lists the layers in the order they are called."""

    source: str
    architecture: str
    arguments: Record
    parameters: int | None
    multiply_adds: int | None
    rows: tuple[LayerRow, ...]


@dataclass(frozen=True)
class Data:
    """The data set of the run, by name, size and content hash of each split."""

    name: str
    task: str
    class_names: tuple[str, ...] | None
    feature_names: tuple[str, ...] | None
    input_shape: tuple[int, ...]
    sizes: dict[str, int]
    sha256: dict[str, str]


@dataclass(frozen=True)
class EpochTime:
    """Wall-clock time of one epoch."""

    epoch: int | None
    seconds: float
    steps: int | None
    compile_seconds: float


@dataclass(frozen=True, eq=False)
class Predictions:
    """Model outputs on held-out rows; `inputs` are kept for the rows `inputs_row` of them only."""

    split: str
    index: np.ndarray
    outputs: np.ndarray
    targets: np.ndarray
    loss: np.ndarray | None
    inputs: np.ndarray | None
    inputs_row: np.ndarray


@dataclass(frozen=True, eq=False)
class RunFolder:
    """A run folder of format 1. `notes` are sentences about what could not be read."""

    path: Path
    id: str
    created: str
    command: tuple[str, ...] | None
    recipe: Record
    settings: Record
    data: Data
    environment: Record
    model: Model | None
    preprocessing: tuple[Record, ...]
    epochs: tuple[Epoch, ...]
    finished: Finished | None
    failure: Failure | None
    evaluations: dict[str, dict[str, Estimate]]
    timing: tuple[EpochTime, ...]
    predictions: Predictions | None
    notes: tuple[str, ...] = field(default=())

    @property
    def was_solved(self) -> bool:
        """Whether an estimator was fitted at once, and not by epochs of training."""
        return "estimator" in self.settings

    @property
    def best_epoch(self) -> Epoch | None:
        """The epoch whose weights were kept: as recorded at the end, else the last that was marked best."""
        if self.finished is not None and self.finished.best_epoch is not None:
            named = [epoch for epoch in self.epochs if epoch.epoch == self.finished.best_epoch]
            if named:
                return named[-1]
        marked = [epoch for epoch in self.epochs if epoch.best]
        return marked[-1] if marked else None
