r"""The loop `while`, whose length is known only when it has run.

Forward mode carries tangents along: \(\dot h_{t+1} = \partial b(h_t)\, \dot h_t\). Reverse mode would have to keep a
value for each of an unknown number of steps, which no compiled program can; the error says what to do instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, JaxprEqn, jaxpr_as_fun

from pullback.autodiff.parameters import Repetition, aval_struct, opened, repeat, repetition
from pullback.autodiff.push import push
from pullback.autodiff.record import Table, reach_through
from pullback.autodiff.rule import Derivative, Point, instantiate
from pullback.core.errors import DerivativeError


def _divided(loop: Repetition, values: Sequence[Any]) -> tuple[list[Any], list[Any], list[Any]]:
    """What belongs to the constants of the test, to those of the body and to the carry."""
    first, second = loop.test_constants, loop.test_constants + loop.body_constants
    return list(values[:first]), list(values[first:second]), list(values[second:])


def _moving(table: Table, loop: Repetition, active: Sequence[bool]) -> tuple[list[bool], list[bool]]:
    """Which constants of the body and which parts of the carry depend on the variables."""
    _, constants, carry = _divided(loop, active)
    while True:
        found = reach_through(table, loop.body, [*constants, *carry])
        following = [before or after for before, after in zip(carry, found, strict=True)]
        if following == carry:
            return constants, carry
        carry = following


def reaches(table: Table, equation: JaxprEqn, active: Sequence[bool]) -> list[bool]:
    """Which results of the loop depend on the variables."""
    return _moving(table, repetition(equation), active)[1]


def forward(table: Table, equation: JaxprEqn, operands: Sequence[Any], tangents: Sequence[Any]) -> list[Any]:
    """One loop over values and tangents together; the test sees the values alone."""
    loop = repetition(equation)
    constants, carry = _moving(table, loop, [tangent is not None for tangent in tangents])
    test_values, body_values, start = _divided(loop, operands)
    _, body_tangents, start_tangents = _divided(loop, tangents)
    moving = [tangent for tangent, flag in zip(body_tangents, constants, strict=True) if flag]
    starting = [instantiate(t, v) for t, v, flag in zip(start_tangents, start, carry, strict=True) if flag]
    groups = (body_values, moving, start, starting)
    body = _dual_body(table, loop, constants, carry, groups)
    change = Repetition(
        _test_of(loop, test_values, start, starting),
        loop.test_constants,
        opened(body),
        len(body.consts) + len(body_values) + len(moving),
    )
    found = repeat(equation, change, [*test_values, *body.consts, *body_values, *moving, *start, *starting])
    moved = iter(found[len(start) :])
    return [(value, next(moved) if flag else None) for value, flag in zip(found, carry, strict=False)]


def _structs(values: Sequence[Any]) -> list[Any]:
    return [aval_struct(jax.typeof(value)) for value in values]


def _dual_body(
    table: Table,
    loop: Repetition,
    constants: Sequence[bool],
    carry: Sequence[bool],
    groups: tuple[list[Any], list[Any], list[Any], list[Any]],
) -> ClosedJaxpr:
    sizes = [len(group) for group in groups]

    def body(*arguments: Any) -> list[Any]:
        values, moving, state, following = (
            arguments[sum(sizes[:index]) : sum(sizes[: index + 1])] for index in range(len(sizes))
        )
        moving_values, following_values = iter(moving), iter(following)
        tangents = [next(moving_values) if flag else None for flag in constants]
        tangents += [next(following_values) if flag else None for flag in carry]
        duals = push(table, loop.body, [*values, *state], tangents)
        seen = [instantiate(tangent, value) for (value, tangent), flag in zip(duals, carry, strict=True) if flag]
        return [*(value for value, _ in duals), *seen]

    inputs = [aval_struct(variable.aval) for variable in loop.body.jaxpr.invars]
    first, state = inputs[: sizes[0]], inputs[sizes[0] :]
    return jax.make_jaxpr(body)(*first, *_structs(groups[1]), *state, *_structs(groups[3]))


def _test_of(loop: Repetition, test_values: list[Any], start: list[Any], starting: list[Any]) -> ClosedJaxpr:
    """The test as a function of a longer carry."""
    used = len(test_values) + len(start)
    inputs = [aval_struct(variable.aval) for variable in loop.test.jaxpr.invars]
    return jax.make_jaxpr(lambda *values: jaxpr_as_fun(loop.test)(*values[:used]))(*inputs, *_structs(starting))


def cotangent(point: Point, cotangents: Sequence[Any]) -> list[Any]:
    """Refused: there is nothing to go back over."""
    raise DerivativeError(
        "a while loop cannot be differentiated in reverse mode",
        expected="a loop whose number of steps is known when the function is compiled",
        got="jax.lax.while_loop, or jax.lax.fori_loop between limits that are arrays",
        fix="use jax.lax.scan, or fori_loop between Python integers; or use forward mode (jvp, "
        "jacobian(mode='forward')), or stop_gradient if the derivative of the loop is not wanted",
    )


REPETITION = {
    "while": Derivative(
        None,
        cotangent,
        r"\dot h_{t+1} = \partial b(h_t) \dot h_t",
        "the number of steps is not differentiated",
        forward=forward,
        reaches=reaches,
    ),
}
