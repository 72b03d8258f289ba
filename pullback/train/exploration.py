"""What the data look like before anything is fitted: balance, gaps, correlations, means and mean images by class."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pullback.core.random import generator
from pullback.data import Dataset
from pullback.train.table_features import Feature

FORMAT = 1
ROWS, COLUMNS, CLASSES = 20_000, 30, 12
# Longest side of a mean image, and rows added up at once.
SIDE, BLOCK = 48, 1024
TARGET = "target"


def exploration(sets: Mapping[str, Dataset], features: Sequence[Feature], seed: int) -> dict[str, Any]:
    """Content of `exploration.json`; columns are described by the training rows, a sample of them if they are many.

    Parameters
    ----------
    sets : data sets by name, "train" among them.
    features : columns of a table; none for inputs of another shape.
    """
    training = sets["train"]
    record: dict[str, Any] = {"format": FORMAT, "balance": _balance(sets)}
    if not features:
        return record | class_images(training)
    rows = len(training)
    if rows > ROWS:
        chosen = np.sort(generator(seed, "exploration").choice(rows, ROWS, replace=False))
        training = training.take(chosen)
    numeric = [feature for feature in features if feature.kind in ("number", "boolean")][:COLUMNS]
    columns = {feature.name: _values(feature, training.inputs) for feature in numeric}
    one_output = training.task == "regression" and training.targets[0].size == 1
    target = {TARGET: training.targets.reshape(-1).astype(np.float64)} if one_output else {}
    return record | {
        "rows": len(training),
        "columns": len(features),
        "missing": [
            {"column": feature.name, "share": share}
            for feature in features
            if (share := _gaps(feature, training.inputs)) is not None
        ],
        "correlation": _correlation(columns | target) if len(columns | target) > 1 else None,
        "class_means": _class_means(columns, training),
    }


def _balance(sets: Mapping[str, Dataset]) -> dict[str, Any] | None:
    names = sets["train"].class_names
    if names is None:
        return None
    counts = {name: np.bincount(data.targets.reshape(-1), minlength=len(names)).tolist() for name, data in sets.items()}
    return {"classes": list(names), "counts": counts}


def class_images(data: Dataset) -> dict[str, Any]:
    r"""Entry `class_images`, the mean image of each class over all its rows; empty where the inputs are no images.

    Sides longer than 48 are made shorter by means over squares of pixels. The values are whole numbers $b$ that stand
    for `low` + $b$ (`high` - `low`) / 255; a class without rows has null.
    """
    names = data.class_names
    if data.inputs.ndim != 4 or data.inputs.shape[3] not in (1, 3) or data.targets.ndim != 1:
        return {}
    if names is None or len(names) > CLASSES:
        return {}
    sums = np.zeros((len(names), *data.inputs.shape[1:]))
    for start in range(0, len(data), BLOCK):
        labels = data.targets[start : start + BLOCK]
        for label in np.unique(labels):
            sums[label] += data.inputs[start : start + BLOCK][labels == label].sum(axis=0, dtype=np.float64)
    counts = np.bincount(data.targets, minlength=len(names))
    means = _smaller(sums / np.maximum(counts, 1)[:, None, None, None])
    low, high = float(means[counts > 0].min()), float(means[counts > 0].max())
    steps = np.rint((means - low) / ((high - low) or 1.0) * 255).astype(int)
    images = [image.tolist() if count else None for image, count in zip(steps, counts, strict=True)]
    return {"class_images": {"low": low, "high": high, "images": images}}


def _smaller(images: np.ndarray) -> np.ndarray:
    """Means over squares of pixels, as large as makes both sides at most `SIDE`; at the edges over what is left."""
    square = -(-max(images.shape[1:3]) // SIDE)
    for axis in (1, 2):
        starts = np.arange(0, images.shape[axis], square)
        widths = np.diff(np.append(starts, images.shape[axis]))
        shape = [1] * images.ndim
        shape[axis] = len(widths)
        images = np.add.reduceat(images, starts, axis=axis) / widths.reshape(shape)
    return images


def _gaps(feature: Feature, inputs: np.ndarray) -> float | None:
    """Share of rows without a value, or None for a column that had none in training."""
    if feature.gap is not None:
        return float(inputs[:, feature.gap].mean())
    if feature.coded and "missing" in feature.labels:
        return float((inputs[:, feature.positions[0]] == 1 + feature.labels.index("missing")).mean())
    return None


def _values(feature: Feature, inputs: np.ndarray) -> np.ndarray:
    return feature.mean + feature.scale * inputs[:, feature.positions[0]].astype(np.float64)


def _correlation(columns: Mapping[str, np.ndarray]) -> dict[str, Any]:
    r"""Pearson's $r$ of every pair, null where a column does not vary."""
    values = np.stack(list(columns.values()))
    centered = values - values.mean(axis=1, keepdims=True)
    norms = np.sqrt(np.square(centered).sum(axis=1))
    # A constant column is left with rounding alone.
    varies = norms > 1e-9 * np.abs(values).max(axis=1) * math.sqrt(values.shape[1])
    unit = centered / np.where(varies, norms, 1)[:, None]
    matrix = np.clip(unit @ unit.T, -1, 1)
    matrix[~varies], matrix[:, ~varies] = np.nan, np.nan
    rows = [[None if math.isnan(entry) else entry for entry in row] for row in matrix.tolist()]
    return {"columns": list(columns), "matrix": rows}


def _class_means(columns: Mapping[str, np.ndarray], data: Dataset) -> list[dict[str, Any]] | None:
    r"""Mean and deviation of each column by class, with $\eta^2$, the share of its variance between the classes."""
    if data.class_names is None or len(data.class_names) > CLASSES or data.targets[0].size != 1:
        return None
    labels = data.targets.reshape(-1)
    members = [labels == number for number in range(len(data.class_names))]
    found = []
    for name, values in columns.items():
        parts = [values[rows] for rows in members]
        total = float(np.square(values - values.mean()).sum())
        between = sum(len(part) * (part.mean() - values.mean()) ** 2 for part in parts if len(part))
        found.append(
            {
                "column": name,
                "means": [float(part.mean()) if len(part) else None for part in parts],
                "deviations": [float(part.std()) if len(part) else None for part in parts],
                "between": float(between) / total if total > 0 else 0.0,
            }
        )
    return sorted(found, key=lambda entry: -entry["between"])
