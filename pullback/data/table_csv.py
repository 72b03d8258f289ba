"""Columns from a file of comma-separated values, in bounded memory.

pandas parses the text in chunks; what is kept of a chunk are numbers of 4 or 8 bytes and codes of 4 bytes a text.
"""

from __future__ import annotations

import codecs
import csv
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Set
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pullback.core.errors import DataError
from pullback.data.table_column import MOST_SPANS_OF_A_PART, Column, compact, from_numbers, from_text

Progress = Callable[[int, int], None]
CELLS_PER_CHUNK = 1_000_000
BLOCK = 1 << 20
DELIMITERS = (",", ";", "\t", "|")
# A number is what Python reads in its text. pandas 3.1 does so by itself and deprecates the option.
_PANDAS = tuple(int(part) for part in pd.__version__.split(".")[:2])
EXACT_NUMBERS: dict[str, Any] = {} if _PANDAS >= (3, 1) else {"float_precision": "round_trip"}
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def detect_encoding(path: Path) -> str:
    """The encoding of a text file: UTF-8 if every byte agrees, UTF-16 by its mark or its zero bytes, else Windows-1252.

    Every byte sequence is text in Latin-1, so it is what remains when Windows-1252 has no character for a byte.
    """
    with path.open("rb") as file:
        start = file.read(4096)
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if start.startswith(mark):
            return encoding
    if start[1::2].count(0) > len(start) // 4:
        return "utf-16-le"
    if start[0::2].count(0) > len(start) // 4:
        return "utf-16-be"
    return next(encoding for encoding in ("utf-8", "cp1252", "latin-1") if _decodes(path, encoding))


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as file:
        try:
            while block := file.read(BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def check_text(path: Path, encoding: str) -> None:
    """Raise for a file that holds zero bytes and is not UTF-16."""
    with path.open("rb") as file:
        place = file.read(BLOCK).find(0)
    if place >= 0 and not encoding.startswith("utf-16"):
        raise DataError(
            f"{path} is not text",
            expected="lines of fields with a separator between them",
            got=f"a zero byte at position {place}",
            fix="export the table as CSV",
        )


def check_header(path: Path, encoding: str, delimiter: str) -> None:
    """Raise for two columns of one name, one of which pandas would rename silently."""
    with path.open(encoding=encoding, newline="") as file:
        names = next(filter(None, csv.reader(file, delimiter=delimiter, skipinitialspace=True)), [])
    twice = [name for name, count in Counter(names).items() if count > 1 and name]
    if twice:
        places = [str(place) for place, name in enumerate(names, 1) if name == twice[0]]
        raise DataError(
            f"two columns of {path} are called {twice[0]!r}",
            expected="different names",
            got=f"{twice[0]!r} in columns {' and '.join(places)}",
            fix="rename one in the first line",
        )


def detect_delimiter(path: Path, encoding: str) -> str:
    """The separator that the header line has most of; a comma if it has none."""
    with path.open(encoding=encoding, newline="") as file:
        header = re.sub(r'"[^"]*"', "", file.readline())
    return max(DELIMITERS, key=header.count)


def read_csv(
    path: Path, kinds: Mapping[str, str] | None = None, progress: Progress | None = None, *, narrow: bool = False
) -> tuple[list[Column], list[str]]:
    """All columns of the file, and remarks on how it was read.

    Parameters
    ----------
    kinds : column -> kind where it is known; others are inferred.
    progress : called with the bytes read so far and the size of the file, after each chunk.
    narrow : keep numbers in float32 where `compact` would do so for the whole column.

    Raises
    ------
    DataError
        for an empty file, a line with too many or too few fields (its number is given), or a column of mixed types.
    """
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty", expected="a line of column names, then rows", got="0 bytes", fix="check it")
    encoding = detect_encoding(path)
    check_text(path, encoding)
    delimiter = detect_delimiter(path, encoding)
    check_header(path, encoding, delimiter)
    notes = [] if encoding == "utf-8" else [f"encoding detected: {ENCODING_NAMES.get(encoding, encoding)}"]
    notes += [] if delimiter == "," else [f"separator detected: {delimiter!r}"]
    kinds = kinds or {}
    texts = {name for name, kind in kinds.items() if kind.startswith(("category", "date"))}
    gathered = gather(path, encoding, delimiter, texts, progress, narrow)
    if changing := {name for name, column in gathered.items() if column.changes}:
        # Numbers in one chunk and text in another: only as text do they keep what was written, such as leading zeros.
        gathered = gather(path, encoding, delimiter, texts | changing, progress, narrow)
    if not gathered or not len(next(iter(gathered.values()))):
        raise DataError(
            f"{path} has no rows", expected="rows below the line of column names", got="none", fix="check the file"
        )
    columns = []
    for name in list(gathered):
        columns.append(gathered.pop(name).column(kinds.get(name)))
    return columns, notes


def gather(
    path: Path, encoding: str, delimiter: str, texts: Set[str], progress: Progress | None, narrow: bool
) -> dict[str, Gathered]:
    """All chunks of the file, column by column; those in `texts` are read as text."""
    gathered: dict[str, Gathered] = {}
    doubtful = False
    for chunk in chunks(path, encoding, delimiter, texts, progress):
        if not gathered:
            gathered = {name: Gathered(name) for name in map(str, chunk.columns)}
        for column, (_, values) in zip(gathered.values(), chunk.items(), strict=True):
            column.add(values, narrow)
        doubtful = doubtful or bool(chunk.iloc[:, -1].isna().any())
    if doubtful:
        # pandas fills a line that stops early with missing values; only a look at the fields tells it from empty ones.
        check_fields(path, encoding, delimiter, len(gathered))
    return gathered


ENCODING_NAMES = {
    "utf-8-sig": "UTF-8 with a byte order mark",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "cp1252": "Windows-1252",
    "latin-1": "Latin-1",
}


def chunks(
    path: Path, encoding: str, delimiter: str, texts: Set[str], progress: Progress | None
) -> Iterator[pd.DataFrame]:
    """Frames of about a million cells each."""
    size = path.stat().st_size
    with path.open("rb") as raw, warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            names = pd.read_csv(path, encoding=encoding, sep=delimiter, nrows=0, index_col=False).columns
            reader = pd.read_csv(
                raw,
                encoding=encoding,
                sep=delimiter,
                chunksize=max(CELLS_PER_CHUNK // len(names), 100),
                index_col=False,
                skipinitialspace=True,
                low_memory=False,
                **EXACT_NUMBERS,
                dtype={name: str for name in names if name in texts},
            )
            for chunk in reader:
                yield chunk
                if progress is not None:
                    progress(raw.tell(), size)
        except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
            check_fields(path, encoding, delimiter, None)
            raise DataError(f"{path} cannot be read as a table", got=str(error), fix="mend the file") from error
        except pd.errors.EmptyDataError as error:
            raise DataError(f"{path} is empty", expected="a line of column names, then rows", fix="check it") from error


def check_fields(path: Path, encoding: str, delimiter: str, expected: int | None) -> None:
    """Raise for the first line whose number of fields differs from the header's."""
    with path.open(encoding=encoding, newline="") as file:
        rows = csv.reader(file, delimiter=delimiter, skipinitialspace=True)
        width = expected
        for row in rows:
            if not row:
                continue
            width = width or len(row)
            if len(row) != width:
                raise DataError(
                    f"line {rows.line_num} of {path} has {len(row)} fields",
                    expected=f"{width} fields, as in the line of column names",
                    got=delimiter.join(row)[:80],
                    fix="mend the line; a field that holds the separator must be quoted",
                )


class Gathered:
    """One column while its file is read: numbers in compact form, texts as codes into one growing list."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.parts: list[tuple[bool, np.ndarray]] = []
        self.codes: dict[str, int] = {}

    def __len__(self) -> int:
        return sum(len(values) for _, values in self.parts)

    def add(self, values: pd.Series, narrow: bool) -> None:
        """Take the values of the next chunk."""
        if pd.api.types.is_bool_dtype(values.dtype) or not pd.api.types.is_numeric_dtype(values.dtype):
            codes, uniques = pd.factorize(values.to_numpy(object))
            self.parts.append((False, self._code(codes, np.asarray(uniques, object))))
        else:
            numbers = values.to_numpy()
            self.parts.append((True, compact(numbers, MOST_SPANS_OF_A_PART) if narrow else numbers))

    def _code(self, codes: np.ndarray, uniques: np.ndarray) -> np.ndarray:
        known = self.codes
        own = [known.setdefault(str(unique), len(known)) for unique in uniques]
        return np.array([*own, -1], np.int32)[codes]

    @property
    def changes(self) -> bool:
        """Whether some chunks held numbers and others text; a chunk of gaps is neither."""
        return len({is_number for is_number, values in self.parts if not (is_number and np.isnan(values).all())}) > 1

    def column(self, kind: str | None) -> Column:
        """The whole column."""
        if all(is_number for is_number, _ in self.parts):
            return from_numbers(self.name, np.concatenate([values for _, values in self.parts]))
        # What is a number here has gaps alone.
        gaps = [np.full(len(values), -1, np.int32) if is_number else values for is_number, values in self.parts]
        return from_text(self.name, np.concatenate(gaps), list(self.codes), kind)
