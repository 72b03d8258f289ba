"""The evaluation trace as a value: its rows, its parts, and the forms in which it is shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pullback.autodiff.evaluation.digits import array_text
from pullback.autodiff.evaluation.drawing import drawing
from pullback.autodiff.evaluation.latex import latex_table
from pullback.autodiff.evaluation.markup import html_table
from pullback.autodiff.evaluation.reader import counted
from pullback.autodiff.evaluation.row import Row, rows_of
from pullback.autodiff.evaluation.steps import Group, Single
from pullback.autodiff.evaluation.text import text_table
from pullback.autodiff.evaluation.view import View, inside_group, inside_scan
from pullback.core.errors import ConfigurationError, unknown_name


@dataclass(frozen=True, eq=False, repr=False)
class EvaluationTrace:
    r"""Every intermediate value of a function at a point, in topological order, with its tangent and its adjoint.

    \[ \dot v_i = \frac{\partial v_i}{\partial x}\, \dot x, \qquad
       \bar v_i = \Big(\frac{\partial y}{\partial v_i}\Big)^{\!\top} \bar y \]

    Parameters
    ----------
    name : of the function.
    inputs, rows : the arguments, and the intermediate values in order.
    results : how each result is written: the name of its row, or an expression where it is no row.
    value, tangent : of the result, in its structure.
    gradient : for each argument its adjoint, in its structure; `None` for what has no derivative.
    constants : arrays that the function takes from elsewhere, by the name that they have in the expressions.
    reasons : why tangents or adjoints are missing, where some are.

    Printed it is a table, in a notebook a table of formulas. `latex`, `html` and `svg` give it as text for a document.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from pullback.autodiff import trace
    >>> found = trace(lambda x: jnp.sin(x) * x, 1.0)
    >>> [(row.name, row.expression, round(float(row.adjoint), 4)) for row in found.rows]
    [('v_1', 'sin(x)', 1.0), ('v_2', 'v_1 · x', 1.0)]
    >>> found.row("v_1").operands, f"{found.gradient[0]:.6f}"
    (('x',), '1.381773')
    """

    name: str
    inputs: tuple[Row, ...]
    rows: tuple[Row, ...]
    results: tuple[str, ...]
    value: Any
    tangent: Any
    gradient: tuple[Any, ...]
    constants: dict[str, Any]
    reasons: tuple[str, ...]
    _view: View = field(repr=False)

    def row(self, name: str) -> Row:
        """The row of a name, such as `v_3`; an unknown one is a `ConfigurationError`."""
        rows = {row.name: row for row in (*self.inputs, *self.rows)}
        if name not in rows:
            raise unknown_name("row", name, rows)
        return rows[name]

    def open(self, row: Row | str, step: int = 0) -> EvaluationTrace:
        """What a row with `opens` consists of: a function, a layer, the branch taken, a loop; of a `scan` one step.

        Parameters
        ----------
        row : a row or its name; one that is a single operation is a `ConfigurationError`.
        step : of a `scan`, from 0 in the order in which it runs, or from the end below 0.
        """
        found = self.row(row) if isinstance(row, str) else row
        line = next((line for line in self._view.lines.rows if line.name.text == found.name), None)
        if line is None or not found.opens:
            raise ConfigurationError(
                f"the row {found.name} is one operation, with nothing inside",
                expected=f"one of {', '.join(row.name for row in self.rows if row.opens) or '(no row of this trace)'}",
                got=found.name,
                fix="open rows whose attribute `opens` is true",
            )
        if isinstance(line.step, Group):
            return _part(inside_group(self._view, line, line.step))
        assert isinstance(line.step, Single)
        return _part(inside_scan(self._view, line, line.step, step))

    def text(self, digits: int | None = None) -> str:
        """The table in plain text, with so many digits (6 for single, 8 for double precision, 4 in ranges)."""
        return text_table(self.name, self.inputs, self.rows, self._notes(digits), digits)

    def latex(self, digits: int | None = None) -> str:
        """The table as an `array` in LaTeX."""
        return latex_table(self.inputs, self.rows, digits)

    def html(self, digits: int | None = None) -> str:
        """The table in HTML, its formulas in MathML where the package `latex2mathml` is installed."""
        return html_table(self.name, self.inputs, self.rows, self._notes(digits), digits)

    def svg(self, digits: int | None = None) -> str:
        """The graph in SVG: each value in a box, an arrow to whatever is computed from it."""
        return drawing(self.name, self.inputs, self.rows, self.results, digits)

    def _notes(self, digits: int | None) -> list[str]:
        last = self.rows[-1].name if self.rows else ""
        shown = [] if self.results == (last,) else [f"result: {', '.join(self.results)}"]
        shown += [f"{name} is {array_text(value, digits)}" for name, value in self.constants.items()]
        return [*shown, *(f"? since {reason}" for reason in self.reasons)]

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"EvaluationTrace({self.name}, {counted(len(self.rows), 'row')})"

    def _repr_html_(self) -> str:
        return self.html()

    def _repr_svg_(self) -> str:
        return self.svg()


def shown(view: View, value: Any, tangent: Any, gradient: tuple[Any, ...]) -> EvaluationTrace:
    """A view with its numbers."""
    inputs, rows = rows_of(view.recording, view.lines)
    return EvaluationTrace(
        name=view.name,
        inputs=inputs,
        rows=rows,
        results=tuple(piece.text for piece in view.lines.results),
        value=value,
        tangent=tangent,
        gradient=gradient,
        constants={name: view.recording.values[place] for name, place in view.lines.constants.items()},
        reasons=view.recording.reasons,
        _view=view,
    )


def _part(view: View) -> EvaluationTrace:
    """A part of a trace; its arguments and its results are those inside."""
    recording, places = view.recording, view.outputs
    values, tangents = ([numbers.get(place) for place in places] for numbers in (recording.values, recording.tangents))
    gradient = tuple(recording.adjoints.get(line.place) for line in view.lines.inputs)
    if len(places) == 1:
        return shown(view, values[0], tangents[0], gradient)
    return shown(view, tuple(values), tuple(tangents), gradient)
