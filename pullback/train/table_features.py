"""Which input columns belong to one column of the table, and what their numbers mean in the table's own units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.data import Dataset, Standardize, TablePreprocessing


@dataclass(frozen=True)
class Feature:
    """One column of a table among the inputs of a model.

    Parameters
    ----------
    name : of the column.
    kind : "number", "boolean", "date" or "category".
    positions : input columns: the value (and the indicator of gaps) of a number or truth value, one indicator a label
        of a category, or its one column of codes.
    mean, scale : a number is `mean + scale * input`.
    labels : of a category.
    gap : input column that indicates a gap, or None.
    """

    name: str
    kind: str
    positions: tuple[int, ...]
    mean: float = 0.0
    scale: float = 1.0
    labels: tuple[str, ...] = ()
    gap: int | None = None

    @property
    def coded(self) -> bool:
        """Whether a category is one column of codes, from 1 for the first label."""
        return self.kind == "category" and len(self.positions) == 1 and len(self.labels) != 1

    def with_value(self, inputs: np.ndarray, value: float) -> np.ndarray:
        """The inputs with this column at `value` everywhere: an input value, or for a category the place of a label."""
        changed = inputs.copy()
        if self.kind == "category" and not self.coded:
            changed[:, self.positions] = 0
            changed[:, self.positions[int(value)]] = 1
            return changed
        if self.gap is not None:
            changed[:, self.gap] = 0
        changed[:, self.positions[0]] = value + 1 if self.coded else value
        return changed


def table_features(data: Dataset, preprocessing: Sequence[Any]) -> tuple[Feature, ...]:
    """The columns of a table, by the preprocessing that made them or one by one; none where the inputs are no table.

    Examples
    --------
    >>> from pullback.data import load
    >>> iris = load("iris")
    >>> [feature.positions for feature in table_features(iris, (Standardize.fit(iris),))]
    [(0,), (1,), (2,), (3,)]
    """
    if data.inputs.ndim != 2:
        return ()
    for step in preprocessing:
        if isinstance(step, TablePreprocessing):
            return _of_table(step)
    width = data.inputs.shape[1]
    names = data.feature_names or tuple(f"feature {place}" for place in range(width))
    means, scales = [0.0] * width, [1.0] * width
    for step in preprocessing:
        if isinstance(step, Standardize) and len(preprocessing) == 1:
            means, scales = list(step.mean), list(step.scale)
    return tuple(Feature(name, "number", (place,), means[place], scales[place]) for place, name in enumerate(names))


def _of_table(preprocessing: TablePreprocessing) -> tuple[Feature, ...]:
    encodings = sorted(preprocessing.encodings, key=lambda encoding: encoding.embedded)
    found, start = [], 0
    for encoding in encodings:
        width = len(encoding.feature_names())
        found.append(_feature(encoding, tuple(range(start, start + width))))
        start += width
    return tuple(found)


def _feature(encoding: Any, positions: tuple[int, ...]) -> Feature:
    gap = positions[-1] if encoding.had_gaps and not encoding.embedded else None
    if encoding.kind == "category":
        prefix = f"{encoding.name}="
        names = encoding.levels if encoding.embedded else encoding.feature_names()
        labels = tuple(str(name).removeprefix(prefix) or "missing" for name in names)
        labels = tuple("missing" if label == f"{encoding.name} missing" else label for label in labels)
        return Feature(encoding.name, "category", positions, labels=labels, gap=gap)
    scaled = encoding.kind in ("number", "date")
    mean, scale = (encoding.mean, encoding.scale) if scaled else (0.0, 1.0)
    return Feature(encoding.name, encoding.kind, positions, mean, scale, gap=gap)
