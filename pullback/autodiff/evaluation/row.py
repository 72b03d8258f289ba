"""The rows of an evaluation trace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.autodiff.evaluation.digits import array_text
from pullback.autodiff.evaluation.lines import Line, Lines
from pullback.autodiff.evaluation.steps import Group, Recording, Single


@dataclass(frozen=True, eq=False)
class Row:
    r"""One value \(v_i\) of an evaluation.

    Parameters
    ----------
    name, expression : in plain text.
    latex_name, latex : the same in LaTeX.
    kind : "argument", "operation", "function", "layer", "branch", "loop" or "pass".
    value : \(v_i\), a NumPy array.
    tangent, adjoint : \(\dot v_i\) and \(\bar v_i\), of the shape of the value; `None` for an integer or a truth value,
        and where the derivative could not be found.
    operands : names of the rows that the expression is made of.
    opens : whether `EvaluationTrace.open` shows more of it.
    """

    name: str
    expression: str
    latex_name: str
    latex: str
    kind: str
    value: Any
    tangent: Any
    adjoint: Any
    operands: tuple[str, ...]
    opens: bool

    def cells(self, digits: int | None = None) -> tuple[str, str, str]:
        """Value, tangent and adjoint as a table shows them; `?` is a derivative that could not be found."""
        real = isinstance(self.value, np.ndarray) and self.value.dtype.kind not in "biu"
        tangent, adjoint = (
            array_text(number, digits, shape=False) if real else "" for number in (self.tangent, self.adjoint)
        )
        return array_text(self.value, digits), tangent, adjoint


def rows_of(recording: Recording, lines: Lines) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """The arguments and the intermediate values."""
    names = {line.place: line.name.text for line in (*lines.inputs, *lines.rows)}
    inputs, rows = ([_row(recording, line, names) for line in part] for part in (lines.inputs, lines.rows))
    return tuple(inputs), tuple(rows)


def _row(recording: Recording, line: Line, names: dict[int, str]) -> Row:
    return Row(
        name=line.name.text,
        expression=line.expression.text,
        latex_name=line.name.latex,
        latex=line.expression.latex,
        kind=_kind(line),
        value=recording.values[line.place],
        tangent=recording.tangents.get(line.place),
        adjoint=recording.adjoints.get(line.place),
        operands=tuple(names[place] for place in line.operands if place in names),
        opens=isinstance(line.step, Group) or _kind(line) == "loop",
    )


def _kind(line: Line) -> str:
    if line.step is None:
        return "argument"
    if isinstance(line.step, Single):
        return "loop" if line.step.equation.primitive.name == "scan" else "operation"
    return line.step.kind
