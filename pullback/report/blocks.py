"""The pieces a report is made of: plain data, each with a template of its kind's name in `templates/blocks/`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from markupsafe import Markup

from pullback.report.figures.svg import Panel
from pullback.report.findings.finding import Finding


@dataclass(frozen=True)
class Prose:
    """One paragraph."""

    kind: ClassVar[str] = "prose"
    text: str


@dataclass(frozen=True)
class Column:
    """Heading of a table column; numbers stand to the right."""

    label: str
    numeric: bool = False
    style: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of cells under headings; the first cell of a row is its heading."""

    kind: ClassVar[str] = "table"
    label: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str | Markup]]
    total: Sequence[str] = ()
    caption: str = ""
    folded: str = ""


@dataclass(frozen=True)
class Facts:
    """Names and values, under a heading."""

    title: str
    pairs: Sequence[tuple[str, str | Markup]]


@dataclass(frozen=True)
class FactColumns:
    """Lists of facts side by side."""

    kind: ClassVar[str] = "fact_columns"
    lists: Sequence[Facts]


@dataclass(frozen=True)
class Figures:
    """Drawings with captions."""

    kind: ClassVar[str] = "figures"
    panels: Sequence[Panel]


@dataclass(frozen=True)
class Findings:
    """Findings, most important first."""

    kind: ClassVar[str] = "findings"
    findings: Sequence[Finding]


@dataclass(frozen=True)
class ConfusionCell:
    """Count and percentage of the row; `style` is hit, miss or none, `share` in [0, 1] its shade."""

    count: str
    percent: str
    style: str
    share: str


@dataclass(frozen=True)
class ConfusionMatrix:
    """Counts by observed class (row) and predicted class (column)."""

    kind: ClassVar[str] = "confusion_matrix"
    class_names: Sequence[str]
    rows: Sequence[tuple[str, Sequence[ConfusionCell], str]]
    column_totals: Sequence[str]
    total: str
    caption: str


@dataclass(frozen=True)
class ImageExample:
    """An image with what the model said about it; no `answer` where it was right."""

    address: str
    description: str
    observed: str
    observed_probability: str
    answer: str
    answer_probability: str
    row: str


@dataclass(frozen=True)
class Images:
    """Small images in a grid; `aspect` is width over height."""

    kind: ClassVar[str] = "images"
    examples: Sequence[ImageExample]
    aspect: str


@dataclass(frozen=True)
class Code:
    """Text to be typed as it stands."""

    kind: ClassVar[str] = "code"
    text: str


Block = Prose | Table | FactColumns | Figures | Findings | ConfusionMatrix | Images | Code


@dataclass(frozen=True)
class Section:
    """A part of the report with its own heading."""

    anchor: str
    title: str
    blocks: Sequence[Block]
