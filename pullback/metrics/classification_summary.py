"""Scores of a classification as a table to print, as text or HTML."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.prob import Interval


@dataclass(frozen=True, eq=False)
class ClassificationSummary:
    """What `ConfusionTable.summary` returns; `print` shows it, and so does a notebook.

    Parameters
    ----------
    counts : (K, K), rows the true class.
    classes : rates of each class by label and name.
    overall : scores of the whole table by name.
    level : nominal coverage of every interval.
    """

    counts: np.ndarray
    classes: dict[Any, dict[str, Interval]]
    overall: dict[str, Interval]
    level: float

    def __str__(self) -> str:
        blocks = [matrix_text(tuple(self.classes), self.counts)]
        blocks += [aligned(rows) for rows in (self._class_rows(), self._overall_rows())]
        return "\n\n".join([*blocks, f"Brackets: {100 * self.level:g}% intervals."])

    def _repr_html_(self) -> str:
        tables = (matrix_rows(tuple(self.classes), self.counts), self._class_rows(), self._overall_rows())
        return "".join(map(_html_table, tables)) + f"<p>Brackets: {100 * self.level:g}% intervals.</p>"

    def _class_rows(self) -> list[list[str]]:
        names = list(next(iter(self.classes.values())))
        support = self.counts.sum(1).tolist()
        return [
            ["class", "rows", *names],
            *(
                [str(label), f"{rows:g}", *(short(rates[name]) for name in names)]
                for (label, rates), rows in zip(self.classes.items(), support, strict=True)
            ),
        ]

    def _overall_rows(self) -> list[list[str]]:
        rows = [
            [name.replace("_", " "), short(found), f"{found.n}", found.method] for name, found in self.overall.items()
        ]
        return [["score", "value", "n", "method"], *rows]


def short(interval: Interval) -> str:
    """Value and limits to three decimals."""
    return f"{interval.value:.3f} [{interval.lower:.3f}, {interval.upper:.3f}]"


def matrix_rows(labels: Sequence[Any], counts: np.ndarray) -> list[list[str]]:
    """Cells of the matrix with its labels."""
    names = [str(label) for label in labels]
    rows = ([name, *(f"{count:g}" for count in row)] for name, row in zip(names, counts.tolist(), strict=True))
    return [["true \\ predicted", *names], *rows]


def matrix_text(labels: Sequence[Any], counts: np.ndarray) -> str:
    """The matrix as text, one line a true class."""
    return aligned(matrix_rows(labels, counts))


def aligned(rows: list[list[str]]) -> str:
    """Columns of one width, the first to the left and all others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    )


def _html_table(rows: list[list[str]]) -> str:
    head, *body = ([html.escape(cell) for cell in row] for row in rows)
    lines = [f"<tr><th>{row[0]}</th><td>{'</td><td>'.join(row[1:])}</td></tr>" for row in body]
    return f"<table><thead><tr><th>{'</th><th>'.join(head)}</th></tr></thead><tbody>{''.join(lines)}</tbody></table>"
