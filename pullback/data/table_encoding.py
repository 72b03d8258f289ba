"""How one column of a table becomes one or more columns of numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from pullback.data.table_column import MISSING_CODE, Column, as_kind

DAYS_PER_WEEK = 7


@dataclass(frozen=True)
class NumberEncoding:
    r"""$(x - \mu) / \sigma$, a gap replaced by the median, with an indicator of gaps if training had any.

    `single` says that the training column was kept in float32: later values are rounded in the same way, so that a row
    has the same inputs whatever the file or frame, and the other rows, it comes with.
    """

    name: str
    median: float
    mean: float
    scale: float
    had_gaps: bool
    single: bool
    kind: ClassVar[str] = "number"
    embedded: ClassVar[bool] = False

    @classmethod
    def fit(cls, column: Column) -> NumberEncoding:
        numbers, single = location_and_scale(column.values), column.values.dtype == np.float32
        return cls(column.name, *numbers, had_gaps=bool(column.missing.any()), single=bool(single))

    def feature_names(self) -> list[str]:
        return [self.name] + [f"{self.name} missing"] * self.had_gaps

    @property
    def source_kind(self) -> str:
        return self.kind

    def read(self, column: Column) -> Column:
        return as_kind(column, "number")

    def write(self, column: Column, out: np.ndarray) -> dict[str, int]:
        """Fill the columns `out`; levels that training never saw with their number of rows."""
        gaps = column.missing
        values = column.values.astype(np.float32, copy=False) if self.single else column.values
        out[:, 0] = standardized(values, gaps, self.median, self.mean, self.scale)
        if self.had_gaps:
            out[:, 1] = gaps
        return {}

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, **asdict(self)}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> NumberEncoding:
        numbers = (float(record[key]) for key in ("median", "mean", "scale"))
        return cls(record["name"], *numbers, had_gaps=bool(record["had_gaps"]), single=bool(record["single"]))


@dataclass(frozen=True)
class BooleanEncoding:
    """0 or 1, a gap replaced by the commoner of the two, with an indicator of gaps if training had any."""

    name: str
    fill: float
    had_gaps: bool
    kind: ClassVar[str] = "boolean"
    embedded: ClassVar[bool] = False

    @classmethod
    def fit(cls, column: Column) -> BooleanEncoding:
        known = column.values[~column.missing]
        return cls(column.name, float(len(known) > 0 and known.mean() >= 0.5), bool(column.missing.any()))

    def feature_names(self) -> list[str]:
        return [self.name] + [f"{self.name} missing"] * self.had_gaps

    @property
    def source_kind(self) -> str:
        return self.kind

    def read(self, column: Column) -> Column:
        return as_kind(column, "boolean")

    def write(self, column: Column, out: np.ndarray) -> dict[str, int]:
        gaps = column.missing
        out[:, 0] = np.where(gaps, self.fill, column.values)
        if self.had_gaps:
            out[:, 1] = gaps
        return {}

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, **asdict(self)}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> BooleanEncoding:
        return cls(record["name"], float(record["fill"]), bool(record["had_gaps"]))


@dataclass(frozen=True)
class DateEncoding:
    r"""Days since 1970, standardized, then month and weekday as points of the circle.

    $$ \cos 2\pi m / 12, \quad \sin 2\pi m / 12, \qquad \cos 2\pi w / 7, \quad \sin 2\pi w / 7 $$

    with the month $m$ from 0 and the weekday $w$ from 0, Monday. A gap becomes the median day and the center of both
    circles.
    """

    name: str
    date_format: str | None
    median: float
    mean: float
    scale: float
    had_gaps: bool
    kind: ClassVar[str] = "date"
    embedded: ClassVar[bool] = False

    @classmethod
    def fit(cls, column: Column) -> DateEncoding:
        numbers = location_and_scale(column.values)
        return cls(column.name, column.date_format, *numbers, had_gaps=bool(column.missing.any()))

    def feature_names(self) -> list[str]:
        parts = ["days", "month cos", "month sin", "weekday cos", "weekday sin"] + ["missing"] * self.had_gaps
        return [f"{self.name} {part}" for part in parts]

    @property
    def source_kind(self) -> str:
        return self.kind if self.date_format is None else f"{self.kind}:{self.date_format}"

    def read(self, column: Column) -> Column:
        return as_kind(column, "date", self.date_format)

    def write(self, column: Column, out: np.ndarray) -> dict[str, int]:
        gaps = column.missing
        out[:, 0] = standardized(column.values, gaps, self.median, self.mean, self.scale)
        days = np.floor(np.where(gaps, 0, column.values)).astype(np.int64)
        months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
        # The first of January 1970 was a Thursday.
        for start, turn in ((1, months / 12), (3, (days + 3) % DAYS_PER_WEEK / DAYS_PER_WEEK)):
            out[:, start] = np.where(gaps, 0, np.cos(2 * np.pi * turn))
            out[:, start + 1] = np.where(gaps, 0, np.sin(2 * np.pi * turn))
        if self.had_gaps:
            out[:, 5] = gaps
        return {}

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, **asdict(self)}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> DateEncoding:
        numbers = (float(record[key]) for key in ("median", "mean", "scale"))
        return cls(record["name"], record["date_format"], *numbers, had_gaps=bool(record["had_gaps"]))


@dataclass(frozen=True)
class CategoryEncoding:
    """One indicator a level, or with `embedded` one code: 0 for "other", then the levels from 1.

    `pooled` says that training had rare levels that count as "other". A gap is a level of its own where training had
    gaps, and otherwise "other".
    """

    name: str
    levels: tuple[str, ...]
    embedded: bool
    pooled: tuple[str, ...]
    had_gaps: bool
    kind: ClassVar[str] = "category"

    @classmethod
    def fit(cls, column: Column, one_hot_levels: int, rare: int) -> CategoryEncoding:
        present = column.values[~column.missing]
        counts = np.bincount(present, minlength=len(column.levels))
        kept = tuple(level for level, count in zip(column.levels, counts, strict=True) if count >= rare)
        pooled = tuple(level for level, count in zip(column.levels, counts, strict=True) if 0 < count < rare)
        had_gaps = bool(column.missing.any())
        if len(kept) <= one_hot_levels:
            return cls(column.name, kept, False, pooled, had_gaps)
        # An embedded gap is one more level; no text of a column is empty.
        return cls(column.name, kept + ("",) * had_gaps, True, pooled, had_gaps)

    def feature_names(self) -> list[str]:
        if self.embedded:
            return [self.name]
        names = [f"{self.name}={level}" for level in self.levels]
        return names + [f"{self.name}=other"] * bool(self.pooled) + [f"{self.name} missing"] * self.had_gaps

    @property
    def source_kind(self) -> str:
        return self.kind

    def read(self, column: Column) -> Column:
        return as_kind(column, "category")

    def write(self, column: Column, out: np.ndarray) -> dict[str, int]:
        code_of = {level: code for code, level in enumerate(self.levels, 1)}
        table = np.array([code_of.get(level, 0) for level in column.levels] + [code_of.get("", 0)], np.int64)
        codes = table[column.values]
        if self.embedded:
            out[:, 0] = codes
        else:
            self._indicate(codes, column.missing, out)
        return self._unseen(column, code_of)

    def _indicate(self, codes: np.ndarray, gaps: np.ndarray, out: np.ndarray) -> None:
        rows = np.flatnonzero(codes)
        out[rows, codes[rows] - 1] = 1
        if self.pooled:
            out[:, len(self.levels)] = (codes == 0) & ~(gaps & self.had_gaps)
        if self.had_gaps:
            out[:, -1] = gaps

    def _unseen(self, column: Column, code_of: dict[str, int]) -> dict[str, int]:
        known = code_of.keys() | set(self.pooled)
        new = [code for code, level in enumerate(column.levels) if level not in known]
        if not new:
            return {}
        counts = np.bincount(column.values[column.values != MISSING_CODE], minlength=len(column.levels))
        return {column.levels[code]: int(counts[code]) for code in new if counts[code]}

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            **asdict(self),
            "levels": list(self.levels),
            "pooled": list(self.pooled),
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> CategoryEncoding:
        levels, pooled = (tuple(map(str, record[key])) for key in ("levels", "pooled"))
        return cls(record["name"], levels, bool(record["embedded"]), pooled, bool(record["had_gaps"]))


Encoding = NumberEncoding | BooleanEncoding | DateEncoding | CategoryEncoding
ENCODINGS: dict[str, Any] = {
    encoding.kind: encoding for encoding in (NumberEncoding, BooleanEncoding, DateEncoding, CategoryEncoding)
}


def fit_encoding(column: Column, one_hot_levels: int, rare: int) -> Encoding:
    """The encoding of a column by its kind."""
    if column.kind == "category":
        return CategoryEncoding.fit(column, one_hot_levels, rare)
    return ENCODINGS[column.kind].fit(column)


def location_and_scale(values: np.ndarray) -> tuple[float, float, float]:
    """Median, mean and standard deviation of the values that are there; the deviation of equal values is 1.

    Mean and deviation are those after imputation, so that the inputs of the training rows have mean 0 and variance 1.
    """
    known = values[~np.isnan(values)].astype(np.float64)
    if len(known) == 0:
        return 0.0, 0.0, 1.0
    median = float(np.median(known))
    if known.min() == known.max():
        return median, median, 1.0
    filled = np.append(known, np.full(len(values) - len(known), median))
    return median, float(filled.mean()), float(filled.std())


def standardized(values: np.ndarray, gaps: np.ndarray, median: float, mean: float, scale: float) -> np.ndarray:
    r"""$(x - \mu) / \sigma$ in float64 with gaps filled by the median."""
    wide = values.astype(np.float64)
    wide[gaps] = median
    wide -= mean
    wide /= scale
    return wide
