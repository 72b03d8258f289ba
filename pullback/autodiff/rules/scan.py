r"""The loop `scan`: \((h_{t+1}, y_t) = b(w, h_t, x_t)\).

Forward mode carries the tangents along in one loop. Reverse mode keeps what `loop_plan.py` says and runs

\[ \bar h_t = \partial_h b^\top(\bar h_{t+1}, \bar y_t), \qquad
   \bar x_t = \partial_x b^\top(\bar h_{t+1}, \bar y_t), \qquad
   \bar w = \sum_t \partial_w b^\top(\bar h_{t+1}, \bar y_t) . \]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, JaxprEqn, Var, jaxpr_as_fun

from pullback.autodiff.joint import (
    inputs_of,
    leading_to,
    piece,
    run,
    trace_joint,
    variables,
)
from pullback.autodiff.loop_factors import gather_factors
from pullback.autodiff.loop_plan import Plan, make_plan
from pullback.autodiff.loop_sum import Stacks, total
from pullback.autodiff.parameters import Loop, array_type, aval_struct, loop, program_of, run_loop
from pullback.autodiff.push import push
from pullback.autodiff.record import Table, reach_through
from pullback.autodiff.rule import Derivative, Point, instantiate


def moving_carry(table: Table, body: Loop, active: Sequence[bool]) -> list[bool]:
    """Which operands of the body depend on the variables, once the carry has gone round."""
    flags = list(active)
    while True:
        results = reach_through(table, body.body, flags)[: body.carried]
        places = range(body.constants, body.constants + body.carried)
        added = [place for place, moves in zip(places, results, strict=True) if moves and not flags[place]]
        if not added:
            return flags
        for place in added:
            flags[place] = True


def reaches(table: Table, equation: JaxprEqn, active: Sequence[bool]) -> list[bool]:
    """Which results of the loop depend on the variables."""
    body = loop(equation)
    flags = moving_carry(table, body, active)
    results = reach_through(table, body.body, flags)
    carry = flags[body.constants : body.constants + body.carried]
    return [*carry, *results[body.carried :]]


def forward(table: Table, equation: JaxprEqn, operands: Sequence[Any], tangents: Sequence[Any]) -> list[Any]:
    """One loop over values and tangents together."""
    body = loop(equation)
    flags = moving_carry(table, body, [tangent is not None for tangent in tangents])
    shown = [*flags[body.constants : body.constants + body.carried]]
    shown += reach_through(table, body.body, flags)[body.carried :]

    def with_tangents(values: list[Any], directions: list[Any]) -> tuple[list[Any], list[Any]]:
        given = iter(directions)
        duals = push(table, body.body, values, [next(given) if flag else None for flag in flags])
        moved = [instantiate(tangent, value) for (value, tangent), flag in zip(duals, shown, strict=True) if flag]
        return [value for value, _ in duals], moved

    structs = [aval_struct(variable.aval) for variable in body.body.jaxpr.invars]
    directions = [struct for struct, flag in zip(structs, flags, strict=True) if flag]
    traced = jax.make_jaxpr(with_tangents)(structs, [jax.ShapeDtypeStruct(d.shape, d.dtype) for d in directions])
    moving = [instantiate(t, v) for t, v, flag in zip(tangents, operands, flags, strict=True) if flag]
    return _run_dual(equation, body, traced, list(operands), moving, flags, shown)


def _run_dual(
    equation: JaxprEqn,
    body: Loop,
    traced: ClosedJaxpr,
    operands: list[Any],
    moving: list[Any],
    flags: list[bool],
    shown: list[bool],
) -> list[Any]:
    """Run a body from (values, tangents) to (values, tangents): its arguments in the order of a loop."""
    jaxpr = traced.jaxpr
    count = len(operands)
    bounds = (body.constants, body.constants + body.carried)
    before = [sum(flags[:bound]) for bound in bounds]

    def grouped(values: Sequence[Any], directions: Sequence[Any]) -> tuple[list[Any], list[Any], list[Any]]:
        return (
            [*values[: bounds[0]], *directions[: before[0]]],
            [*values[bounds[0] : bounds[1]], *directions[before[0] : before[1]]],
            [*values[bounds[1] :], *directions[before[1] :]],
        )

    inner = grouped(jaxpr.invars[:count], jaxpr.invars[count:])
    outer = grouped(operands, moving)
    results, results_moved = jaxpr.outvars[: len(shown)], jaxpr.outvars[len(shown) :]
    carried = sum(shown[: body.carried])
    outputs = [
        *results[: body.carried],
        *results_moved[:carried],
        *results[body.carried :],
        *results_moved[carried:],
    ]
    inputs = [*jaxpr.constvars, *inner[0], *inner[1], *inner[2]]
    program = program_of(jaxpr, inputs, jaxpr.eqns, outputs)
    change = Loop(program, len(traced.consts) + len(inner[0]), body.carried + carried, body.length, body.reverse)
    found = run_loop(equation, change, [*traced.consts, *outer[0], *outer[1], *outer[2]])
    values = [*found[: body.carried], *found[body.carried + carried :][: len(results) - body.carried]]
    moved = iter([*found[body.carried : body.carried + carried], *found[len(results) + carried :]])
    return [(value, next(moved) if flag else None) for value, flag in zip(values, shown, strict=True)]


def augmented(table: Table, equation: JaxprEqn, operands: Sequence[Any], active: Sequence[bool]) -> tuple[Any, Any]:
    """The forward loop with what the way back keeps."""
    body = loop(equation)
    flags = moving_carry(table, body, active)
    carry = flags[body.constants : body.constants + body.carried]
    shown = [*carry, *reach_through(table, body.body, flags)[body.carried :]]
    keep = [*[False] * body.constants, *carry, *[False] * body.sliced]
    joint = gather_factors(trace_joint(table, body.body, flags, shown, keep))
    plan = make_plan(joint, body.constants, body.carried, body.length)
    stacks = Stacks(plan, body.length)
    stacks.once.update(zip(joint.held, joint.constants, strict=True))
    stacks.once.update(zip(joint.operands[: body.constants], operands[: body.constants], strict=True))
    stacks.every.update(zip(plan.sliced, operands[body.constants + body.carried :], strict=True))
    _before(table, stacks)
    outputs = _forward_loop(equation, body, stacks, operands[body.constants : body.constants + body.carried])
    _between(table, stacks)
    return outputs, stacks


def _before(table: Table, stacks: Stacks) -> None:
    """What is computed before the loop: invariant values, and products of slices."""
    plan = stacks.plan
    program = piece(plan.joint, plan.constants, plan.invariant)
    stacks.once.update(zip(plan.invariant, run(table, program, stacks.values(plan.constants)), strict=True))
    stacks.every.update(zip(plan.ahead, stacks.over(table, plan.ahead), strict=True))


def _forward_loop(equation: JaxprEqn, body: Loop, stacks: Stacks, carry: Sequence[Any]) -> list[Any]:
    plan = stacks.plan
    targets = [*plan.joint.outputs, *plan.kept]
    once, every = stacks.offered()
    given = [*once, *plan.carried, *every]
    program = piece(plan.joint, given, targets, effects=True)
    needed = inputs_of(program.jaxpr.eqns, targets)
    once = [variable for variable in once if variable in needed]
    every = [variable for variable in every if variable in needed]
    program = program_of(plan.joint.program, [*once, *plan.carried, *every], program.jaxpr.eqns, targets)
    change = Loop(program, len(once), body.carried, body.length, body.reverse)
    found = run_loop(equation, change, [*stacks.values(once), *carry, *stacks.values(every)])
    count = len(plan.joint.outputs)
    stacks.every.update(zip(plan.kept, found[count:], strict=True))
    return found[:count]


def _between(table: Table, stacks: Stacks) -> None:
    """Factors of the way back, for all steps at once."""
    plan = stacks.plan
    stacks.every.update(zip(plan.factors, stacks.over(table, plan.factors), strict=True))


def cotangent(point: Point, cotangents: Sequence[Any]) -> list[Any]:
    """The backward loop, and what follows it."""
    body, stacks = loop(point.equation), point.residuals
    plan: Plan = stacks.plan
    joint = plan.joint
    stacks = stacks.copy()
    ends = _take_in(body, stacks, cotangents, point.outputs)
    slices = joint.outgoing[len(joint.outgoing) - body.sliced :] if body.sliced else []
    waiting = {v for e in joint.program.eqns if id(e) in plan.deferred for v in e.outvars}
    known = {*waiting, *stacks.every, *stacks.once}
    stacked = [v for v in dict.fromkeys([*variables(slices), *plan.passed]) if v not in known]
    known.update(stacked)
    sums = [v for v in dict.fromkeys(variables(joint.outgoing[: body.constants])) if v not in known]
    starts, totals = _backward_loop(point, body, stacks, ends, sums, stacked)
    found: list[Any] = [
        None if atom is None else totals[atom] if atom in totals else total(point.table, stacks, atom)
        for atom in joint.outgoing[: body.constants]
    ]
    found += starts
    found += _stacked_cotangents(point.table, stacks, slices)
    return [value if wanted else None for value, wanted in zip(found, point.wanted, strict=True)]


def _take_in(body: Loop, stacks: Stacks, cotangents: Sequence[Any], outputs: Sequence[Any]) -> list[Any]:
    """Give each incoming cotangent its place: those of the last carry are returned, the others are stacks."""
    ends = []
    for position, variable in enumerate(stacks.plan.joint.incoming):
        if variable is None:
            continue
        if position < body.carried:
            ends.append(instantiate(cotangents[position], outputs[position]))
        elif cotangents[position] is None:
            stacks.once[variable] = jnp.zeros(array_type(variable).shape, array_type(variable).dtype)
        else:
            stacks.every[variable] = cotangents[position]
    return ends


def _backward_loop(
    point: Point, body: Loop, stacks: Stacks, ends: list[Any], sums: list[Var], stacked: list[Var]
) -> tuple[list[Any], dict[Any, Any]]:
    """Run the chain backward; stacks are stored, cotangents of the first carry and the sums over steps returned."""
    plan = stacks.plan
    joint = plan.joint
    moving = variables(joint.incoming[: body.carried])
    chain = [atom for atom, variable in zip(plan.chain, joint.incoming, strict=False) if variable is not None]
    targets = [*chain, *sums, *stacked]
    equations = leading_to(joint.program.eqns, targets, {*stacks.once, *stacks.every, *moving})
    needed = inputs_of(equations, targets)
    once = [variable for variable in stacks.once if variable in needed]
    every = [variable for variable in stacks.every if variable in needed]
    program = program_of(joint.program, [*once, *moving, *every], equations, targets)
    program = _accumulating(program, len(once), len(moving), len(sums))
    change = Loop(program, len(once), len(moving) + len(sums), body.length, not body.reverse)
    zeros = [jnp.zeros(array_type(variable).shape, array_type(variable).dtype) for variable in sums]
    found = run_loop(point.equation, change, [*stacks.values(once), *ends, *zeros, *stacks.values(every)])
    totals = dict(zip(sums, found[len(moving) : len(moving) + len(sums)], strict=True))
    stacks.every.update(zip(stacked, found[len(moving) + len(sums) :], strict=True))
    starts = iter(found[: len(moving)])
    return [next(starts) if variable is not None else None for variable in joint.incoming[: body.carried]], totals


def _accumulating(program: ClosedJaxpr, once: int, moving: int, sums: int) -> ClosedJaxpr:
    """The body with running sums in its carry."""
    if not sums:
        return program
    shapes = [aval_struct(atom.aval) for atom in program.jaxpr.outvars[moving : moving + sums]]
    inputs = [aval_struct(variable.aval) for variable in program.jaxpr.invars]

    inner = jaxpr_as_fun(program)

    def body(*values: Any) -> list[Any]:
        running = values[once + moving : once + moving + sums]
        found = inner(*values[: once + moving], *values[once + moving + sums :])
        added = [before + new for before, new in zip(running, found[moving : moving + sums], strict=True)]
        return [*found[:moving], *added, *found[moving + sums :]]

    return jax.make_jaxpr(body)(*inputs[: once + moving], *shapes, *inputs[once + moving :])


def _stacked_cotangents(table: Table, stacks: Stacks, slices: Sequence[Any]) -> list[Any]:
    """Cotangents of the slices, those that waited for the end of the loop included."""
    missing = [variable for variable in variables(slices) if variable not in stacks.every]
    stacks.every.update(zip(missing, stacks.over(table, missing), strict=True))
    return [None if atom is None else stacks.stack(atom) for atom in slices]


SCAN = {
    "scan": Derivative(
        None,
        cotangent,
        r"(\bar h_t, \bar x_t, \bar w_t) = (\partial b)^\top(\bar h_{t+1}, \bar y_t),\ \bar w = \sum_t \bar w_t",
        augmented=augmented,
        forward=forward,
        reaches=reaches,
    ),
}
