r"""Known factors of a cotangent gathered into one.

On its way back through elementwise operations a cotangent is multiplied by one known derivative after the other,
\(((\bar h \cdot a) \cdot b) + ((\bar h \cdot c) \cdot d)\). In a loop each known factor is a stack that every step
reads. Written as \(\bar h \cdot (a b + c d)\), one factor is left; it does not depend on a cotangent, so it is made
for all steps at once before the backward loop starts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from jax import lax
from jax.extend.core import JaxprEqn, Var

from pullback.autodiff.joint import Atom, Joint, dependent, variables
from pullback.autodiff.parameters import array_type, new_equation, program_of


@dataclass(frozen=True)
class Form:
    """A cotangent as \\(\\pm\\) root times a known factor (`None`: one)."""

    root: Var
    factor: Atom | None = None
    negative: bool = False


def gather_factors(joint: Joint) -> Joint:
    """The same trace with known factors of each cotangent gathered into one."""
    gathering = _Gathering(joint)
    for equation in joint.program.eqns:
        gathering.visit(equation)
    for variable in variables(joint.outgoing):
        gathering.settle(variable)
    program = joint.program
    closed = program_of(program, [*program.constvars, *program.invars], gathering.equations, program.outvars)
    return replace(joint, program=closed.jaxpr)


class _Gathering:
    def __init__(self, joint: Joint) -> None:
        self.back = dependent(joint.program.eqns, joint.incoming)
        self.forms: dict[Var, Form] = {}
        self.equations: list[JaxprEqn] = []

    def moves(self, atom: Any) -> bool:
        return isinstance(atom, Var) and atom in self.back

    def visit(self, equation: JaxprEqn) -> None:
        form = self.form_of(equation)
        if form is not None:
            self.forms[equation.outvars[0]] = form
            return
        for variable in variables(equation.invars):
            self.settle(variable)
        self.equations.append(equation)

    def form_of(self, equation: JaxprEqn) -> Form | None:
        moving = [atom for atom in variables(equation.invars) if atom in self.back]
        if not moving or any(array_type(atom).shape != array_type(equation.outvars[0]).shape for atom in moving):
            return None
        name = equation.primitive.name
        if name == "neg":
            form = self.forms.get(moving[0], Form(moving[0]))
            return replace(form, negative=not form.negative)
        if name == "mul" and len(moving) == 1:
            return self.scaled(equation, moving[0])
        if name in ("add", "add_any", "sub") and len(moving) == 2:
            return self.joined(equation, *moving)
        return None

    def scaled(self, equation: JaxprEqn, moving: Var) -> Form | None:
        (known,) = [atom for atom in equation.invars if not self.moves(atom)]
        if array_type(known).shape not in ((), array_type(equation.outvars[0]).shape):
            return None
        form = self.forms.get(moving, Form(moving))
        return replace(form, factor=known if form.factor is None else self.make(lax.mul, form.factor, known))

    def joined(self, equation: JaxprEqn, left: Var, right: Var) -> Form | None:
        first, second = (self.forms.get(variable, Form(variable)) for variable in (left, right))
        if first.root is not second.root or first.factor is None or second.factor is None:
            return None
        if array_type(first.factor).shape != array_type(second.factor).shape:
            return None
        second_negative = second.negative != (equation.primitive.name == "sub")
        if first.negative == second_negative:
            return Form(first.root, self.make(lax.add, first.factor, second.factor), first.negative)
        plus, minus = (second, first) if first.negative else (first, second)
        assert plus.factor is not None and minus.factor is not None
        return Form(first.root, self.make(lax.sub, plus.factor, minus.factor))

    def make(self, function: Any, *operands: Atom) -> Var:
        equation = new_equation(function, operands)
        self.equations.append(equation)
        return equation.outvars[0]

    def settle(self, variable: Var) -> None:
        """Write down the operation that makes a cotangent out of its form, once something else needs it."""
        form = self.forms.pop(variable, None)
        if form is None:
            return
        factor = form.factor
        if factor is not None and form.negative:
            factor = self.make(lax.neg, factor)
        function, operands = (lax.neg, [form.root]) if factor is None else (lax.mul, [form.root, factor])
        self.equations.append(new_equation(function, operands, variable))
