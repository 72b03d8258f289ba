r"""Forward mode over a traced program: every value carries its tangent.

\[ v_j = f(v_i, \dots), \qquad \dot v_j = \sum_{i : v_i \to v_j} \frac{\partial v_j}{\partial v_i}\, \dot v_i . \]

A tangent that is known to be zero is `None`, and costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jax.extend.core import ClosedJaxpr, JaxprEqn, Literal

from pullback.autodiff.parameters import called, constants_of
from pullback.autodiff.record import Table, evaluate, lookup, reach
from pullback.autodiff.rule import Point

Dual = tuple[Any, Any]


def push(table: Table, program: ClosedJaxpr, operands: Sequence[Any], tangents: Sequence[Any]) -> list[Dual]:
    """The results of a program, each with its tangent."""
    pairs = zip(operands, tangents, strict=True)
    environment: dict[Any, Dual] = dict(zip(program.jaxpr.invars, pairs, strict=True))
    environment.update(
        {v: (value, None) for v, value in zip(program.jaxpr.constvars, constants_of(program), strict=True)}
    )

    def read(atom: Any) -> Dual:
        return (atom.val, None) if isinstance(atom, Literal) else environment[atom]

    for equation in program.jaxpr.eqns:
        duals = push_one(table, equation, [read(atom) for atom in equation.invars])
        environment.update(zip(equation.outvars, duals, strict=True))
    return [read(atom) for atom in program.jaxpr.outvars]


def push_one(table: Table, equation: JaxprEqn, duals: Sequence[Dual]) -> list[Dual]:
    """The results of one operation, each with its tangent."""
    values = tuple(value for value, _ in duals)
    tangents = [tangent for _, tangent in duals]
    active = tuple(tangent is not None for tangent in tangents)
    inner = called(equation) if any(active) else None
    if inner is not None:
        return push(table, inner, values, tangents)
    rule = lookup(table, equation)
    if rule.forward is not None and any(active):
        return rule.forward(table, equation, values, tangents)
    outputs = tuple(evaluate(rule, equation, values))
    if not any(active) or not any(reach(table, equation, active)):
        return [(output, None) for output in outputs]
    assert rule.tangent is not None
    point = Point(equation, values, outputs, active, None, table)
    return list(zip(outputs, rule.tangent(point, tangents), strict=True))
