"""Examples held in memory, checked once when they are put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from pullback.core.errors import ConfigurationError, DataError, unknown_name

TASKS = ("classification", "binary", "regression")


@dataclass(frozen=True, eq=False)
class Dataset:
    r"""Inputs $x_i$ and targets $y_i$, $i = 1, \dots, n$, row by row, with their meaning.

    Parameters
    ----------
    inputs : shape (n, ...), floating or integer; images are (n, height, width, channels).
    targets : "classification": integers 0 .. K-1, kept as int32, shape (n, ...); "binary": the same with K = 2;
        "regression": real numbers, kept in their floating dtype (integers become float32), shape (n,) or (n, k).
    task : what the targets mean.
    name : for reports and records.
    class_names : one name a class; default "0" .. "K-1". None for a regression.
    feature_names : one name a column of a two-dimensional `inputs`.
    indices : shape (n,), int32, the rows of the source that these rows are; default 0 .. n-1. They follow an example
        through every split, so that its random numbers depend on the example and not on its position.

    Raises
    ------
    DataError
        if rows are missing or differ in number, a value is not finite (row and column are named), or a label is no
        class (row and value are named).

    Examples
    --------
    >>> flowers = Dataset(np.array([[5.1, 3.5], [7.0, 3.2]]), np.array([0, 1]), "classification")
    >>> len(flowers), flowers.num_classes, flowers.take([1]).indices.tolist()
    (2, 2, [1])
    >>> Dataset(np.array([[5.1, np.nan]]), np.array([0]), "classification")
    Traceback (most recent call last):
        ...
    pullback.core.errors.DataError: inputs of 'data' are not finite in row 0, column 1
      expected: finite numbers
      got: nan (1 value of 2 is not finite)
      to do: drop or impute these values first
    """

    inputs: np.ndarray
    targets: np.ndarray
    task: str
    name: str = "data"
    class_names: tuple[str, ...] | None = None
    feature_names: tuple[str, ...] | None = None
    indices: np.ndarray = field(default_factory=lambda: np.empty(0, np.int32))

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise unknown_name("task", self.task, TASKS)
        inputs, targets = np.asarray(self.inputs), np.asarray(self.targets)
        _check_rows(self.name, inputs, targets)
        _check_finite(f"inputs of {self.name!r}", inputs, self.feature_names)
        if self.task == "regression":
            targets = _real_targets(self.name, targets)
            class_names = None
        else:
            targets, class_names = _labels(self.name, targets, self.task, self.class_names)
        indices = _row_ids(self.name, self.indices, len(inputs))
        feature_names = _feature_names(self.name, self.feature_names, inputs)
        checked = {
            "inputs": inputs,
            "targets": targets,
            "class_names": class_names,
            "feature_names": feature_names,
            "indices": indices,
        }
        for attribute, value in checked.items():
            object.__setattr__(self, attribute, value)

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def num_classes(self) -> int | None:
        """Number of classes K, or None for a regression."""
        return None if self.class_names is None else len(self.class_names)

    def take(self, indices: np.ndarray | Sequence[int]) -> Dataset:
        """The rows at these positions, in this order."""
        positions = np.asarray(indices)
        return replace(
            self, inputs=self.inputs[positions], targets=self.targets[positions], indices=self.indices[positions]
        )


def _check_rows(name: str, inputs: np.ndarray, targets: np.ndarray) -> None:
    if inputs.ndim < 2 or not (np.issubdtype(inputs.dtype, np.floating) or np.issubdtype(inputs.dtype, np.integer)):
        raise DataError(
            f"inputs of {name!r} are not an array of numbers with one row an example",
            expected="shape (n, ...) with at least two axes, floating or integer",
            got=f"shape {inputs.shape}, {inputs.dtype}",
            fix="for a single feature pass inputs[:, None]" if inputs.ndim == 1 else "convert the inputs to numbers",
        )
    if targets.ndim < 1 or len(inputs) != len(targets):
        raise DataError(
            f"inputs and targets of {name!r} differ in their number of rows",
            expected=f"{len(inputs)} targets",
            got=f"targets of shape {targets.shape}",
            fix="pass one target an input row",
        )
    if inputs.size == 0 or targets.size == 0:
        raise DataError(
            f"{name!r} is empty",
            expected="at least one row and one value a row",
            got=f"inputs of shape {inputs.shape}, targets of shape {targets.shape}",
            fix="check the filter or the fraction that made these data",
        )


def _place(position: np.ndarray, names: tuple[str, ...] | None) -> str:
    row, *rest = (int(axis) for axis in position)
    if not rest:
        return f"row {row}"
    if len(rest) == 1:
        label = f" ({names[rest[0]]!r})" if names is not None and rest[0] < len(names) else ""
        return f"row {row}, column {rest[0]}{label}"
    return f"row {row}, position {tuple(rest)}"


def _check_finite(what: str, values: np.ndarray, names: tuple[str, ...] | None = None) -> None:
    if not np.issubdtype(values.dtype, np.floating):
        return
    # The sum is one pass without a temporary; only when it is not finite is the place looked for.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(values.sum()):
            return
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        count = f"{len(bad)} value of {values.size} is" if len(bad) == 1 else f"{len(bad)} values of {values.size} are"
        raise DataError(
            f"{what} are not finite in {_place(bad[0], names)}",
            expected="finite numbers",
            got=f"{values[tuple(bad[0])]} ({count} not finite)",
            fix="drop or impute these values first",
        )


def _real_targets(name: str, targets: np.ndarray) -> np.ndarray:
    if np.issubdtype(targets.dtype, np.integer):
        return targets.astype(np.float32)
    if not np.issubdtype(targets.dtype, np.floating):
        raise DataError(
            f"targets of the regression {name!r} are not numbers",
            expected="a floating or integer array",
            got=str(targets.dtype),
            fix='convert them, or set task="classification"',
        )
    _check_finite(f"targets of {name!r}", targets)
    return targets


def _labels(
    name: str, targets: np.ndarray, task: str, class_names: tuple[str, ...] | None
) -> tuple[np.ndarray, tuple[str, ...]]:
    if not (np.issubdtype(targets.dtype, np.integer) or targets.dtype == np.bool_):
        raise DataError(
            f"labels of {name!r} are not integers",
            expected="class indices 0, 1, 2, ...",
            got=f"{targets.dtype}, first value {targets.flat[0]!r}",
            fix="pass class_names, labels = numpy.unique(labels, return_inverse=True)",
        )
    if class_names is None:
        count = 2 if task == "binary" else max(int(targets.max()) + 1, 1)
        class_names = tuple(str(label) for label in range(count))
    class_names = tuple(str(label) for label in class_names)
    if task == "binary" and len(class_names) != 2:
        raise ConfigurationError(
            f"{name!r} is binary but has {len(class_names)} class names",
            expected="2 class names",
            got=", ".join(class_names),
            fix='set task="classification" or name two classes',
        )
    if targets.min() < 0 or targets.max() >= len(class_names):
        bad = np.argwhere((targets < 0) | (targets >= len(class_names)))
        raise DataError(
            f"label of {name!r} in {_place(bad[0], None)} is no class",
            expected=f"an integer 0 .. {len(class_names) - 1}",
            got=f"{int(targets[tuple(bad[0])])} ({len(bad)} of {targets.size} labels are out of range)",
            fix="number the classes from 0, or pass a name for every class",
        )
    return targets.astype(np.int32, copy=False), class_names


def _row_ids(name: str, indices: np.ndarray, rows: int) -> np.ndarray:
    ids = np.asarray(indices)
    if ids.size == 0:
        return np.arange(rows, dtype=np.int32)
    if ids.shape != (rows,) or not np.issubdtype(ids.dtype, np.integer):
        raise DataError(
            f"indices of {name!r} are not one integer a row",
            expected=f"{rows} integers",
            got=f"shape {ids.shape}, {ids.dtype}",
            fix="leave indices out to number the rows from 0",
        )
    return ids.astype(np.int32, copy=False)


def _feature_names(name: str, names: tuple[str, ...] | None, inputs: np.ndarray) -> tuple[str, ...] | None:
    if names is None:
        return None
    if inputs.ndim != 2 or len(names) != inputs.shape[1]:
        raise DataError(
            f"feature names of {name!r} do not fit the inputs",
            expected=f"one name a column of a table; the inputs have shape {inputs.shape}",
            got=f"{len(names)} names",
            fix="name every column once, or leave feature_names out",
        )
    return tuple(str(feature) for feature in names)
