"""One column of a table: its kind, its values, and what its text or numbers are taken to mean."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from pullback.core.errors import ConfigurationError, DataError, unknown_name

KINDS = ("number", "category", "boolean", "date")
# Tried in this order. The first stands for dates and times as ISO 8601 writes them.
DATE_FORMATS = ("ISO8601", "%Y/%m/%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%m-%d-%Y", "%d-%m-%Y", "%d %b %Y")
_LOOKS_LIKE_DATE = re.compile(r"\d{1,4}[-/. ](\d{1,2}|[A-Za-z]{3})[-/. ]\d{1,4}")
MISSING_CODE = -1
READABLE = (str, int, float, np.number, np.bool_, Decimal, type(None), type(pd.NA), type(pd.NaT))


@dataclass(frozen=True, eq=False)
class Column:
    """Values of one variable, row by row.

    Parameters
    ----------
    name : as in the source.
    kind : "number", "category", "boolean" or "date".
    values : shape (n,). Numbers are floating, booleans 0 or 1, dates days since 1970-01-01 in UTC, each with NaN where
        the value is missing; categories are int32 codes into `levels`, -1 where missing.
    levels : texts of a category, sorted.
    date_format : how the text of a date is read, "ISO8601" or codes of `strptime`; None where the source has dates.
    note : what was decided about the column, if a reader should know.
    fault : why the column cannot be used as it is; raised when it is used, so that it can be dropped or read as
        another kind.
    """

    name: str
    kind: str
    values: np.ndarray
    levels: tuple[str, ...] = ()
    date_format: str | None = None
    note: str | None = None
    fault: DataError | None = None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def missing(self) -> np.ndarray:
        """Which rows have no value."""
        return self.values == MISSING_CODE if self.kind == "category" else np.isnan(self.values)


# A number rounded to float32 errs by at most 2^-24 of itself, so by a millionth of a span that is 16 times smaller.
MOST_SPANS = 16.0
# The rule for a part of a column. If the whole of it exceeds 16 spans, each of its values exceeds 15, and more than 8
# spans of any part: so no part is rounded of a column that as a whole is kept.
MOST_SPANS_OF_A_PART = 8.0
FLOAT32_RANGE = (1e-30, 1e38)


def compact(values: np.ndarray, most_spans: float = MOST_SPANS) -> np.ndarray:
    """Real numbers in float32 where that loses at most a millionth of their range, or nothing; otherwise in float64.

    Examples
    --------
    >>> compact(np.array([0.1, 0.2, 7.0])).dtype.name, compact(np.array([1e9, 1e9 + 1])).dtype.name
    ('float32', 'float64')
    """
    if values.dtype == np.float32:
        return values
    wide = values.astype(np.float64, copy=False)
    finite = np.isfinite(wide)
    low, high = wide.min(initial=np.inf, where=finite), wide.max(initial=-np.inf, where=finite)
    largest, span = max(abs(low), abs(high)), high - low
    smallest_span, largest_number = FLOAT32_RANGE
    if not finite.any() or (largest <= most_spans * span and span > smallest_span and largest < largest_number):
        return wide.astype(np.float32)
    with np.errstate(over="ignore", under="ignore"):
        narrow = wide.astype(np.float32)
    return narrow if np.array_equal(narrow, wide, equal_nan=True) else wide


def compacted(column: Column) -> Column:
    """The column with its numbers as `compact` keeps them."""
    return replace(column, values=compact(column.values)) if column.kind == "number" else column


def from_numbers(name: str, values: np.ndarray) -> Column:
    """A column of real numbers; an infinite value is a fault."""
    values = values if values.dtype.kind == "f" else values.astype(np.float64)
    if values.dtype.itemsize < 4:
        values = values.astype(np.float32)
    infinite = np.flatnonzero(np.isinf(values))
    fault = None
    if len(infinite):
        fault = DataError(
            f"column {name!r} is infinite in row {infinite[0]}",
            expected="finite numbers, or nothing where a value is missing",
            got=f"{values[infinite[0]]} ({len(infinite)} such rows)",
            fix="leave the field empty where the value is unknown, or drop these rows",
        )
    return Column(name, "number", values, fault=fault)


def from_booleans(name: str, values: np.ndarray) -> Column:
    """A column of truth values given as 0, 1 and NaN, or as NumPy booleans."""
    return Column(name, "boolean", values.astype(np.float32))


def from_days(name: str, days: np.ndarray) -> Column:
    """A column of dates given as days since 1970-01-01."""
    return Column(name, "date", days.astype(np.float64))


def from_objects(name: str, values: Sequence[object] | np.ndarray, kind: str | None = None) -> Column:
    """A column of Python objects: texts, numbers, truth values, None; `kind` as for `from_text`.

    Raises
    ------
    DataError
        for an object of another type; names the row.
    """
    array = np.empty(len(values), object)
    array[:] = values if isinstance(values, np.ndarray) else list(values)
    for row, value in enumerate(array):
        if not isinstance(value, READABLE):
            raise DataError(
                f"column {name!r} holds a {type(value).__name__} in row {row}",
                expected="numbers, texts, truth values or dates",
                got=repr(value)[:60],
                fix="convert the column, or leave it out with drop",
            )
    codes, uniques = pd.factorize(array)
    texts = [str(unique) for unique in uniques]
    distinct, first = np.unique(np.array(texts, object), return_inverse=True) if texts else (texts, codes[:0])
    return from_text(name, np.append(first, MISSING_CODE)[codes], list(distinct), kind)


def from_text(name: str, codes: np.ndarray, texts: Sequence[str], kind: str | None = None) -> Column:
    """A column of texts, as codes into distinct `texts` (-1: missing), with the meaning that all its texts share.

    Truth values and dates are recognized, and numbers written as text. That numbers prevail but not all texts are
    numbers is a fault: nobody can say what the others mean.

    Parameters
    ----------
    kind : "category" or "date:FORMAT" leaves no guess; None and other kinds do.
    """
    wanted, date_format = split_kind(kind) if kind is not None else (None, None)
    if wanted == "category":
        return _category(name, codes, texts)
    if date_format is not None:
        return read_dates(name, codes, texts, date_format)
    if {text.casefold() for text in texts} <= {"true", "false"} and texts:
        truth = np.array([text.casefold() == "true" for text in texts] + [np.nan], np.float32)
        return Column(name, "boolean", truth[codes])
    is_number, numbers = _numbers(texts)
    if texts and is_number.all():
        return from_numbers(name, np.append(numbers, np.nan)[codes])
    present = codes[codes >= 0]
    if len(present) and is_number[present].mean() > 0.5:
        return replace(_category(name, codes, texts), fault=_mixture(name, codes, texts, is_number))
    date_format, note = guess_date_format(texts)
    if date_format is not None:
        return replace(read_dates(name, codes, texts, date_format), note=note)
    return _category(name, codes, texts)


def _numbers(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Which texts are numbers, and the numbers."""
    series = pd.Series(list(texts), dtype=object)
    converted: Any = pd.to_numeric(series, errors="coerce")
    numbers = converted.to_numpy(np.float64, na_value=np.nan)
    return ~np.isnan(numbers), numbers


def _mixture(name: str, codes: np.ndarray, texts: Sequence[str], is_number: np.ndarray) -> DataError:
    words = (codes >= 0) & ~np.append(is_number, True)[codes]
    row = int(np.flatnonzero(words)[0])
    return DataError(
        f"column {name!r} holds numbers and text: row {row} is {texts[codes[row]]!r}",
        expected="numbers everywhere, or text everywhere",
        got=f"{int(words.sum())} texts among {int((codes >= 0).sum())} values",
        fix=f'mend the source (an empty field is a missing value), or pass kinds={{"{name}": "category"}}',
    )


def _category(name: str, codes: np.ndarray, texts: Sequence[str]) -> Column:
    order = np.argsort(np.array(list(texts), dtype=object), kind="stable")
    rank = np.empty(len(order) + 1, np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    # The last entry is what the code -1 picks.
    rank[-1] = MISSING_CODE
    return Column(name, "category", rank[codes], tuple(str(texts[i]) for i in order))


def guess_date_format(texts: Sequence[str]) -> tuple[str | None, str | None]:
    """The one format by which every text is a date, and a remark where two would do; (None, None) for other texts.

    Examples
    --------
    >>> guess_date_format(["2024-01-31", "2024-02-01"]), guess_date_format(["31/01/2024"])
    (('ISO8601', None), ('%d/%m/%Y', None))
    >>> guess_date_format(["red", "blue"])
    (None, None)
    """
    if not texts or not all(_LOOKS_LIKE_DATE.match(text) for text in texts[:20]):
        return None, None
    fitting = [form for form in DATE_FORMATS if not pd.isna(parse_dates(texts, form)).any()]
    if not fitting:
        return None, None
    other = next((form for form in fitting[1:] if form.startswith(("%d", "%m"))), None)
    note = f"dates read as {fitting[0]}, and {other} would fit as well; say which by kinds" if other else None
    return fitting[0], note


def parse_dates(texts: Sequence[str], date_format: str) -> np.ndarray:
    """The texts as datetime64, NaT where a text does not follow the format."""
    dates = pd.to_datetime(pd.Series(list(texts), dtype=object), format=date_format, errors="coerce", utc=True)
    return dates.dt.tz_localize(None).to_numpy()


def days_since_1970(dates: np.ndarray) -> np.ndarray:
    """Days since 1970-01-01 as float64, NaN for NaT."""
    moments = dates.astype("datetime64[us]")
    days = moments.astype(np.int64) / 86_400e6
    return np.where(np.isnat(moments), np.nan, days)


def read_dates(name: str, codes: np.ndarray, texts: Sequence[str], date_format: str) -> Column:
    """A column of dates from texts.

    Raises
    ------
    DataError
        for a text that is no date by this format; names the row.
    """
    days = days_since_1970(parse_dates(texts, date_format)) if len(texts) else np.empty(0)
    wrong = np.flatnonzero((codes >= 0) & np.isnan(np.append(days, 0.0))[codes])
    if len(wrong):
        raise DataError(
            f"column {name!r} is no date in row {wrong[0]}",
            expected=f"dates written as {date_format}",
            got=f"{texts[int(codes[wrong[0]])]!r} ({len(wrong)} such rows)",
            fix=f'mend these rows, or name the format: kinds={{"{name}": "date:%d.%m.%Y"}}',
        )
    return Column(name, "date", np.append(days, np.nan)[codes], date_format=date_format)


def number_text(value: float | np.floating) -> str:
    """A number as the text of a category: 3 and 3.0 are the same level.

    Examples
    --------
    >>> number_text(3.0), number_text(2.5)
    ('3', '2.5')
    """
    return str(int(value)) if value == int(value) else str(value)


def as_category(column: Column) -> Column:
    """The column as a category, numbers and truth values by their text."""
    if column.kind == "category":
        return replace(column, fault=None)
    if column.kind == "date":
        raise _cannot(column, "category")
    codes, uniques = pd.factorize(column.values)
    name_of = (lambda value: str(bool(value))) if column.kind == "boolean" else number_text
    return _category(column.name, codes, [name_of(unique) for unique in uniques])


def as_kind(column: Column, kind: str, date_format: str | None = None) -> Column:
    """The column read as `kind`, whatever its values looked like in this source.

    Raises
    ------
    DataError
        if a value cannot be read that way; names the row.
    """
    if kind not in KINDS:
        raise unknown_name(f"kind of column {column.name!r}", kind, KINDS)
    if column.missing.all():
        empty = np.full(len(column), MISSING_CODE, np.int32) if kind == "category" else np.full(len(column), np.nan)
        return Column(column.name, kind, empty)
    if kind == "category":
        return as_category(column)
    if column.fault is not None:
        raise column.fault
    if kind == "date" and column.kind == "category":
        form = date_format or guess_date_format(column.levels)[0] or "ISO8601"
        return read_dates(column.name, column.values, column.levels, form)
    if kind == column.kind:
        return column
    if kind == "number" and column.kind == "boolean":
        return Column(column.name, "number", column.values)
    if kind == "boolean" and column.kind == "number":
        if np.isin(column.values[~column.missing], (0, 1)).all():
            return Column(column.name, "boolean", column.values.astype(np.float32))
    raise _cannot(column, kind)


def _cannot(column: Column, kind: str) -> DataError:
    row = int(np.flatnonzero(~column.missing)[0])
    if column.kind == "category":
        is_number, _ = _numbers(column.levels)
        words = np.flatnonzero(~column.missing & ~np.append(is_number, True)[column.values])
        row = int(words[0]) if len(words) else row
    value = column.levels[column.values[row]] if column.kind == "category" else column.values[row]
    return DataError(
        f"column {column.name!r} cannot be read as a {kind}",
        expected=f"a {kind} in every row",
        got=f"a {column.kind}; row {row} is {value!r}",
        fix="mend the source, or name another kind for the column",
    )


def split_kind(text: str) -> tuple[str, str | None]:
    """Kind and date format of what a user wrote: "category", "date", "date:%d.%m.%Y".

    Examples
    --------
    >>> split_kind("date:%d.%m.%Y")
    ('date', '%d.%m.%Y')
    """
    kind, _, form = text.partition(":")
    if kind not in KINDS:
        raise unknown_name("kind of column", kind, KINDS)
    if form and kind != "date":
        raise ConfigurationError(
            f"the kind {text!r} has a format", expected='only "date:FORMAT" has one', got=repr(text), fix=f"say {kind}"
        )
    return kind, form or None
