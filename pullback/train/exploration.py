"""What the data look like before anything is fitted: balance, gaps, correlations, means by class."""

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
        return record
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
