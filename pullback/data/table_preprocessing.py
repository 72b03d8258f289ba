"""From typed columns to the numbers a network takes, with every choice kept as data."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pullback.core.checks import positive_integer
from pullback.core.errors import DataError, unknown_name
from pullback.data.dataset import Dataset
from pullback.data.table import Table
from pullback.data.table_column import Column
from pullback.data.table_encoding import (
    ENCODINGS,
    BooleanEncoding,
    CategoryEncoding,
    DateEncoding,
    Encoding,
    NumberEncoding,
    fit_encoding,
)
from pullback.data.table_source import read_columns

KIND = "table"
UNSEEN = ("other", "error")
ONE_HOT_LEVELS = 16

__all__ = ["TablePreprocessing", "BooleanEncoding", "CategoryEncoding", "DateEncoding", "NumberEncoding"]


@dataclass(frozen=True)
class TablePreprocessing:
    r"""How each column becomes inputs, fitted on training rows alone and applied alike to any later rows.

    Numbers: a gap becomes the training median, the value $(x - \mu) / \sigma$, and a column that had gaps gets an
    indicator of them. Truth values: 0 or 1. Dates: days, standardized, and month and weekday on the circle. Categories
    of at most 16 levels: one indicator a level, one for "missing" where there were gaps, one for "other" where rare
    levels were pooled. Categories of more levels: one integer code, for an embedding.

    Inputs are float32, shape (n, p): first all that are numbers, then one column of codes for each embedding; code 0
    stands for "other". The target of a regression is standardized as well.

    Parameters
    ----------
    encodings : one a column, in the order of the training table.
    target, task, class_names : of the training table.
    target_mean, target_scale : of a regression; 0 and 1 otherwise.
    unseen : policy for levels that training never saw: "other" (all indicators zero where nothing was pooled) or
        "error".
    missing : policy of the training table; "error" refuses gaps in new rows too. A gap in new rows is imputed under
        "drop" as well, since every row asks for a prediction.

    Examples
    --------
    >>> from pullback.data.table import table
    >>> rows = table({"age": [20.0, 40, np.nan, 60], "city": ["Bern", "Ulm"] * 2, "y": [1.0, 2, 3, 4.5]}, "y")
    >>> preprocessing = TablePreprocessing.fit(rows)
    >>> preprocessing.feature_names
    ('age', 'age missing', 'city=other')
    >>> preprocessing.inputs({"city": ["Paris"], "age": [40.0]}).tolist()
    [[0.0, 0.0, 1.0]]
    """

    encodings: tuple[Encoding, ...]
    target: str
    task: str
    class_names: tuple[str, ...] | None = None
    target_mean: float = 0.0
    target_scale: float = 1.0
    unseen: str = "other"
    missing: str = "impute"

    kind = KIND

    @classmethod
    def fit(
        cls, table: Table, *, unseen: str = "other", one_hot_levels: int = ONE_HOT_LEVELS, rare: int = 3
    ) -> TablePreprocessing:
        """The preprocessing of these rows, which should be the training rows and no others.

        Parameters
        ----------
        one_hot_levels : a category of more levels is embedded.
        rare : levels with fewer training rows than this are pooled into "other", which so is learned.
        """
        if unseen not in UNSEEN:
            raise unknown_name("policy for unseen levels", unseen, UNSEEN)
        positive_integer("one_hot_levels", one_hot_levels)
        positive_integer("rare", rare)
        encodings = tuple(fit_encoding(table.column(name), one_hot_levels, rare) for name in table.kinds)
        mean, scale = 0.0, 1.0
        if table.task == "regression":
            mean, scale = float(table.targets.mean()), float(table.targets.std()) or 1.0
        return cls(encodings, table.target, table.task, table.class_names, mean, scale, unseen, table.missing)

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """One name a column of the inputs."""
        dense = [name for encoding in self._dense for name in encoding.feature_names()]
        return tuple(dense + [encoding.name for encoding in self._embedded])

    @property
    def num_numeric(self) -> int:
        """Number of input columns that are numbers."""
        return sum(len(encoding.feature_names()) for encoding in self._dense)

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """Number of codes of each embedded category, the code for "other" included."""
        return tuple(len(encoding.levels) + 1 for encoding in self._embedded)

    @property
    def column_names(self) -> tuple[str, ...]:
        """Columns that a source of new rows must have, in any order."""
        return tuple(encoding.name for encoding in self.encodings)

    @cached_property
    def _dense(self) -> tuple[Encoding, ...]:
        return tuple(encoding for encoding in self.encodings if not encoding.embedded)

    @cached_property
    def _embedded(self) -> tuple[CategoryEncoding, ...]:
        return tuple(encoding for encoding in self.encodings if encoding.embedded)  # pyright: ignore[reportReturnType]

    def __call__(self, table: Table) -> Dataset:
        """Inputs and encoded targets of the rows of a table from the same source."""
        targets = table.targets
        if self.task == "regression":
            targets = ((targets - self.target_mean) / self.target_scale).astype(np.float32)
        return Dataset(
            self._encode(table.column, len(table))[0],
            targets,
            self.task,
            table.name,
            self.class_names,
            self.feature_names,
            table.indices,
        )

    def inputs(self, source: Any) -> np.ndarray:
        """Inputs of new rows; see `inputs_and_notes`."""
        return self.inputs_and_notes(source)[0]

    def inputs_and_notes(self, source: Any) -> tuple[np.ndarray, tuple[str, ...]]:
        """Inputs of new rows, and what was done to them: columns left aside, gaps filled, unseen levels.

        Parameters
        ----------
        source : what `data.table` takes, with or without the target, its columns in any order. A NumPy array must
            have the training columns in their order.

        Raises
        ------
        DataError
            for a missing column (the nearest is offered), values of another kind, or an unseen level or a gap that
            the policy refuses.
        """
        columns, said = read_columns(source, {encoding.name: encoding.source_kind for encoding in self.encodings})
        if isinstance(source, np.ndarray):
            columns = self._named_by_position(columns)
        found = {column.name: column for column in columns}
        missing = [name for name in self.column_names if name not in found]
        if missing:
            raise _missing_column(missing, list(found))
        extra = [name for name in found if name not in set(self.column_names) and name != self.target]
        if extra:
            shown = ", ".join(map(repr, extra[:5])) + (", ..." if len(extra) > 5 else "")
            said.append(f"columns that training did not use are left aside: {shown}")
        inputs, notes = self._encode(found.__getitem__, len(columns[0]))
        return inputs, (*said, *notes)

    def in_units(self, outputs: np.ndarray) -> np.ndarray:
        r"""Outputs of a regression in the units of the target: $\mu + \sigma z$; others stay as they are."""
        return outputs if self.task != "regression" else outputs * self.target_scale + self.target_mean

    def _named_by_position(self, columns: list[Column]) -> list[Column]:
        if len(columns) != len(self.encodings):
            raise DataError(
                "the array has another number of columns than the training table",
                expected=f"{len(self.encodings)}: {', '.join(self.column_names[:6])}"
                + (", ..." if len(self.encodings) > 6 else ""),
                got=f"{len(columns)} columns",
                fix="pass the columns in their order, without the target, or pass a frame with names",
            )
        return [
            Column(name, column.kind, column.values, column.levels, column.date_format, fault=column.fault)
            for name, column in zip(self.column_names, columns, strict=True)
        ]

    def _encode(self, column_of: Callable[[str], Column], rows: int) -> tuple[np.ndarray, list[str]]:
        out = aligned_zeros(rows, len(self.feature_names))
        notes: list[str] = []
        position = 0
        for encoding in (*self._dense, *self._embedded):
            column = encoding.read(column_of(encoding.name))
            width = 1 if encoding.embedded else len(encoding.feature_names())
            gaps = int(column.missing.sum())
            if gaps:
                self._gap(column, gaps, encoding.had_gaps, notes)
            unseen = encoding.write(column, out[:, position : position + width])
            if unseen:
                self._unseen(column, unseen, notes)
            position += width
        return out, notes

    def _gap(self, column: Column, gaps: int, expected: bool, notes: list[str]) -> None:
        if self.missing == "error":
            raise DataError(
                f"column {column.name!r} has no value in row {int(np.flatnonzero(column.missing)[0])}",
                expected='no missing values, since the model was trained with missing="error"',
                got=f"{gaps} gaps",
                fix="fill them first",
            )
        if not expected:
            notes.append(f"column {column.name!r} had no gaps in training and has {gaps} here: imputed")

    def _unseen(self, column: Column, unseen: dict[str, int], notes: list[str]) -> None:
        shown = ", ".join(map(repr, list(unseen)[:3])) + (", ..." if len(unseen) > 3 else "")
        if self.unseen == "error":
            raise DataError(
                f"column {column.name!r} has levels that training never saw",
                expected="levels of the training rows",
                got=f"{shown} in {sum(unseen.values())} rows",
                fix='mend the values, or train with unseen="other"',
            )
        notes.append(f"column {column.name!r}: {sum(unseen.values())} rows of unseen levels taken as other: {shown}")

    def to_json(self) -> dict[str, Any]:
        """All choices as JSON values; Python writes and reads a float64 without loss."""
        return {
            "kind": KIND,
            "columns": [encoding.to_json() for encoding in self.encodings],
            "target": self.target,
            "task": self.task,
            "class_names": None if self.class_names is None else list(self.class_names),
            "target_mean": self.target_mean,
            "target_scale": self.target_scale,
            "unseen": self.unseen,
            "missing": self.missing,
            "feature_names": list(self.feature_names),
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> TablePreprocessing:
        """The preprocessing that `to_json` wrote.

        Raises
        ------
        DataError
            if the record is of another kind or incomplete.
        """
        try:
            if record["kind"] != KIND:
                raise ValueError(record["kind"])
            names = record["class_names"]
            scale = float(record["target_scale"])
            if not (math.isfinite(scale) and scale > 0):
                raise ValueError("target_scale")
            return cls(
                tuple(ENCODINGS[column["kind"]].from_json(column) for column in record["columns"]),
                record["target"],
                record["task"],
                None if names is None else tuple(names),
                float(record["target_mean"]),
                scale,
                record["unseen"],
                record["missing"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                "this is no record of the preprocessing of a table",
                expected='{"kind": "table", "columns": [...], "target": ..., ...}',
                got=f"{str(record)[:80]}",
                fix="pass an entry of preprocessing.json of that kind",
            ) from error


def aligned_zeros(rows: int, columns: int) -> np.ndarray:
    """Zeros in float32 whose memory starts at a multiple of 64 bytes, where a CPU device takes it without a copy."""
    buffer = np.zeros(rows * columns + 16, np.float32)
    start = -(buffer.ctypes.data % -64) // 4 if buffer.ctypes.data % 64 else 0
    return buffer[start : start + rows * columns].reshape(rows, columns)


def _missing_column(missing: list[str], there: list[str]) -> DataError:
    near = difflib.get_close_matches(missing[0], there, n=1)
    return DataError(
        f"column {missing[0]!r} is missing" + (f", and {len(missing) - 1} more" if len(missing) > 1 else ""),
        expected=f"the columns of the training table, among them {', '.join(map(repr, missing[:5]))}",
        got=", ".join(map(repr, there[:10])) + (", ..." if len(there) > 10 else ""),
        fix=f"did you mean to call {near[0]!r} so?" if near else "add the column; leave its fields empty if unknown",
    )
