r"""What of a loop's derivative must stay inside a loop, and what need not.

With the body \((h_{t+1}, y_t) = b(w, h_t, x_t)\), reverse mode runs

\[ (\bar h_t,\ \bar x_t,\ \bar w \mathrel{+}= ) = B(w, h_t, x_t;\ \bar h_{t+1}, \bar y_t), \qquad t = T, \dots, 1. \]

Only the chain of \(\bar h\) has to be computed one step after another. This file divides the joint trace of the body
and its way back into

* invariant values, which depend on \(w\) alone: once, before the loop;
* products of the slices \(x_t\) with invariant matrices: one product for all \(t\), before the loop;
* the forward loop, with the values that the way back keeps;
* factors, the elementwise derivatives at those values: for all \(t\) at once, between the loops;
* the backward loop of \(\bar h\);
* products and sums that end in \(\bar w\) or \(\bar x_t\): for all \(t\) at once, after the loop, the sum over \(t\)
  being one more axis that the product contracts.

Every piece that leaves a loop is paid with memory, a stack of its values; the bounds below keep that below what the
loop keeps anyway.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Set
from dataclasses import dataclass, field

from jax.extend.core import JaxprEqn, Var

from pullback.autodiff.joint import Atom, Joint, dependent, leading_to, variables
from pullback.autodiff.parameters import array_type

# Stacks of this size are taken for granted: a loop of many steps over small arrays is worth every shortcut.
SMALL_STACK = 64 * 2**20
# Operations that make an array out of nearly nothing: made again wherever they are used.
FREE = {"broadcast_in_dim", "iota", "full_like"}
# Operations cheap enough to be done again out of kept operands, instead of keeping the result as well.
AGAIN = FREE | {
    "add",
    "sub",
    "neg",
    "mul",
    "reshape",
    "squeeze",
    "transpose",
    "convert_element_type",
    "slice",
    "select_n",
}
# How many of them in a row are still cheaper than a stack.
LONGEST_AGAIN = 6
# Elementwise operations, and reductions beside them, that may run over all steps at once between the loops.
FACTORS = AGAIN | {
    *("div", "exp", "log", "tanh", "logistic", "sin", "cos", "sqrt", "rsqrt", "integer_pow", "square", "max", "min"),
    *("gt", "ge", "lt", "le", "eq", "ne", "and", "or", "not", "sign", "abs", "exp2", "log1p", "expm1", "pow", "erf"),
    *("reduce_sum", "reduce_max", "stop_gradient", "add_any", "clamp", "pad", "concatenate", "rev"),
}
# Linear operations that may wait until all steps are known, on the way to the cotangent of a constant or a slice.
WAITING = {
    *("dot_general", "reduce_sum", "transpose", "reshape", "squeeze", "convert_element_type", "add_any", "add", "neg"),
    *("broadcast_in_dim",),
}


@dataclass
class Plan:
    """The pieces of a loop; every list holds variables of the joint trace."""

    joint: Joint
    constants: list[Var]
    carried: list[Var]
    sliced: list[Var]
    invariant: list[Var] = field(default_factory=list)
    ahead: list[Var] = field(default_factory=list)
    kept: list[Var] = field(default_factory=list)
    factors: list[Var] = field(default_factory=list)
    deferred: set[int] = field(default_factory=set)
    passed: list[Var] = field(default_factory=list)

    @property
    def chain(self) -> list[Atom | None]:
        """Cotangents of the carry."""
        end = len(self.joint.outgoing) - len(self.sliced)
        return self.joint.outgoing[end - len(self.carried) : end]


def make_plan(joint: Joint, constants: int, carried: int, length: int) -> Plan:
    """Divide the joint trace of a loop's body."""
    operands = joint.operands
    plan = Plan(
        joint,
        [*joint.held, *operands[:constants]],
        operands[constants : constants + carried],
        operands[constants + carried :],
    )
    division = _Division(plan, length)
    division.take_out_invariant()
    division.run_ahead()
    division.defer()
    division.keep()
    return plan


def stack_bytes(stack: Iterable[Var], length: int) -> int:
    """Memory of a stack of values."""
    return length * sum(
        math.prod(array_type(variable).shape) * array_type(variable).dtype.itemsize for variable in stack
    )


class _Division:
    def __init__(self, plan: Plan, length: int) -> None:
        joint = plan.joint
        self.plan, self.joint, self.length = plan, joint, length
        self.equations = joint.program.eqns
        self.producer = joint.producers()
        self.back = dependent(self.equations, joint.incoming)
        self.from_carry = dependent(self.equations, plan.carried)
        self.from_slice = dependent(self.equations, plan.sliced)
        self.primal = {id(equation) for equation in leading_to(self.equations, joint.outputs, set())}

    def users(self) -> dict[Var, list[JaxprEqn]]:
        found: dict[Var, list[JaxprEqn]] = {}
        for equation in self.equations:
            for variable in variables(equation.invars):
                found.setdefault(variable, []).append(equation)
        return found

    def is_invariant(self, variable: Var) -> bool:
        return not (variable in self.back or variable in self.from_carry or variable in self.from_slice)

    def take_out_invariant(self) -> None:
        """Values of the constants alone that something inside the loop uses, unless they cost nothing to make."""
        taken = {
            variable
            for variable, equation in self.producer.items()
            if self.is_invariant(variable) and equation.primitive.name not in FREE and not equation.effects
        }
        made_inside = [e for e in self.equations if not any(variable in taken for variable in e.outvars)]
        used = {variable for equation in made_inside for variable in variables(equation.invars)}
        used.update(variables(self.joint.outputs), variables(self.joint.outgoing))
        self.plan.invariant = [variable for variable in self.producer if variable in taken and variable in used]

    def run_ahead(self) -> None:
        """Products of slices with invariant operands, and what is made of them elementwise."""
        ahead: set[Var] = set()
        for equation in self.equations:
            if id(equation) not in self.primal or equation.effects:
                continue
            (first, *_) = equation.outvars
            if first in self.from_carry or first not in self.from_slice:
                continue
            name = equation.primitive.name
            follows = any(variable in ahead for variable in variables(equation.invars))
            if name == "dot_general" or (follows and name in FACTORS):
                ahead.update(equation.outvars)
        inside = [e for e in self.equations if not any(variable in ahead for variable in e.outvars)]
        used = {variable for equation in inside for variable in variables(equation.invars)}
        used.update(variables(self.joint.outputs))
        frontier = [variable for variable in self.producer if variable in ahead and variable in used]
        if stack_bytes(frontier, self.length) <= max(SMALL_STACK, 4 * stack_bytes(self.plan.sliced, self.length)):
            self.plan.ahead = frontier

    def defer(self) -> None:
        """Products and sums that nothing in the chain of the carry waits for."""
        users = self.users()
        carry_ends = set(variables(self.plan.chain))
        deferred: set[int] = set()
        for equation in reversed(self.equations):
            if self._may_wait(equation, users, carry_ends, deferred):
                deferred.add(id(equation))
        kept = [equation for equation in self.equations if id(equation) in deferred]
        if not any(equation.primitive.name in ("dot_general", "reduce_sum") for equation in kept):
            return
        made = {variable for equation in kept for variable in equation.outvars}
        passed = {v for e in kept for v in variables(e.invars) if v in self.back and v not in made}
        passed = [v for v in [*variables(self.joint.incoming), *self.producer] if v in passed]
        bound = max(SMALL_STACK, 2 * stack_bytes(self.plan.sliced + self.plan.ahead, self.length))
        if stack_bytes([v for v in passed if v in self.producer], self.length) <= bound:
            self.plan.deferred, self.plan.passed = deferred, passed

    def _may_wait(
        self, equation: JaxprEqn, users: dict[Var, list[JaxprEqn]], carry_ends: Set[Var], deferred: Set[int]
    ) -> bool:
        if equation.primitive.name not in WAITING or not any(v in self.back for v in equation.outvars):
            return False
        if equation.primitive.name in ("add", "add_any"):
            if not all(isinstance(atom, Var) and atom in self.back for atom in equation.invars):
                return False
            if len({array_type(atom).shape for atom in equation.invars}) > 1:
                return False
        (output,) = equation.outvars
        return output not in carry_ends and all(id(user) in deferred for user in users.get(output, []))

    def keep(self) -> None:
        """Values that the way back takes from the way forward: kept, or made of those that are."""
        plan = self.plan
        given = set(plan.constants) | set(plan.sliced) | set(plan.invariant) | set(plan.ahead)
        kept: dict[Var, None] = {}
        factors: dict[Var, None] = {}
        direct = {v for e in self.equations if any(o in self.back for o in e.outvars) for v in variables(e.invars)}
        direct.update(variables(self.joint.outgoing))
        order = [*plan.carried, *self.producer]
        needed = [v for v in order if v in direct and v not in self.back and v not in given]
        # First what has to be kept in any case; much of the rest then follows from it.
        simple = {variable for variable in needed if self._is_simple(variable)}
        for variable in [v for v in needed if v not in simple] + [v for v in needed if v in simple]:
            if not self._made_again(variable, given, kept):
                self._obtain(variable, given, kept, factors)
        plan.kept = [v for v in order if v in kept]
        plan.factors = [v for v in order if v in factors and v in direct]

    def _is_simple(self, variable: Var) -> bool:
        """Whether a value on the way forward may be made again on the way back."""
        equation = self.producer.get(variable)
        if equation is None or equation.effects or equation.primitive.name not in AGAIN:
            return False
        return id(equation) in self.primal or equation.primitive.name in FREE

    def _made_again(self, variable: Var, given: Set[Var], kept: dict[Var, None], depth: int = LONGEST_AGAIN) -> bool:
        """Whether a value follows cheaply from what is there, so that each user makes it for itself."""
        if depth == 0 or not self._is_simple(variable):
            return False
        return all(
            operand in given or operand in kept or self._made_again(operand, given, kept, depth - 1)
            for operand in variables(self.producer[variable].invars)
        )

    def _obtain(self, variable: Var, given: Set[Var], kept: dict[Var, None], factors: dict[Var, None]) -> None:
        equation = self.producer.get(variable)
        if equation is None or id(equation) in self.primal or not self._is_factor(variable):
            kept[variable] = None
            return
        factors[variable] = None
        for operand in variables(equation.invars):
            if operand not in given and operand not in kept and not self._made_again(operand, given, kept):
                self._obtain(operand, given, kept, factors)

    def _is_factor(self, variable: Var) -> bool:
        equation = self.producer[variable]
        return equation.primitive.name in FACTORS and not equation.effects
