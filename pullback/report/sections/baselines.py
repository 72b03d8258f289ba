"""The model beside honest baselines on the same rows."""

from __future__ import annotations

from pullback.report.blocks import Block, Column, Prose, Section, Table
from pullback.report.number_text import decimals_for, fixed, label_of, range_text
from pullback.report.records import Record, mapping, number, read_optional, records, text
from pullback.report.run_folder import RunFolder


def baselines_section(run: RunFolder) -> Section | None:
    """The table of `baselines.json`, or None for a run that was compared with nothing."""
    record = read_optional(run.path / "baselines.json")
    rows = [row for row in records(record, "rows") if number(row, "value") is not None]
    if not rows:
        return None
    metric = label_of(text(record, "metric", "score"))
    columns = [Column("model"), Column(metric, True, "strong"), Column("interval", True)]
    table = Table("Baselines", columns, [_row(row) for row in rows], caption="On the same held-out rows.")
    verdict = text(record, "verdict")
    blocks: list[Block] = [table, *_difference(mapping(record, "difference")), *([Prose(verdict)] if verdict else [])]
    return Section("baselines", "Baselines", blocks)


def _row(row: Record) -> list[str]:
    value, lower, upper = number(row, "value") or 0.0, number(row, "lower"), number(row, "upper")
    half = (upper - lower) / 2 if lower is not None and upper is not None else None
    decimals = decimals_for(value, half)
    limits = range_text(lower, upper, decimals) if lower is not None and upper is not None else "none"
    return [text(row, "name"), fixed(value, decimals), limits]


def _difference(record: Record) -> list[Block]:
    value, lower, upper = (number(record, name) for name in ("value", "lower", "upper"))
    if value is None or lower is None or upper is None:
        return []
    decimals = decimals_for(value, (upper - lower) / 2)
    words = (
        "the interval holds zero: these rows do not tell the two apart"
        if lower <= 0 <= upper
        else "the interval leaves zero out"
    )
    return [
        Prose(
            f"Paired difference of the model to the best baseline, {text(record, 'to', 'the best')}: "
            f"{fixed(value, decimals)}, 95% interval {range_text(lower, upper, decimals)}; {words}."
        )
    ]
