"""A table of typed columns with a target, from a file or a frame."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pullback.core.errors import ConfigurationError, DataError, unknown_name
from pullback.data.table_column import Column, as_kind, split_kind
from pullback.data.table_csv import Progress
from pullback.data.table_source import read_columns, source_name
from pullback.data.table_task import encode_target

MISSING = ("impute", "drop", "error")
FEW_INTEGERS = 10


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of a source and, for each row in `indices`, what they and the target say.

    The columns hold all rows of the source; parts of a table share them and differ in their indices alone.

    Parameters
    ----------
    columns : the features, in the order of the source.
    target : name of the target.
    encoded : shape (rows of the source,): class indices (int32) or real numbers.
    task : "classification", "binary" or "regression".
    name : for reports and records.
    class_names : one name a class; None for a regression.
    indices : shape (n,), int32, the rows of the source that belong to this table.
    missing : policy, "impute", "drop" or "error".
    notes : what was inferred and decided, one sentence each.

    Examples
    --------
    >>> rows = table({"age": [30, 41, 29, 57], "city": ["Bern", "Ulm", "Bern", None], "ill": [False, True] * 2}, "ill")
    >>> len(rows), rows.kinds, rows.take([2]).column("age").values.tolist()
    (4, {'age': 'number', 'city': 'category'}, [29.0])
    """

    columns: tuple[Column, ...]
    target: str
    encoded: np.ndarray
    task: str
    name: str
    class_names: tuple[str, ...] | None
    indices: np.ndarray
    missing: str = "impute"
    notes: tuple[str, ...] = ()
    positions: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "positions", {column.name: i for i, column in enumerate(self.columns)})

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def targets(self) -> np.ndarray:
        """Targets of these rows."""
        return self.encoded[self.indices]

    @property
    def num_classes(self) -> int | None:
        """Number of classes K, or None for a regression."""
        return None if self.class_names is None else len(self.class_names)

    @property
    def kinds(self) -> dict[str, str]:
        """Kind of each column."""
        return {column.name: column.kind for column in self.columns}

    def column(self, name: str) -> Column:
        """The column of this name at the rows of this table."""
        if name not in self.positions:
            raise unknown_column(name, self.positions)
        column = self.columns[self.positions[name]]
        return replace(column, values=column.values[self.indices])

    def take(self, indices: np.ndarray | Sequence[int]) -> Table:
        """The rows at these positions, in this order."""
        return replace(self, indices=self.indices[np.asarray(indices)])


def unknown_column(name: str, known: Iterable[str]) -> ConfigurationError:
    """Error for a column that is not there; of many names only the nearest are listed."""
    names = list(known)
    if len(names) <= 30:
        return unknown_name("column", name, names)
    near = difflib.get_close_matches(name, names, n=5, cutoff=0.3)
    return ConfigurationError(
        f"unknown column {name!r}",
        expected=f"one of {len(names)} columns; nearest: {', '.join(near) or names[0]}",
        got=repr(name),
        fix=f"did you mean {near[0]!r}?" if near else "choose a column of the table",
    )


def table(
    source: Any,
    target: str | int | np.ndarray,
    *,
    task: str | None = None,
    kinds: Mapping[str, str] | None = None,
    name: str | None = None,
    missing: str = "impute",
    drop: Sequence[str] = (),
    progress: Progress | None = None,
) -> Table:
    r"""A table for learning, its kinds of column and its task inferred and announced in `notes`.

    Parameters
    ----------
    source : path of a CSV, Parquet or NPZ file; a frame of pandas, polars, pyarrow or any other make that narwhals
        knows; a mapping of arrays; a two-dimensional NumPy array, whose columns are called x0, x1, ...
    target : name of the target; for an array also its position, or an array of one target a row.
    task : "classification", "binary" or "regression". Inferred: numbers with fractions, or more than 20 distinct
        integers, are a regression; two classes are a classification with two outputs, unless asked otherwise.
    kinds : column -> "number", "category", "boolean", "date" or "date:FORMAT", where the guess is wrong.
    missing : "impute" leaves gaps for the preprocessing to fill, "drop" leaves out rows with a gap, "error" refuses
        them. Rows without a target are always left out.
    drop : columns to leave out.
    progress : called with bytes read and bytes in all while a CSV is read.

    Raises
    ------
    DataError, ConfigurationError
        for a file that is missing, empty or damaged; an unknown column (the nearest is offered); a column without any
        value, with infinite or mixed values; a target with one class.

    Examples
    --------
    >>> frame = {"x": [1.5, 2.5, None, 3.0], "color": ["red", "blue", "red", "red"], "y": [0.1, 0.2, 0.3, 0.4]}
    >>> rows = table(frame, "y")
    >>> print("\n".join(rows.notes))
    task: regression, 'y' from 0.1 to 0.4
    columns: 1 number, 1 category
    1 of 4 rows has a missing value: imputed
    """
    if missing not in MISSING:
        raise unknown_name("policy for missing values", missing, MISSING)
    columns, notes = read_columns(source, kinds, progress, narrow=True)
    columns, target = _with_target(columns, target)
    columns = _with_kinds(_without(columns, drop, target), kinds or {})
    labels = next(column for column in columns if column.name == target)
    features = tuple(column for column in columns if column.name != target)
    if not features:
        raise DataError("the table has no column but its target", expected="at least one feature", got="none", fix=None)
    _check_values((*features, labels))
    indices, gap_notes = _complete_rows(features, labels, missing)
    known = replace(labels, values=labels.values[indices])
    encoded = encode_target(known, task)
    whole = np.zeros(len(labels), encoded.values.dtype)
    whole[indices] = encoded.values
    return Table(
        columns=features,
        target=target,
        encoded=whole,
        task=encoded.task,
        name=name or source_name(source),
        class_names=encoded.class_names,
        indices=indices,
        missing=missing,
        notes=(encoded.note, *_kind_notes(features), *notes, *gap_notes),
    )


def _with_target(columns: list[Column], target: Any) -> tuple[list[Column], str]:
    names = [column.name for column in columns]
    if isinstance(target, int | np.integer):
        if not -len(names) <= target < len(names):
            raise unknown_column(str(target), names)
        return columns, names[target]
    if isinstance(target, str):
        if target not in names:
            raise unknown_column(target, names)
        return columns, target
    values = np.asarray(target)
    if values.ndim != 1 or len(values) != len(columns[0]):
        raise DataError(
            "the target is not one value a row",
            expected=f"the name of a column, or {len(columns[0])} values",
            got=f"shape {values.shape}",
            fix="pass the name of the target",
        )
    own, _ = read_columns({"target": values})
    return [column for column in columns if column.name != "target"] + own, "target"


def _without(columns: list[Column], drop: Sequence[str], target: str) -> list[Column]:
    names = [column.name for column in columns]
    for name in drop:
        if name not in names:
            raise unknown_column(name, names)
        if name == target:
            raise ConfigurationError(f"the target {target!r} is to be dropped", fix="choose another target, or keep it")
    return [column for column in columns if column.name not in set(drop)]


def _with_kinds(columns: list[Column], kinds: Mapping[str, str]) -> list[Column]:
    names = [column.name for column in columns]
    for name in kinds:
        if name not in names:
            raise unknown_column(name, names)
    return [as_kind(column, *split_kind(kinds[column.name])) if column.name in kinds else column for column in columns]


def _check_values(columns: Sequence[Column]) -> None:
    for column in columns:
        if column.fault is not None:
            raise column.fault
    empty = [column.name for column in columns[:-1] if column.missing.all()]
    if empty:
        raise DataError(
            f"column {empty[0]!r} has no value in any row",
            expected="at least one value a column",
            got=f"{len(empty)} empty column{'s' * (len(empty) > 1)}: {', '.join(map(repr, empty[:5]))}",
            fix=f"leave it out: drop={empty[:5]}, on the command line --drop {' '.join(empty[:5])}",
        )


def _complete_rows(features: Sequence[Column], labels: Column, missing: str) -> tuple[np.ndarray, list[str]]:
    unlabeled = labels.missing
    if unlabeled.all():
        raise DataError(f"the target {labels.name!r} has no value in any row", fix="choose another target")
    gaps = np.zeros(len(labels), bool)
    for column in features:
        gaps |= column.missing
    gaps &= ~unlabeled
    count, total = int(gaps.sum()), len(labels) - int(unlabeled.sum())
    rows = "1 row has" if count == 1 else f"{count} rows have"
    if missing == "error" and (count or unlabeled.any()):
        names = [column.name for column in (*features, labels) if column.missing.any()]
        raise DataError(
            f"{rows} a missing value" if count else f"{int(unlabeled.sum())} rows have no target",
            expected='no missing values, since missing="error"',
            got=f"gaps in {', '.join(map(repr, names[:5]))}",
            fix='fill them, or say missing="impute" or "drop"',
        )
    kept = ~unlabeled & ~gaps if missing == "drop" else ~unlabeled
    if not kept.any():
        raise DataError(
            "no row is left after those with a missing value are dropped",
            expected="at least one complete row",
            got=f"{rows} a missing value",
            fix='say missing="impute", or drop the columns with most gaps',
        )
    notes = [f"{int(unlabeled.sum())} rows without a target are left out"] if unlabeled.any() else []
    if count:
        said = "imputed" if missing == "impute" else "left out"
        notes.append(f"{count} of {total} rows {'has' if count == 1 else 'have'} a missing value: {said}")
    return np.flatnonzero(kept).astype(np.int32), notes


def _kind_notes(features: Sequence[Column]) -> list[str]:
    counts: dict[str, int] = {}
    for column in features:
        counts[column.kind] = counts.get(column.kind, 0) + 1
    notes = ["columns: " + ", ".join(f"{count} {kind}" for kind, count in counts.items())]
    few = [column.name for column in features if column.kind == "number" and few_integers(column.values)]
    if few:
        shown = ", ".join(map(repr, few[:5])) + (f" and {len(few) - 5} more" if len(few) > 5 else "")
        notes.append(f"few distinct integers, kept as numbers: {shown}; if they are codes, say kinds=category")
    return notes + [f"column {column.name!r}: {column.note}" for column in features if column.note]


def few_integers(values: np.ndarray) -> bool:
    """Whether a column holds 3 to 10 distinct integers, which may be codes of classes.

    Examples
    --------
    >>> few_integers(np.array([1.0, 2, 3, 3])), few_integers(np.array([0.5, 1, 2]))
    (True, False)
    """
    # A look at the first rows settles most columns of a long table.
    for rows in (values[:1000], values):
        known = rows[~np.isnan(rows)]
        if len(np.unique(known)) > FEW_INTEGERS or (known != np.floor(known)).any():
            return False
    return len(np.unique(values[~np.isnan(values)])) > 2
