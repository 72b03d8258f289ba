"""A part of an evaluation as it is shown, and the parts inside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from pullback.autodiff.evaluation import piece as write
from pullback.autodiff.evaluation.labels import argument_names, program_name
from pullback.autodiff.evaluation.lines import Line, Lines, lines_of
from pullback.autodiff.evaluation.loop_step import body_at
from pullback.autodiff.evaluation.piece import Piece
from pullback.autodiff.evaluation.recorder import record
from pullback.autodiff.evaluation.steps import Group, Recording, Single
from pullback.autodiff.parameters import Loop, loop
from pullback.core.errors import DerivativeError

NOTHING = Piece("", "")


@dataclass(frozen=True)
class View:
    """Some steps of a recording with their lines.

    Parameters
    ----------
    name : of the function, the layer or the step of a loop.
    outputs : places of the results.
    double : whether numbers had 64 bits where it was recorded.
    """

    name: str
    recording: Recording
    lines: Lines
    outputs: tuple[int, ...]
    double: bool


def inside_group(view: View, line: Line, group: Group) -> View:
    """What a function, a layer, a branch or a `while` consists of."""
    known, outside = view.recording.known, view.lines.pieces
    named = list(zip(group.sources, group.arguments, strict=True))
    constants = {place: name for place, name in named if place in known and name}
    given: dict[int, tuple[Piece, Piece]] = {}
    for place, name in named:
        if place not in known and place in outside and place not in given:
            given[place] = (write.variable(name) if name else outside[place], outside[place])
    lines = lines_of(
        view.recording,
        group.members,
        _inputs(given.items()),
        group.targets,
        prefix=_prefix(line),
        depth=len(group.scope),
        constants=constants,
    )
    return View(group.name, view.recording, lines, group.targets, view.double)


def inside_scan(view: View, line: Line, single: Single, step: int) -> View:
    """One step of a `scan`, counted in the order in which it runs."""
    recording = view.recording
    _require(recording, single, line)
    with jax.enable_x64(view.double):
        body = body_at(
            single.equation,
            [recording.values[place] for place in single.sources],
            [recording.tangents.get(place) for place in single.sources],
            [recording.adjoints.get(place) for place in single.targets],
            step,
        )
        inner = record(body.program, body.values, body.directions, body.cotangents)
        names = _names_in_body(view, single, body.step)
        lines = lines_of(
            inner, inner.steps, _inputs(zip(inner.inputs, names, strict=True)), inner.outputs, prefix=_prefix(line)
        )
    name = f"step {body.step} of {program_name(body.program, 'scan')}"
    return View(name, inner, lines, inner.outputs, view.double)


def _prefix(line: Line) -> str:
    return f"{line.name.text.removeprefix('v_')}."


def _inputs(named: Iterable[tuple[int, tuple[Piece, Piece]]]) -> list[tuple[int, Piece, Piece]]:
    """Place, name and expression outside of each argument; no two have the same name."""
    found: list[tuple[int, Piece, Piece]] = []
    taken: set[str] = set()
    for place, (name, outside) in named:
        unique = name
        while unique.text in taken:
            unique = Piece(f"{unique.latex}'", f"{unique.text}′")
        taken.add(unique.text)
        found.append((place, unique, NOTHING if outside.text == unique.text else outside))
    return found


def _names_in_body(view: View, single: Single, step: int) -> list[tuple[Piece, Piece]]:
    whole: Loop = loop(single.equation)
    outside: Sequence[Piece] = [view.lines.pieces[place] for place in single.sources]
    names = argument_names(whole.body, len(outside))
    here = whole.length - 1 - step if whole.reverse else step
    found = []
    for position, (piece, name) in enumerate(zip(outside, names, strict=True)):
        sliced, carried = position >= whole.constants + whole.carried, position >= whole.constants
        shown = write.indexed(piece, str(here)) if sliced else NOTHING if carried and step else piece
        found.append((write.variable(name) if name else shown if shown.text else Piece("h", "h"), shown))
    return found


def _require(recording: Recording, single: Single, line: Line) -> None:
    def lacks(places: Iterable[int], numbers: dict) -> bool:
        real = (p for p in places if jnp.issubdtype(recording.values[p].dtype, jnp.inexact))
        return any(place not in numbers and place not in recording.known for place in real)

    if lacks(single.sources, recording.tangents) or lacks(single.targets, recording.adjoints):
        raise DerivativeError(
            f"the loop {line.name.text} cannot be opened: derivatives around it are not known",
            expected="tangents of what comes in and adjoints of what goes out",
            got="; ".join(recording.reasons),
            fix="trace the body of the loop as a function of its own",
        )
