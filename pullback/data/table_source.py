"""Columns from whatever holds a table: a file, a frame of any make, arrays."""

from __future__ import annotations

import difflib
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from pullback.core.errors import DataError, missing_extra
from pullback.data.table_column import (
    Column,
    compacted,
    days_since_1970,
    from_booleans,
    from_days,
    from_numbers,
    from_objects,
)
from pullback.data.table_csv import Progress, read_csv

CSV_SUFFIXES = (".csv", ".tsv", ".txt")
Kinds = Mapping[str, str]
PARQUET_SUFFIXES = (".parquet", ".pq")


def read_columns(
    source: Any, kinds: Mapping[str, str] | None = None, progress: Progress | None = None, *, narrow: bool = False
) -> tuple[list[Column], list[str]]:
    """Typed columns of a source, in its order, and remarks on how it was read.

    Parameters
    ----------
    source : path of a CSV, Parquet or NPZ file; a frame that narwhals knows (pandas, polars, pyarrow, ...); a mapping
        from name to array; a two-dimensional NumPy array, whose columns are called x0, x1, ...
    kinds : column -> kind, as `as_kind` knows them, where it is known: text is then not interpreted. A column may
        still come as another kind.
    progress : called with bytes read and bytes in all while a CSV is read.
    narrow : numbers in float32 where `compact` keeps them so, but for those that `kinds` calls a category: as text
        they need all their digits.

    Raises
    ------
    DataError
        if there is no such file, it cannot be read, or it has no rows.
    MissingExtraError
        for a Parquet file without pyarrow.
    """
    kinds = kinds or {}
    if isinstance(source, str | Path):
        columns, notes = _read_file(Path(source), kinds, progress, narrow)
    elif isinstance(source, np.ndarray):
        columns, notes = _from_arrays({"x": source}, kinds), []
    elif isinstance(source, Mapping):
        columns, notes = _from_arrays(source, kinds), []
    else:
        columns, notes = _from_frame(source, kinds), []
    _check_whole(columns)
    if narrow:
        columns = [column if kinds.get(column.name) == "category" else compacted(column) for column in columns]
    return columns, notes


def source_name(source: Any) -> str:
    """A name for the data: the file's own, or "table"."""
    return Path(source).stem if isinstance(source, str | Path) else "table"


def _check_whole(columns: list[Column]) -> None:
    lengths = {len(column) for column in columns}
    if not columns or lengths == {0}:
        raise DataError("the table is empty", expected="at least one row and one column", got="none", fix="check it")
    if len(lengths) > 1:
        raise DataError(
            "the columns differ in length",
            expected="one value a row in every column",
            got=", ".join(f"{column.name}: {len(column)}" for column in columns[:6]),
            fix="pass arrays of equal length",
        )
    seen: set[str] = set()
    for column in columns:
        if column.name in seen:
            raise DataError(f"two columns are called {column.name!r}", expected="different names", fix="rename one")
        seen.add(column.name)


def _read_file(path: Path, kinds: Kinds, progress: Progress | None, narrow: bool) -> tuple[list[Column], list[str]]:
    if not path.is_file():
        raise _no_file(path)
    suffix = path.suffix.lower()
    if suffix in CSV_SUFFIXES:
        return read_csv(path, kinds, progress, narrow=narrow)
    if suffix in PARQUET_SUFFIXES:
        return _from_frame(_read_parquet(path), kinds), []
    if suffix == ".npz":
        return _from_arrays(_read_npz(path), kinds), []
    raise DataError(
        f"{path} is of a kind that is not read",
        expected=f"a file ending in {', '.join((*CSV_SUFFIXES, *PARQUET_SUFFIXES, '.npz'))}",
        got=suffix or "no ending",
        fix="convert the file; CSV always works",
    )


def _no_file(path: Path) -> DataError:
    if path.is_dir():
        return DataError(f"{path} is a folder", expected="a file", got="a folder", fix="name a file in it")
    there = [file.name for file in path.parent.iterdir() if file.is_file()] if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, there, n=1)
    return DataError(
        f"there is no file {path}",
        expected="the path of a CSV, Parquet or NPZ file",
        got="nothing at this path",
        fix=f"did you mean {path.parent / near[0]}?" if near else "check the path",
    )


def _read_parquet(path: Path) -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise missing_extra("pyarrow", "parquet", "reading a Parquet file") from None
    try:
        return pyarrow.parquet.read_table(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(
            f"{path} cannot be read as Parquet", expected="a whole Parquet file", got=str(error)[:120], fix="check it"
        ) from error


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    try:
        # Opened here, because NumPy leaves a damaged archive open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except ValueError as error:
        raise DataError(
            f"{path} holds Python objects, which only unpickling could read and which may run any code",
            expected="arrays of numbers, truth values, dates or texts of fixed width",
            got=str(error).split(".")[0][:120],
            fix='save texts with numpy.array(values, dtype="U"), not as objects',
        ) from error
    except (zipfile.BadZipFile, EOFError, OSError, AttributeError) as error:
        raise DataError(
            f"{path} is no NPZ archive", expected="what numpy.savez writes", got=str(error)[:120], fix="check the file"
        ) from error


def _from_arrays(arrays: Mapping[str, Any], kinds: Kinds) -> list[Column]:
    """One column an array of one axis; an array of two axes gives one a column, called by its name and number."""
    names = arrays.get("feature_names")
    columns: list[Column] = []
    for name, values in arrays.items():
        array = np.asarray(values)
        if name == "feature_names" and array.ndim == 1 and array.dtype.kind in "UO":
            continue
        if array.ndim == 1:
            columns.append(_from_array(str(name), array, kinds))
        elif array.ndim == 2:
            own = names if names is not None and len(names) == array.shape[1] else None
            labels = map(str, own) if own is not None else (f"{name}{number}" for number in range(array.shape[1]))
            columns += [_from_array(label, array[:, number], kinds) for number, label in enumerate(labels)]
        else:
            raise DataError(
                f"array {name!r} is no column and no table",
                expected="one axis, or two: rows and columns",
                got=f"shape {array.shape}",
                fix="flatten what belongs to one row, or use an image data set",
            )
    return columns


def _from_array(name: str, values: np.ndarray, kinds: Kinds) -> Column:
    kind = values.dtype.kind
    if kind == "b":
        return from_booleans(name, values)
    if kind in "iuf":
        return from_numbers(name, values)
    if kind == "M":
        return from_days(name, days_since_1970(values))
    if kind in "UO":
        # An empty text of fixed width is how such an array says that a value is missing.
        objects = np.array([value or None for value in values.tolist()], object) if kind == "U" else values
        return from_objects(name, objects, kinds.get(name))
    raise DataError(
        f"column {name!r} is of a type that is not read",
        expected="numbers, truth values, dates or texts",
        got=str(values.dtype),
        fix="convert the column",
    )


def _from_frame(source: Any, kinds: Kinds) -> list[Column]:
    if isinstance(source, pd.DataFrame):
        source = source.set_axis([str(name) for name in source.columns], axis=1)
    try:
        frame = nw.from_native(source)
    except TypeError as error:
        raise DataError(
            "this is no table",
            expected="a path, a frame (pandas, polars, pyarrow, ...), a mapping of arrays or a NumPy array",
            got=type(source).__name__,
            fix="pass one of these",
        ) from error
    except Exception as error:
        raise DataError("the frame cannot be used", got=f"{type(error).__name__}: {error}"[:200]) from error
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    return [_from_series(str(name), frame.get_column(name), kinds) for name in frame.columns]


def _from_series(name: str, series: nw.Series[Any], kinds: Kinds) -> Column:
    dtype = series.dtype
    if dtype == nw.Boolean:
        return from_booleans(name, _floats(series))
    if dtype == nw.Float32 or dtype == nw.Float64:
        return from_numbers(name, np.asarray(series.to_numpy(), np.float32 if dtype == nw.Float32 else np.float64))
    if dtype.is_numeric():
        return from_numbers(name, _floats(series))
    if dtype == nw.Datetime or dtype == nw.Date:
        return from_days(name, _floats(series.dt.timestamp("us")) / 86_400e6)
    if dtype in (nw.String, nw.Object, nw.Categorical, nw.Enum):
        return from_objects(name, series.to_list(), kinds.get(name))
    if dtype == nw.Unknown and series.is_null().all():
        return from_numbers(name, np.full(len(series), np.nan))
    raise DataError(
        f"column {name!r} is of a type that is not read",
        expected="numbers, truth values, dates or texts",
        got=str(dtype),
        fix="convert the column, or leave it out with drop",
    )


def _floats(series: nw.Series[Any]) -> np.ndarray:
    return np.asarray(series.cast(nw.Float64).to_numpy(), np.float64)
