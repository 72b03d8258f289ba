"""The table that statisticians expect of a fit, as text, HTML and LaTeX."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class Summary:
    """A fit as a table of texts.

    Attributes
    ----------
    title : first line.
    head : pairs of a label and its value.
    columns, rows : the table of coefficients; the first entry of a row is the name.
    notes : sentences below the table.

    Examples
    --------
    >>> table = Summary("Line", (("n", "3"),), ("", "estimate"), (("x_1 & <z>", "2.5"),), ("collinearity: none",))
    >>> print(table)
    Line
    n  3
    -------------------
               estimate
    x_1 & <z>       2.5
    -------------------
    collinearity: none
    >>> "x_1 &amp; &lt;z&gt;" in table._repr_html_(), r"x\\_1 \\& \\textless{}z\\textgreater{}" in table.to_latex()
    (True, True)
    """

    title: str
    head: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        table = _aligned([self.columns, *self.rows])
        head = _paired(self.head)
        rule = "-" * max(len(line) for line in [*table, *head, self.title])
        return "\n".join([self.title, *head, rule, *table, rule, *self.notes])

    def _repr_html_(self) -> str:
        head = "".join(
            f"<tr><th>{html.escape(label)}</th><td>{html.escape(value)}</td></tr>" for label, value in self.head
        )
        columns = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in self.columns)
        rows = "".join(
            f'<tr><th scope="row">{html.escape(row[0])}</th>'
            + "".join(f'<td style="text-align: right">{html.escape(cell)}</td>' for cell in row[1:])
            + "</tr>"
            for row in self.rows
        )
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)
        return (
            f"<table><caption>{html.escape(self.title)}</caption>{head}</table>"
            f"<table><thead><tr>{columns}</tr></thead><tbody>{rows}</tbody></table>{notes}"
        )

    def to_latex(self) -> str:
        """The table for a LaTeX document; needs no package."""
        head = [rf"{_latex(label)} & {_latex(value)} \\" for label, value in self.head]
        rows = [" & ".join(_latex(cell) for cell in row) + r" \\" for row in self.rows]
        columns = " & ".join(_latex(name) for name in self.columns) + r" \\"
        return "\n".join(
            [
                r"\begin{table}",
                rf"\caption{{{_latex(self.title)}}}",
                r"\begin{tabular}{ll}",
                *head,
                r"\end{tabular}",
                "",
                rf"\begin{{tabular}}{{l{'r' * (len(self.columns) - 1)}}}",
                r"\hline",
                columns,
                r"\hline",
                *rows,
                r"\hline",
                r"\end{tabular}",
                *[_latex(note) + r"\par" for note in self.notes],
                r"\end{table}",
            ]
        )


LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
}


def _latex(text: str) -> str:
    return "".join(LATEX.get(character, character) for character in text)


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _paired(head: tuple[tuple[str, str], ...]) -> list[str]:
    """The pairs in two columns, read down the first, then the second."""
    half = (len(head) + 1) // 2 if len(head) > 4 else len(head)
    left, right = head[:half], head[half:]
    lines = _sides(left)
    if not right:
        return lines
    others = _sides(right) + [""] * (len(left) - len(right))
    width = max(len(line) for line in lines)
    return [f"{line.ljust(width)}    {other}".rstrip() for line, other in zip(lines, others, strict=True)]


def _sides(pairs: tuple[tuple[str, str], ...]) -> list[str]:
    label = max((len(name) for name, _ in pairs), default=0)
    value = max((len(text) for _, text in pairs), default=0)
    return [f"{name.ljust(label)}  {text.rjust(value)}" for name, text in pairs]


def coefficient_rows(
    names: Sequence[str],
    estimates: Float[np.ndarray, " k"],
    standard_errors: Float[np.ndarray, " k"],
    statistics: Float[np.ndarray, " k"],
    p_values: Float[np.ndarray, " k"],
    intervals: Float[np.ndarray, "k 2"],
) -> tuple[tuple[str, ...], ...]:
    """The rows of a table of coefficients as texts.

    Examples
    --------
    >>> one = np.ones(1)
    >>> coefficient_rows(["x"], 2 * one, one, 2 * one, 0.0455 * one, np.array([[0.04, 3.96]]))
    (('x', '2.0000', '1.0000', '2.000', '0.0455', '0.040000', '3.9600'),)
    """
    return tuple(
        (
            name,
            number_text(estimates[j]),
            number_text(standard_errors[j]),
            "" if math.isnan(statistics[j]) else f"{statistics[j]:.3f}",
            probability_text(p_values[j]),
            number_text(intervals[j, 0]),
            number_text(intervals[j, 1]),
        )
        for j, name in enumerate(names)
    )


def number_text(value: float, significant: int = 5) -> str:
    """A number with this many significant digits; nothing for NaN.

    Examples
    --------
    >>> number_text(0.01176793), number_text(-162.82825557), number_text(float("nan"))
    ('0.011768', '-162.83', '')
    """
    return "" if math.isnan(value) else f"{value:#.{significant}g}".removesuffix(".")


def probability_text(p: float) -> str:
    """A probability with four decimals; nothing for NaN.

    Examples
    --------
    >>> probability_text(0.0321), probability_text(1e-9)
    ('0.0321', '<0.0001')
    """
    return "" if math.isnan(p) else "<0.0001" if p < 1e-4 else f"{p:.4f}"
