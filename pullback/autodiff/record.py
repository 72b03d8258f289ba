r"""Reverse mode over a traced program: run it and write down what the way back needs, then go back.

Each value that depends on the variables gets a place on the tape. Running the program forward appends one entry an
operation; going back, the cotangent of each place is complete when its entry is reached, because every use of a value
comes after the value itself:

\[ \bar v_i = \sum_{j : v_i \to v_j} \Big(\frac{\partial v_j}{\partial v_i}\Big)^{\!\top} \bar v_j . \]

A function that is only named inside the program (`jit`) is entered, so that its operations stand on the same tape.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, JaxprEqn, Literal

from pullback.autodiff.fallback import FALLBACK
from pullback.autodiff.ours import our_derivative
from pullback.autodiff.parameters import apply, array_type, aval_struct, called, constants_of
from pullback.autodiff.rule import Derivative, Point, add, zeros_like

Table = Mapping[str, Derivative]


def lookup(table: Table, equation: JaxprEqn) -> Derivative:
    """The rule of an operation: ours, or JAX's for this one equation."""
    return table.get(equation.primitive.name) or our_derivative(equation.primitive) or FALLBACK


def differentiable(value: Any) -> bool:
    """Whether a value has a derivative: real and complex numbers have, integers and keys have not."""
    return jnp.issubdtype(jax.typeof(value).dtype, jnp.inexact)


@dataclass(frozen=True)
class Tracked:
    """A value, and its place on the tape if it depends on the variables."""

    value: Any
    place: int | None = None


@dataclass(frozen=True)
class Entry:
    """One operation on the tape."""

    rule: Derivative
    point: Point
    sources: tuple[int | None, ...]
    targets: tuple[int | None, ...]


class Tape:
    """The operations that lead from the variables to a result, in order."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.entries: list[Entry] = []
        self.places = 0

    def track(self, value: Any) -> Tracked:
        """A value with a new place."""
        self.places += 1
        return Tracked(value, self.places - 1)

    def run(self, program: ClosedJaxpr, operands: Sequence[Tracked]) -> list[Tracked]:
        """The results of a program, its operations written down."""
        environment: dict[Any, Tracked] = dict(zip(program.jaxpr.invars, operands, strict=True))
        environment.update(zip(program.jaxpr.constvars, map(Tracked, constants_of(program)), strict=True))

        def read(atom: Any) -> Tracked:
            return Tracked(atom.val) if isinstance(atom, Literal) else environment[atom]

        for equation in program.jaxpr.eqns:
            outputs = self.step(equation, [read(atom) for atom in equation.invars])
            environment.update(zip(equation.outvars, outputs, strict=True))
        return [read(atom) for atom in program.jaxpr.outvars]

    def step(self, equation: JaxprEqn, operands: Sequence[Tracked]) -> list[Tracked]:
        """The results of one operation, which is written down if a variable moves it."""
        active = tuple(operand.place is not None for operand in operands)
        inner = called(equation) if any(active) else None
        if inner is not None:
            return self.run(inner, operands)
        rule = lookup(self.table, equation)
        values = tuple(operand.value for operand in operands)
        if not any(active) or not any(reached := reach(self.table, equation, active)):
            return list(map(Tracked, evaluate(rule, equation, values)))
        residuals = None
        if rule.augmented is not None:
            outputs, residuals = rule.augmented(self.table, equation, values, active)
        else:
            outputs = evaluate(rule, equation, values)
        results = [
            self.track(value) if moves else Tracked(value) for value, moves in zip(outputs, reached, strict=True)
        ]
        point = Point(equation, values, tuple(outputs), active, residuals, self.table)
        sources = tuple(operand.place for operand in operands)
        self.entries.append(Entry(rule, point, sources, tuple(result.place for result in results)))
        return results

    def pull(self, cotangents: Mapping[int, Any]) -> dict[int, Any]:
        """Cotangents of all places that nothing on the tape has made: those of the variables."""
        waiting = dict(cotangents)
        for entry in reversed(self.entries):
            outgoing = [None if place is None else waiting.pop(place, None) for place in entry.targets]
            if all(direction is None for direction in outgoing):
                continue
            for place, found in zip(entry.sources, pulled(entry.rule, entry.point, outgoing), strict=True):
                if place is not None and found is not None:
                    waiting[place] = add(waiting.get(place), found)
        return waiting


def evaluate(rule: Derivative, equation: JaxprEqn, values: Sequence[Any]) -> Sequence[Any]:
    """The operation, in the form that its rule prefers."""
    return apply(equation, values) if rule.evaluate is None else rule.evaluate(equation, values)


def reach(table: Table, equation: JaxprEqn, active: Sequence[bool]) -> Sequence[bool]:
    """Which results of an operation have a derivative with respect to the active operands."""
    inner = called(equation)
    if inner is not None:
        return reach_through(table, inner, active)
    rule = lookup(table, equation)
    if rule.reaches is not None:
        return rule.reaches(table, equation, active)
    return [any(active) and jnp.issubdtype(array_type(variable).dtype, jnp.inexact) for variable in equation.outvars]


def reach_through(table: Table, program: ClosedJaxpr, active: Sequence[bool]) -> list[bool]:
    """Which results of a program have a derivative with respect to its active inputs."""
    moving = {variable for variable, flag in zip(program.jaxpr.invars, active, strict=True) if flag}
    for equation in program.jaxpr.eqns:
        flags = [not isinstance(atom, Literal) and atom in moving for atom in equation.invars]
        if any(flags):
            reached = reach(table, equation, flags)
            moving.update(variable for variable, flag in zip(equation.outvars, reached, strict=True) if flag)
    return [not isinstance(atom, Literal) and atom in moving for atom in program.jaxpr.outvars]


def pulled(rule: Derivative, point: Point, cotangents: Sequence[Any]) -> Sequence[Any]:
    """Cotangents of the operands of one operation."""
    if rule.cotangent is not None:
        return rule.cotangent(point, cotangents)
    return _transposed_tangent(rule, point, cotangents)


def _transposed_tangent(rule: Derivative, point: Point, cotangents: Sequence[Any]) -> list[Any]:
    """The transpose of a tangent map: reverse mode of that map, which is linear, at zero."""
    assert rule.tangent is not None
    positions = [position for position, wanted in enumerate(point.wanted) if wanted]
    shown = [index for index, direction in enumerate(cotangents) if direction is not None]

    def tangent_map(*directions: Any) -> list[Any]:
        tangents: list[Any] = [None] * len(point.operands)
        for position, direction in zip(positions, directions, strict=True):
            tangents[position] = direction
        found = rule.tangent(point, tangents)  # pyright: ignore[reportOptionalCall]
        return [zeros_like(point.outputs[index]) if found[index] is None else found[index] for index in shown]

    structs = [aval_struct(jax.typeof(point.operands[position])) for position in positions]
    program = jax.make_jaxpr(tangent_map)(*structs)
    tape = Tape(point.table)
    inputs = [tape.track(zeros_like(point.operands[position])) for position in positions]
    outputs = tape.run(program, inputs)
    pairs = zip(outputs, (cotangents[index] for index in shown), strict=True)
    found = tape.pull(collect(pairs))
    result: list[Any] = [None] * len(point.operands)
    for position, tracked in zip(positions, inputs, strict=True):
        assert tracked.place is not None
        result[position] = found.get(tracked.place)
    return result


def collect(pairs: Any) -> dict[int, Any]:
    """Cotangents by place; a value that is a result twice gets the sum."""
    total: dict[int, Any] = {}
    for tracked, cotangent in pairs:
        if tracked.place is not None and cotangent is not None:
            total[tracked.place] = add(total.get(tracked.place), cotangent)
    return total
