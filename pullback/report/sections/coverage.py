"""How often conformal sets or intervals hold the truth, measured on held-out rows."""

from __future__ import annotations

import math

from pullback.report.blocks import Block, Column, Prose, Section, Table
from pullback.report.number_text import count_text, fixed, level_text, number_text, percent_text, range_text
from pullback.report.original_units import target_location_and_scale
from pullback.report.records import Record, mapping, number, number_list, read_optional, records, text
from pullback.report.run_folder import RunFolder


def coverage_section(run: RunFolder) -> Section:
    """The table of `calibration.json`, or the sentence that the run was not calibrated."""
    record = read_optional(run.path / "calibration.json")
    bounds = records(record, "bounds")
    if not bounds:
        words = (
            "The run kept no calibration rows, so its predictions carry no conformal sets or intervals; "
            "train with calibration_data to have them."
        )
        return Section("coverage", "Coverage", [Prose(words)])
    sets = text(record, "score") == "least_ambiguous"
    _, scale = target_location_and_scale(run.preprocessing)
    found = [_row(bound, sets, scale) for bound in bounds]
    columns = [
        Column("level"), Column("covered", True, "strong"), Column("95% interval", True), Column("expected", True),
        Column("mean classes in a set" if sets else "mean width", True),
        Column("bound on 1 − p" if sets else "half width", True),
    ]  # fmt: skip
    n, split = count_text(int(number(record, "n") or 0)), text(record, "split") or "held-out"
    rows = next(count_text(int(number(mapping(mapping(bound, "coverage"), "found"), "n") or 0)) for bound in bounds)
    what = "the set of classes holds the observed one" if sets else "the interval holds the observed value"
    caption = (
        f"Share of {rows} {split} rows where {what}, with bounds from {n} calibration rows that were used for nothing "
        "else. Expected: limits that the share keeps with probability 99% if these rows are exchangeable."
    )
    return Section("coverage", "Coverage", [Table("Coverage", columns, found, caption=caption), *_verdict(bounds, n)])


def _row(bound: Record, sets: bool, scale: float) -> list[str]:
    coverage = mapping(bound, "coverage")
    found, expected = mapping(coverage, "found"), number_list(coverage, "expected")
    value, lower, upper = (number(found, name) for name in ("value", "lower", "upper"))
    size = number(coverage, "size")
    bounds = [math.inf if math.isnan(entry) else entry for entry in number_list(bound, "quantile")]
    unit = 1.0 if sets else scale
    limits = ", ".join(number_text(unit * entry) for entry in bounds[:4])
    return [
        level_text(number(bound, "level") or 0.0),
        "not measured" if value is None else percent_text(value),
        "" if lower is None or upper is None else f"{range_text(100 * lower, 100 * upper, 1)}%",
        f"{range_text(100 * expected[0], 100 * expected[1], 1)}%" if len(expected) == 2 else "",
        "∞" if size is None and coverage else ("" if size is None else _size(size, sets, unit)),
        limits,
    ]


def _size(size: float, sets: bool, unit: float) -> str:
    return fixed(size, 2) if sets else number_text(unit * size)


def _verdict(bounds: list[Record], n: str) -> list[Block]:
    blocks: list[Block] = []
    if any(math.isnan(entry) for bound in bounds for entry in number_list(bound, "quantile")):
        blocks.append(Prose(f"{n} calibration rows are too few for the level whose bound is infinite."))
    outside = [level_text(number(bound, "level") or 0.0) for bound in bounds if _below(bound)]
    if outside:
        blocks.append(
            Prose(
                f"At {', '.join(outside)} less is covered than chance allows: the held-out rows do not follow the law "
                "of the calibration rows."
            )
        )
    return blocks


def _below(bound: Record) -> bool:
    coverage = mapping(bound, "coverage")
    value, expected = number(mapping(coverage, "found"), "value"), number_list(coverage, "expected")
    return value is not None and len(expected) == 2 and value < expected[0]
