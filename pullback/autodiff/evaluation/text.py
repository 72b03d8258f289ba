"""The table of an evaluation in plain text."""

from __future__ import annotations

from collections.abc import Sequence

from pullback.autodiff.evaluation.row import Row

HEADINGS = ("expression", "value", "tangent", "adjoint")
WIDEST = 60


def text_table(name: str, inputs: Sequence[Row], rows: Sequence[Row], notes: Sequence[str], digits: int | None) -> str:
    """Aligned columns: arguments first, then the intermediate values in order, then what else is to be known."""
    heading = ("", *HEADINGS)
    parts = [[_cells(row, digits) for row in part] for part in (inputs, rows)]
    widths = [max(map(len, column)) for column in zip(heading, *parts[0], *parts[1], strict=True)]
    rule = "─" * (sum(widths) + 2 * (len(widths) - 1))
    lines = [name, _line(heading, widths)]
    for part in parts:
        lines += [rule, *(_line(cells, widths) for cells in part)]
    return "\n".join([*lines, *([rule, *notes] if notes else [])])


def _cells(row: Row, digits: int | None) -> tuple[str, ...]:
    expression = row.expression
    if row.kind == "argument" and expression:
        expression = f"= {expression}"
    if len(expression) > WIDEST:
        expression = f"{expression[: WIDEST - 1]}…"
    return (row.name, expression, *row.cells(digits))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
