"""The coefficients of a linear model with their errors, and what the residuals say of its assumptions."""

from __future__ import annotations

from typing import Any

from pullback.report.blocks import Block, Column, Prose, Section, Table
from pullback.report.records import Record, read_optional, records, text
from pullback.report.run_folder import RunFolder

LONGEST_TABLE = 60


def coefficients_section(run: RunFolder) -> Section | None:
    """The tables of `coefficients.json`, or None for a run without coefficients."""
    record = read_optional(run.path / "coefficients.json")
    rows = _rows(record, "rows")
    if not rows:
        return None
    head, *others = _strings(record.get("columns"))
    columns = [Column(head or "column", style="code"), *(Column(name, True) for name in others)]
    blocks: list[Block] = [
        Table(
            "Coefficients",
            columns,
            [row for row in rows if len(row) == len(columns)],
            folded="" if len(rows) <= LONGEST_TABLE else f"All {len(rows)} coefficients",
        )
    ]
    blocks += [Prose(note) for note in _strings(record.get("notes"))]
    facts = [row for row in _rows(record, "head") if len(row) == 2]
    if facts:
        blocks.append(Table("Fit", [Column(""), Column("value", True)], facts))
    tests = [
        [text(entry, "name"), text(entry, "value"), text(entry, "says")] for entry in records(record, "diagnostics")
    ]
    if tests:
        blocks.append(
            Table("Diagnostics", [Column("diagnostic"), Column("value", True), Column("what it says")], tests)
        )
    return Section("coefficients", text(record, "title", "Coefficients"), blocks)


def _rows(record: Record, name: str) -> list[list[str]]:
    value = record.get(name)
    return [_strings(row) for row in value if isinstance(row, list)] if isinstance(value, list) else []


def _strings(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []
