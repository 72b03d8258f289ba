r"""Values of a loop for all steps at once, and sums over the steps.

A cotangent of a constant of the loop is a sum over the steps, \(\bar w = \sum_t g_t\). Where \(g_t\) is made by linear
operations the sum moves inwards until it meets a product, which takes the steps as one more summed axis:

\[ \sum_t A\, g_t = A \sum_t g_t, \qquad \sum_t x_t^\top u_t = X^\top U, \]

with \(X, U\) the stacks: one large product instead of many small ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
from jax import lax
from jax.extend.core import JaxprEqn, Literal, Var

from pullback.autodiff.joint import inputs_of, leading_to, run_over
from pullback.autodiff.loop_plan import Plan
from pullback.autodiff.parameters import Contraction, apply, axes, contraction, program_of
from pullback.autodiff.record import Table
from pullback.autodiff.rule import add
from pullback.autodiff.rules.contractions import product


@dataclass
class Stacks:
    """What is known of a loop's values: some hold for all steps, others are stacks with one entry a step."""

    plan: Plan
    length: int
    once: dict[Var, Any] = field(default_factory=dict)
    every: dict[Var, Any] = field(default_factory=dict)

    def copy(self) -> Stacks:
        """The same values, to which others can be added: a way back can be gone twice."""
        return Stacks(self.plan, self.length, dict(self.once), dict(self.every))

    def values(self, variables: Sequence[Var]) -> list[Any]:
        """What is known of some variables."""
        return [self.once[variable] if variable in self.once else self.every[variable] for variable in variables]

    def offered(self) -> tuple[list[Var], list[Var]]:
        """All variables that are known, once and for every step."""
        return list(self.once), list(self.every)

    def over(self, table: Table, targets: Sequence[Var]) -> list[Any]:
        """Stacks of the targets, computed from what is known for all steps at once."""
        joint = self.plan.joint
        equations = leading_to(joint.program.eqns, targets, {*self.once, *self.every})
        needed = inputs_of(equations, targets)
        given = [variable for variable in (*self.once, *self.every) if variable in needed]
        program = program_of(joint.program, given, equations, targets)
        stacked = [variable in self.every for variable in given]
        return run_over(table, program, self.values(given), stacked, self.length)

    def stack(self, atom: Any) -> Any:
        """The stack of a value, repeated if it is the same in every step."""
        if isinstance(atom, Var) and atom in self.every:
            return self.every[atom]
        value = atom.val if isinstance(atom, Literal) else self.once[atom]
        return jnp.broadcast_to(value, (self.length, *jnp.shape(value)))


def total(table: Table, stacks: Stacks, atom: Any) -> Any:
    """The sum of a value over all steps."""
    return _Sum(table, stacks).of(atom)


class _Sum:
    def __init__(self, table: Table, stacks: Stacks) -> None:
        self.table, self.stacks = table, stacks
        self.deferred = {
            variable: equation
            for equation in stacks.plan.joint.program.eqns
            if id(equation) in stacks.plan.deferred
            for variable in equation.outvars
        }

    def of(self, atom: Any) -> Any:
        if isinstance(atom, Literal) or atom in self.stacks.once:
            value = atom.val if isinstance(atom, Literal) else self.stacks.once[atom]
            return jnp.multiply(value, jnp.asarray(self.stacks.length, jnp.result_type(value)))
        if atom in self.stacks.every or atom not in self.deferred:
            return lax.reduce_sum(self.stack(atom), (0,))
        equation = self.deferred[atom]
        name = equation.primitive.name
        if name in ("add", "add_any"):
            return add(*map(self.of, equation.invars))
        if name == "reduce_sum":
            return lax.reduce_sum(self.stack(equation.invars[0]), (0, *(axis + 1 for axis in axes(equation))))
        if name == "dot_general":
            return self.product(equation)
        return apply(equation, [self.of(equation.invars[0])])[0]

    def stack(self, atom: Any) -> Any:
        if atom not in self.stacks.every and atom not in self.stacks.once:
            (self.stacks.every[atom],) = self.stacks.over(self.table, [atom])
        return self.stacks.stack(atom)

    def moves(self, atom: Any) -> bool:
        return not isinstance(atom, Literal) and atom not in self.stacks.once

    def fixed(self, atom: Any) -> Any:
        return atom.val if isinstance(atom, Literal) else self.stacks.once[atom]

    def product(self, equation: JaxprEqn) -> Any:
        """A sum of products: the steps are one more summed axis, or the sum is taken of the only factor that moves."""
        left, right = equation.invars
        if not self.moves(left) or not self.moves(right):
            operands = [self.of(atom) if self.moves(atom) else self.fixed(atom) for atom in (left, right)]
            return apply(equation, operands)[0]
        at = contraction(equation)
        behind = Contraction(
            (0, *(axis + 1 for axis in at.left)),
            (0, *(axis + 1 for axis in at.right)),
            tuple(axis + 1 for axis in at.left_batch),
            tuple(axis + 1 for axis in at.right_batch),
        )
        return product(equation, self.stack(left), self.stack(right), behind)
