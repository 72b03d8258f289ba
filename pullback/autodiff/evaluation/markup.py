"""The table of an evaluation as a piece of HTML that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from pullback.autodiff.evaluation.row import Row

STYLE = (
    "border-collapse:collapse;font:14px/1.5 system-ui,sans-serif",
    "text-align:left;padding:2px 14px 2px 0;border-bottom:1px solid #888;font-weight:600",
    "text-align:left;padding:2px 14px 2px 0;vertical-align:top",
)
HEADINGS = (("v_{i}", "v"), ("", ""), ("", "value"), (r"\dot{v}_{i}", "tangent"), (r"\bar{v}_{i}", "adjoint"))


def html_table(name: str, inputs: Sequence[Row], rows: Sequence[Row], notes: Sequence[str], digits: int | None) -> str:
    """A `table` with its styles in place; formulas are MathML where a converter is installed, else plain text."""
    table, heading, _ = STYLE
    head = "".join(f'<th style="{heading}">{_heading(*each)}</th>' for each in HEADINGS)
    body = "".join(_line(row, digits) for row in inputs)
    ruled = [_line(row, digits, first=position == 0) for position, row in enumerate(rows)]
    below = "".join(f"<p>{escape(note)}</p>" for note in notes)
    return (
        f'<div><table style="{table}"><caption style="text-align:left;font-weight:600">{escape(name)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}{''.join(ruled)}</tbody></table>{below}</div>"
    )


def _heading(latex: str, word: str) -> str:
    return f"{word} {math(latex, '')}".strip() if latex and word != "v" else math(latex, word) if latex else word


def _line(row: Row, digits: int | None, *, first: bool = False) -> str:
    style = STYLE[2] + (";border-top:1px solid #888" if first else "")
    cells = [math(row.latex_name, row.name), f"{math('=', '=')} {math(row.latex, row.expression)}" if row.latex else ""]
    cells += [escape(cell) for cell in row.cells(digits)]
    return "<tr>" + "".join(f'<td style="{style}">{cell}</td>' for cell in cells) + "</tr>"


def math(latex: str, text: str) -> str:
    """A formula: MathML from its LaTeX, or the plain text."""
    try:
        from latex2mathml.converter import convert
    except ImportError:
        return f"<i>{escape(text)}</i>"
    return convert(latex)
