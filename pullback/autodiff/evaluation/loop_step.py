r"""One step of a `scan` inside an evaluation: what comes into its body there, with tangents, and the cotangents behind.

The steps before are run forward to the carry \(h_t, \dot h_t\), the steps after are gone back to \(\bar h_{t+1}\).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, JaxprEqn

from pullback.autodiff.parameters import Loop, loop
from pullback.autodiff.push import push_one
from pullback.autodiff.record import Tape, Tracked, differentiable
from pullback.autodiff.rules import RULES
from pullback.core.errors import ConfigurationError


@dataclass(frozen=True)
class BodyAt:
    """The body of a loop at one of its steps: inputs, their directions, cotangents of its results."""

    step: int
    program: ClosedJaxpr
    values: list[Any]
    directions: list[Any]
    cotangents: list[Any]


def body_at(
    equation: JaxprEqn, values: Sequence[Any], directions: Sequence[Any], cotangents: Sequence[Any], step: int
) -> BodyAt:
    """The body at a step, counted in the order in which the loop runs."""
    whole = loop(equation)
    if not -whole.length <= step < whole.length:
        raise ConfigurationError(
            "the loop has no such step",
            expected=f"a number from 0 to {whole.length - 1}, or from {-whole.length} to -1 counted from the end",
            got=str(step),
            fix="open one of the steps that the loop ran",
        )
    step %= whole.length
    duals = [
        (jnp.asarray(value), None if direction is None else jnp.asarray(direction))
        for value, direction in zip(values, directions, strict=True)
    ]
    before, after = _pieces(whole, step)
    constants, slices = duals[: whole.constants], duals[whole.constants + whole.carried :]
    carry = duals[whole.constants : whole.constants + whole.carried]
    if step:
        given = [*constants, *carry, *(_cut(dual, before) for dual in slices)]
        carry = push_one(RULES, _shortened(equation, step), given)[: whole.carried]
    here = whole.length - 1 - step if whole.reverse else step
    inside = [*constants, *carry, *((value[here], None if t is None else t[here]) for value, t in slices)]
    outgoing = [None if c is None else jnp.asarray(c) for c in cotangents]
    moving, stacked = outgoing[: whole.carried], outgoing[whole.carried :]
    rest = whole.length - 1 - step
    if rest:
        following = push_one(RULES, _shortened(equation, 1), [*constants, *carry, *(_cut(d, [here]) for d in slices)])
        given = [*constants, *following[: whole.carried], *(_cut(dual, after) for dual in slices)]
        later = [None if c is None else c[jnp.array(after)] for c in stacked]
        moving = _back(_shortened(equation, rest), whole, [value for value, _ in given], [*moving, *later])
    incoming = [*moving, *(None if c is None else c[here] for c in stacked)]
    return BodyAt(step, whole.body, [value for value, _ in inside], [t for _, t in inside], incoming)


def _pieces(whole: Loop, step: int) -> tuple[list[int], list[int]]:
    """Positions of the slices that are used before a step and after it."""
    order = list(range(whole.length))
    if whole.reverse:
        return order[whole.length - step :], order[: whole.length - step - 1]
    return order[:step], order[step + 1 :]


def _cut(dual: tuple[Any, Any], positions: list[int]) -> tuple[Any, Any]:
    chosen = jnp.array(positions)
    return dual[0][chosen], None if dual[1] is None else dual[1][chosen]


def _shortened(equation: JaxprEqn, length: int) -> JaxprEqn:
    return equation.replace(params={**equation.params, "length": length})


def _back(equation: JaxprEqn, whole: Loop, values: list[Any], cotangents: list[Any]) -> list[Any]:
    """Cotangents of the carry that comes into the remaining steps."""
    tape = Tape(RULES)
    operands = [Tracked(value) for value in values]
    places = range(whole.constants, whole.constants + whole.carried)
    for place in places:
        if differentiable(values[place]):
            operands[place] = tape.track(values[place])
    results = tape.step(equation, operands)
    pairs = zip(results, cotangents, strict=True)
    found = tape.pull({r.place: c for r, c in pairs if r.place is not None and c is not None})
    carried = [operands[place].place for place in places]
    return [None if place is None else found.get(place) for place in carried]
