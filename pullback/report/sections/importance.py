"""What the model makes of each column: permutation importance and partial dependence."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pullback.report.blocks import Block, Figures, Prose, Section
from pullback.report.figures.importance import Curve, dependence_panel, importance_panel
from pullback.report.figures.svg import Panel
from pullback.report.number_text import count_text
from pullback.report.records import Record, number, number_list, read_optional, records, text, texts
from pullback.report.run_folder import RunFolder

MOST_COLUMNS = 20
MOST_CURVES = 2


def importance_section(run: RunFolder) -> Section | None:
    """Drawings of `explanations.json`; None where inputs are no table."""
    if len(run.data.input_shape) != 1:
        return None
    record = read_optional(run.path / "explanations.json")
    entries = [entry for entry in records(record, "importance") if _is_whole(entry)]
    if not entries:
        words = "The run recorded no importance of its columns."
        return Section("columns", "What the columns do", [Prose(words)])
    blocks: list[Block] = [Figures([_importance(record, entries)])]
    panels = [
        panel
        for place, entry in enumerate(records(record, "partial_dependence"))
        if (panel := _dependence(run, entry, place)) is not None
    ]
    if panels:
        blocks += [Prose(_dependence_words(run)), Figures(panels)]
    return Section("columns", "What the columns do", blocks)


def _is_whole(entry: Record) -> bool:
    numbers = [number(entry, name) for name in ("value", "lower", "upper")]
    return all(value is not None and math.isfinite(value) for value in numbers)


def _importance(record: Record, entries: Sequence[Record]) -> Panel:
    shown = entries[:MOST_COLUMNS]
    columns = [[number(entry, name) or 0.0 for entry in shown] for name in ("value", "lower", "upper")]
    unclear = sum(1 for entry in entries if (number(entry, "lower") or 0.0) <= 0)
    rows, repeats = (count_text(int(number(record, name) or 0)) for name in ("rows", "repeats"))
    caption = (
        f"Mean rise of the loss over {rows} held-out rows when the values of a column are shuffled among them, with "
        f"95% intervals (Student’s t over the rows; {repeats} shuffles). "
        f"For {unclear} of {len(entries)} columns the interval reaches zero. Of two columns that say the same, each "
        "may look unimportant."
    )
    if len(entries) > MOST_COLUMNS:
        caption += f" The first {MOST_COLUMNS} are drawn."
    return importance_panel([text(entry, "column") for entry in shown], columns[0], columns[1], columns[2], caption)


def _dependence(run: RunFolder, entry: Record, place: int) -> Panel | None:
    grid = np.array(number_list(entry, "values"))
    curves = _curves(run, entry, len(grid))
    if len(grid) < 2 or not np.isfinite(grid).all() or not curves:
        return None
    labels = texts(entry, "labels")
    if text(entry, "kind") == "boolean":
        labels = ("no", "yes")
    if labels is not None and len(labels) != len(grid):
        return None
    widest = sorted(curves, key=lambda curve: -float(np.ptp(curve.value)))
    # Of two classes the second curve is the first upside down.
    shown = curves[1:2] if len(curves) == 2 and _is_classification(run) else widest[:MOST_CURVES]
    quantity = f"probability of {shown[0].name}" if _is_classification(run) and len(shown) == 1 else (
        "probability" if _is_classification(run) else "prediction"
    )  # fmt: skip
    return dependence_panel(text(entry, "column"), grid, labels, shown, quantity, place)


def _curves(run: RunFolder, entry: Record, length: int) -> list[Curve]:
    names = run.data.class_names
    found = []
    for place, record in enumerate(records(entry, "curves")):
        parts = [np.array(number_list(record, name)) for name in ("value", "lower", "upper")]
        if all(len(part) == length and np.isfinite(part).all() for part in parts):
            named = _is_classification(run) and names is not None and place < len(names)
            name = names[place] if named and names is not None else f"output {place}"
            found.append(Curve(name, *parts))
    return found


def _is_classification(run: RunFolder) -> bool:
    return run.data.task in ("classification", "binary")


def _dependence_words(run: RunFolder) -> str:
    which = (
        " Of more than two classes, the two whose probability moves most are drawn."
        if run.data.class_names is not None and len(run.data.class_names) > 2
        else ""
    )
    return (
        "Partial dependence on the most important columns: the mean prediction if every row had the value shown, from "
        "the 5th to the 95th percentile. Bands are 95% intervals of the difference from each row’s own mean: where "
        f"they are wide, rows differ in how they respond.{which}"
    )
