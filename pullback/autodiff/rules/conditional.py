r"""The choice `cond`: \(z = b_i(x)\), with an index \(i\) that is not differentiated.

\[ \dot z = \partial b_i(x)\,\dot x, \qquad \bar x = \partial b_i(x)^\top\, \bar z . \]

In reverse mode the branch taken leaves what its own way back needs. All branches must leave the same arrays, so that
branches share places of one shape and type, and a branch leaves zeros in those that it does not use.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, JaxprEqn, jaxpr_as_fun

from pullback.autodiff.joint import trace_joint
from pullback.autodiff.kept import Halves, cut, keep_all
from pullback.autodiff.parameters import array_type, aval_struct, branches, choose, opened
from pullback.autodiff.push import push
from pullback.autodiff.record import Table, reach_through
from pullback.autodiff.rule import Derivative, Point, instantiate, zeros_like

Place = tuple[tuple[int, ...], Any]


def reaches(table: Table, equation: JaxprEqn, active: Sequence[bool]) -> list[bool]:
    """A result depends on the variables if it does in one branch."""
    found = [reach_through(table, branch, active[1:]) for branch in branches(equation)]
    return [any(flags) for flags in zip(*found, strict=True)]


def forward(table: Table, equation: JaxprEqn, operands: Sequence[Any], tangents: Sequence[Any]) -> list[Any]:
    """The same choice between branches that carry tangents."""
    flags = [tangent is not None for tangent in tangents[1:]]
    shown = reaches(table, equation, [False, *flags])
    values = list(operands[1:])
    directions = [tangent for tangent in tangents[1:] if tangent is not None]
    structs = [aval_struct(jax.typeof(value)) for value in (*values, *directions)]

    def dual(branch: ClosedJaxpr) -> ClosedJaxpr:
        def body(*arguments: Any) -> list[Any]:
            given = iter(arguments[len(values) :])
            moved = [next(given) if flag else None for flag in flags]
            pairs = push(table, branch, arguments[: len(values)], moved)
            seen = [instantiate(tangent, value) for (value, tangent), flag in zip(pairs, shown, strict=True) if flag]
            return [*(value for value, _ in pairs), *seen]

        return jax.make_jaxpr(body)(*structs)

    programs, constants = _alike([dual(branch) for branch in branches(equation)])
    found = choose(equation, programs, [operands[0], *constants, *values, *directions])
    moved = iter(found[len(shown) :])
    return [(value, next(moved) if flag else None) for value, flag in zip(found, shown, strict=False)]


def _alike(programs: Sequence[ClosedJaxpr]) -> tuple[list[ClosedJaxpr], list[Any]]:
    """Branches with their constants as first operands, which all of them take."""
    constants = [constant for program in programs for constant in program.consts]
    structs = [aval_struct(jax.typeof(constant)) for constant in constants]
    alike, start = [], 0
    for program in programs:
        stop = start + len(program.consts)
        operands = [aval_struct(variable.aval) for variable in program.jaxpr.invars]
        alike.append(_with_constants(program, start, stop, len(constants), [*structs, *operands]))
        start = stop
    return alike, constants


def _with_constants(program: ClosedJaxpr, start: int, stop: int, total: int, structs: Sequence[Any]) -> ClosedJaxpr:
    inner = jaxpr_as_fun(opened(program))
    return jax.make_jaxpr(lambda *values: inner(*values[start:stop], *values[total:]))(*structs)


@dataclass(frozen=True)
class Chosen:
    """What the way back of a choice needs."""

    halves: list[Halves]
    assigned: list[list[int]]
    places: list[Place]
    values: list[Any]
    shown: list[bool]


def augmented(table: Table, equation: JaxprEqn, operands: Sequence[Any], active: Sequence[bool]) -> tuple[Any, Any]:
    """The choice, with what the way back of the branch taken needs."""
    shown = reaches(table, equation, active)
    keep = list(active[1:])
    joints = [trace_joint(table, branch, active[1:], shown, keep) for branch in branches(equation)]
    halves = [cut(joint, keep_all(joint)) for joint in joints]
    places, assigned = _share([[(array_type(v).shape, array_type(v).dtype) for v in half.kept] for half in halves])
    values = list(operands[1:])
    structs = [aval_struct(jax.typeof(value)) for value in values]

    def leaving(half: Halves, places_of: list[int]) -> ClosedJaxpr:
        def body(*arguments: Any) -> list[Any]:
            found = jaxpr_as_fun(half.forward)(*half.constants, *arguments)
            results, kept = found[: len(shown)], dict(zip(places_of, found[len(shown) :], strict=True))
            left = [kept[i] if i in kept else jnp.zeros(*place) for i, place in enumerate(places)]
            return [*results, *left]

        return jax.make_jaxpr(body)(*structs)

    programs, constants = _alike([leaving(*pair) for pair in zip(halves, assigned, strict=True)])
    found = choose(equation, programs, [operands[0], *constants, *values])
    return found[: len(shown)], Chosen(halves, assigned, places, found[len(shown) :], shown)


def _share(kept: Sequence[Sequence[Place]]) -> tuple[list[Place], list[list[int]]]:
    """Places for what the branches leave, as few as will do; for each branch the place of each value."""
    places: list[Place] = []
    assigned: list[list[int]] = []
    for values in kept:
        free = list(range(len(places)))
        mine = []
        for value in values:
            place = next((index for index in free if places[index] == value), None)
            if place is None:
                places.append(value)
                place = len(places) - 1
            else:
                free.remove(place)
            mine.append(place)
        assigned.append(mine)
    return places, assigned


def cotangent(point: Point, cotangents: Sequence[Any]) -> list[Any]:
    """The way back of the branch that was taken."""
    chosen: Chosen = point.residuals
    values = list(point.operands[1:])
    pairs = zip(cotangents, point.outputs, chosen.shown, strict=True)
    directions = [instantiate(direction, output) for direction, output, flag in pairs if flag]
    wanted = point.wanted[1:]

    def returning(half: Halves, places_of: list[int]) -> ClosedJaxpr:
        def body(*arguments: Any) -> list[Any]:
            operands, rest = arguments[: len(values)], arguments[len(values) :]
            left, incoming = rest[: len(chosen.places)], rest[len(chosen.places) :]
            kept = [left[place] for place in places_of]
            found = iter(jaxpr_as_fun(half.backward)(*half.constants, *operands, *kept, *incoming))
            outgoing = [next(found) if flag else None for flag in half.present]
            return [
                zeros_like(value) if direction is None else direction
                for value, direction, flag in zip(operands, outgoing, wanted, strict=True)
                if flag
            ]

        structs = [aval_struct(jax.typeof(value)) for value in (*values, *chosen.values, *directions)]
        return jax.make_jaxpr(body)(*structs)

    programs, constants = _alike([returning(*pair) for pair in zip(chosen.halves, chosen.assigned, strict=True)])
    operands = [point.operands[0], *constants, *values, *chosen.values, *directions]
    found = iter(choose(point.equation, programs, operands))
    return [None, *(next(found) if flag else None for flag in wanted)]


CONDITIONAL = {
    "cond": Derivative(
        None,
        cotangent,
        r"\bar x = \partial b_i(x)^\top \bar z",
        "the index is not differentiated",
        augmented=augmented,
        forward=forward,
        reaches=reaches,
    ),
}
