"""A program and its way back in one trace, and the cutting of such a trace into pieces.

For an operation with programs inside (a loop, a choice, a checkpoint) the forward and the backward pass are traced
together, from operands and cotangents to results and cotangents of operands. What does not depend on a cotangent can
run on the way forward; where the one part uses the other, values must be kept. Each piece is found by walking back
from what it must give to what it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass
from typing import Any

import jax
from jax import lax
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var

from pullback.autodiff.parameters import array_type, aval_struct, constants_of, program_of
from pullback.autodiff.record import Table, Tape, Tracked, collect, evaluate, lookup
from pullback.autodiff.rule import zeros_like

Atom = Var | Literal


@dataclass(frozen=True)
class Joint:
    """The trace of a program together with its way back.

    Parameters
    ----------
    program : the trace; its constants have become the first inputs, with the values `constants`.
    constants : values of those first inputs.
    held, operands, incoming : inputs: the constants, the operands, the cotangents of the active results.
    outputs : results of the program.
    outgoing : for each operand its cotangent, `None` where there is none.
    """

    program: Jaxpr
    constants: list[Any]
    held: list[Var]
    operands: list[Var]
    incoming: list[Var | None]
    outputs: list[Atom]
    outgoing: list[Atom | None]

    def producers(self) -> dict[Var, JaxprEqn]:
        """For each value the operation that makes it."""
        return {variable: equation for equation in self.program.eqns for variable in equation.outvars}


def trace_joint(
    table: Table, program: ClosedJaxpr, active: Sequence[bool], shown: Sequence[bool], keep: Sequence[bool]
) -> Joint:
    """Trace a program and its way back.

    `active` marks the operands that are differentiated, `shown` the results that may have a cotangent, `keep` the
    operands whose cotangent is given in full even where it is zero.
    """
    present: list[bool] = []

    def both(operands: list[Any], incoming: list[Any]) -> tuple[list[Any], list[Any]]:
        tape = Tape(table)
        inputs = [tape.track(value) if flag else Tracked(value) for value, flag in zip(operands, active, strict=True)]
        outputs = tape.run(program, inputs)
        directions = iter(incoming)
        pairs = [(tracked, next(directions)) for tracked, flag in zip(outputs, shown, strict=True) if flag]
        found = tape.pull(collect(pairs))
        outgoing = [None if tracked.place is None else found.get(tracked.place) for tracked in inputs]
        outgoing = [
            zeros_like(value) if flag and direction is None else direction
            for value, direction, flag in zip(operands, outgoing, keep, strict=True)
        ]
        present[:] = [direction is not None for direction in outgoing]
        given = [
            lax.convert_element_type(direction, value.dtype)
            for value, direction in zip(operands, outgoing, strict=True)
            if direction is not None
        ]
        return [tracked.value for tracked in outputs], given

    inputs = [aval_struct(variable.aval) for variable in program.jaxpr.invars]
    cotangents = [
        jax.ShapeDtypeStruct(array_type(atom).shape, array_type(atom).dtype)
        for atom, flag in zip(program.jaxpr.outvars, shown, strict=True)
        if flag
    ]
    traced = jax.make_jaxpr(both)(inputs, cotangents)
    return _as_joint(traced, shown, present, len(inputs))


def _as_joint(traced: ClosedJaxpr, shown: Sequence[bool], present: Sequence[bool], count: int) -> Joint:
    jaxpr = traced.jaxpr
    held = list(jaxpr.constvars)
    incoming = iter(jaxpr.invars[count:])
    outgoing = iter(jaxpr.outvars[len(shown) :])
    return Joint(
        jaxpr,
        constants_of(traced),
        held,
        list(jaxpr.invars[:count]),
        [next(incoming) if flag else None for flag in shown],
        list(jaxpr.outvars[: len(shown)]),
        [next(outgoing) if flag else None for flag in present],
    )


def variables(atoms: Iterable[Atom | None]) -> list[Var]:
    """Those atoms that are variables."""
    return [atom for atom in atoms if isinstance(atom, Var)]


def dependent(equations: Iterable[JaxprEqn], seeds: Iterable[Var | None]) -> set[Var]:
    """All values that depend on the seeds, these included."""
    found = set(variables(seeds))
    for equation in equations:
        if any(isinstance(atom, Var) and atom in found for atom in equation.invars):
            found.update(equation.outvars)
    return found


def leading_to(equations: Sequence[JaxprEqn], targets: Iterable[Atom | None], given: Set[Var]) -> list[JaxprEqn]:
    """The operations that make the targets out of what is given, in order."""
    wanted = {variable for variable in variables(targets) if variable not in given}
    chosen: list[JaxprEqn] = []
    for equation in reversed(equations):
        if any(variable in wanted for variable in equation.outvars):
            chosen.append(equation)
            wanted.update(variable for variable in variables(equation.invars) if variable not in given)
    return chosen[::-1]


def inputs_of(equations: Sequence[JaxprEqn], targets: Iterable[Atom | None]) -> set[Var]:
    """What some operations, and targets that no operation makes, take from outside."""
    made = {variable for equation in equations for variable in equation.outvars}
    used = {variable for equation in equations for variable in variables(equation.invars)}
    return (used | set(variables(targets))) - made


def piece(joint: Joint, given: Sequence[Var], targets: Sequence[Atom], effects: bool = False) -> ClosedJaxpr:
    """The program from what is given to the targets; with `effects` also what is only done, such as printing."""
    equations = joint.program.eqns
    wanted: list[Atom] = list(targets)
    done = [equation for equation in equations if effects and equation.effects]
    for equation in done:
        wanted.extend(variables(equation.outvars))
    chosen = leading_to(equations, wanted, set(given))
    identities = {id(equation) for equation in (*chosen, *done)}
    return program_of(joint.program, given, [e for e in equations if id(e) in identities], targets)


def run(table: Table, program: ClosedJaxpr, operands: Sequence[Any]) -> list[Any]:
    """The results of a program, each operation in the form that its rule prefers."""
    environment: dict[Any, Any] = dict(zip(program.jaxpr.invars, operands, strict=True))
    environment.update(zip(program.jaxpr.constvars, constants_of(program), strict=True))

    def read(atom: Any) -> Any:
        return atom.val if isinstance(atom, Literal) else environment[atom]

    for equation in program.jaxpr.eqns:
        outputs = evaluate(lookup(table, equation), equation, [read(atom) for atom in equation.invars])
        environment.update(zip(equation.outvars, outputs, strict=True))
    return [read(atom) for atom in program.jaxpr.outvars]


def run_over(
    table: Table, program: ClosedJaxpr, operands: Sequence[Any], stacked: Sequence[bool], length: int
) -> list[Any]:
    """A program for each slice of the stacked operands at once; all results are stacked."""
    if not program.jaxpr.outvars:
        return []
    function: Callable[..., Any] = jax.vmap(
        lambda *values: run(table, program, values), in_axes=[0 if flag else None for flag in stacked], axis_size=length
    )
    structs = [aval_struct(jax.typeof(operand)) for operand in operands]
    return run(table, jax.make_jaxpr(function)(*structs), operands)
