"""The lines of an evaluation trace: for each value that is shown its name, its expression and what it is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pullback.autodiff.evaluation import piece as write
from pullback.autodiff.evaluation.digits import number_text
from pullback.autodiff.evaluation.folding import arranged, folded, uniform
from pullback.autodiff.evaluation.piece import Piece
from pullback.autodiff.evaluation.reader import MOVES, read
from pullback.autodiff.evaluation.steps import Group, Recording, Single, Step

# An expression folded into another is not longer than this.
LONGEST = 60


@dataclass(frozen=True)
class Line:
    """One value that is shown.

    Parameters
    ----------
    place : where its numbers are.
    name, expression : how it is called and what it is.
    operands : the shown places that it is made of.
    step : what makes it, `None` for an argument.
    """

    place: int
    name: Piece
    expression: Piece
    operands: tuple[int, ...]
    step: Step | None


@dataclass(frozen=True)
class Lines:
    """The arguments, the intermediate values in order, the constants by name, and the results."""

    inputs: tuple[Line, ...]
    rows: tuple[Line, ...]
    constants: dict[str, int]
    results: tuple[Piece, ...]
    pieces: dict[int, Piece]


def lines_of(
    recording: Recording,
    steps: Sequence[Step],
    inputs: Sequence[tuple[int, Piece, Piece]],
    outputs: Sequence[int],
    *,
    prefix: str = "",
    depth: int = 0,
    constants: Mapping[int, str] | None = None,
) -> Lines:
    """The lines of some steps.

    Parameters
    ----------
    inputs : place, name and, for a part of a larger trace, the expression outside, of each argument.
    outputs : places of the results.
    prefix : in front of the number of each intermediate value.
    depth : how many names of a scope are known from outside.
    constants : names of known places.
    """
    shown = arranged(steps, outputs, depth, lambda group: lines_within(recording, group))
    return _Writer(recording, shown, inputs, outputs, prefix, constants or {}).lines()


def lines_within(recording: Recording, group: Group) -> int:
    """How many lines a group takes, written out."""
    plain = [(place, Piece("", ""), Piece("", "")) for place in dict.fromkeys(group.sources)]
    return len(lines_of(recording, group.members, plain, group.targets, depth=len(group.scope)).rows)


class _Writer:
    def __init__(
        self,
        recording: Recording,
        steps: Sequence[Step],
        inputs: Sequence[tuple[int, Piece, Piece]],
        outputs: Sequence[int],
        prefix: str,
        names: Mapping[int, str],
    ) -> None:
        self.recording, self.steps, self.outputs, self.prefix = recording, steps, outputs, prefix
        self.names = names
        self.constants: dict[str, int] = {}
        self.rows: list[Line] = []
        self.used = {place for step in steps for place in step.sources} | set(outputs)
        self.folded = folded(recording, steps, outputs)
        self.pieces: dict[int, Piece] = {}
        self.mentioned: dict[int, tuple[int, ...]] = {}
        self.inputs = [Line(place, name, outside, (), None) for place, name, outside in inputs]
        for line in self.inputs:
            self.pieces[line.place], self.mentioned[line.place] = line.name, (line.place,)

    def lines(self) -> Lines:
        for step in self.steps:
            self._single(step) if isinstance(step, Single) else self._group(step)
        results = tuple(self._piece(place) for place in self.outputs)
        return Lines(tuple(self.inputs), tuple(self.rows), self.constants, results, self.pieces)

    def _single(self, step: Single) -> None:
        if self.recording.known.issuperset(step.sources):
            if step.equation.primitive.name in MOVES and uniform(self.recording.values[step.targets[0]]) is None:
                self.pieces[step.targets[0]] = self._expression(step)
            return
        expression = self._expression(step)
        (first, *others) = step.targets
        if not others and first in self.folded:
            computed = step.equation.primitive.name not in MOVES
            if not computed or len(expression.text) <= LONGEST:
                self.pieces[first], self.mentioned[first] = expression, self._operands(step)
                return
        self._add(step, expression)

    def _group(self, step: Group) -> None:
        given = dict(zip(step.sources, step.arguments, strict=True))
        arguments = [self._piece(place) for place, name in given.items() if self._is_shown(place, name)]
        # The parameters of a layer belong to its name.
        if step.kind == "layer":
            arguments = [piece for piece in arguments if step.name not in piece.text]
        self._add(step, write.call(step.name, *arguments))

    def _is_shown(self, place: int, argument: str) -> bool:
        """Whether an argument of a function is written: what is computed, named arrays, numbers."""
        if place not in self.recording.known or self._is_named(place):
            return True
        return bool(argument) and uniform(self.recording.values[place]) is not None

    def _is_named(self, place: int) -> bool:
        return place in self.names and bool(getattr(self.recording.values[place], "ndim", 1))

    def _add(self, step: Step, expression: Piece) -> None:
        made = dict.fromkeys(p for p in step.targets if p in self.used and p not in self.mentioned)
        targets = [place for place in made if place not in self.recording.known]
        for position, place in enumerate(targets):
            name = write.intermediate(f"{self.prefix}{len(self.rows) + 1}")
            shown = expression if len(targets) == 1 else write.indexed(expression, str(position))
            self.rows.append(Line(place, name, shown, self._operands(step), step))
            self.pieces[place], self.mentioned[place] = name, (place,)

    def _expression(self, step: Single) -> Piece:
        return read(step.equation, [self._piece(place) for place in step.sources])

    def _operands(self, step: Step) -> tuple[int, ...]:
        return tuple(dict.fromkeys(p for source in step.sources for p in self.mentioned.get(source, ())))

    def _piece(self, place: int) -> Piece:
        if place not in self.pieces:
            self.pieces[place] = self._constant(place)
        return self.pieces[place]

    def _constant(self, place: int) -> Piece:
        value = self.recording.values[place]
        if self._is_named(place):
            self.constants[self.names[place]] = place
            return write.variable(self.names[place])
        number = uniform(value)
        if number is not None:
            return write.number(number)
        if isinstance(value, np.ndarray) and value.ndim == 1 and value.size <= 4:
            return write.listed([Piece(text, text) for text in map(number_text, value)], "[", "]")
        name = f"c{sum(name[0] == 'c' and name[1:].isdigit() for name in self.constants) + 1}"
        self.constants[name] = place
        return write.variable(name)
