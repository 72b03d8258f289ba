"""The table of an evaluation in LaTeX."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pullback.autodiff.evaluation.piece import number_latex
from pullback.autodiff.evaluation.row import Row

ROW_END = r" \\" + "\n"


def latex_table(inputs: Sequence[Row], rows: Sequence[Row], digits: int | None) -> str:
    r"""An `array` with the columns \(v_i\), expression, value, \(\dot v_i\) and \(\bar v_i\)."""
    heading = r"v_i & & \text{value} & \dot v_i & \bar v_i"
    parts = [ROW_END.join(_line(row, digits) for row in part) for part in (inputs, rows) if part]
    body = (ROW_END + r"\hline" + "\n").join([heading, *parts])
    return "\\begin{array}{lllll}\n" + body + "\n\\end{array}"


def _line(row: Row, digits: int | None) -> str:
    expression = f"= {row.latex}" if row.latex else ""
    return " & ".join([row.latex_name, expression, *map(cell_latex, row.cells(digits))])


def cell_latex(cell: str) -> str:
    r"""A printed value in LaTeX.

    Examples
    --------
    >>> cell_latex("5×3 in [-0.5, 1e-7]")
    '5 \\times 3 \\in [-0.5, 1 \\cdot 10^{-7}]'
    """

    def part(found: re.Match[str]) -> str:
        word = found[0]
        known = {"in": r"\in", "×": r" \times ", "?": r"\text{?}"}
        if word in known:
            return known[word]
        return (
            number_latex(word)
            if word in ("inf", "-inf", "true", "false") or "e" in word and word[0] in "-0123456789"
            else rf"\text{{{word}}}"
        )

    return re.sub(r"-?\d[\d.]*e-?\d+|-?[A-Za-z]+|[×?]", part, cell).replace("} ", r"}\ ")
