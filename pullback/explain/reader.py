"""Reading a traced program backwards: what each output is in terms of the inputs, entry by entry."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal

from pullback.autodiff import inner_jaxpr
from pullback.core.errors import EquationError
from pullback.explain.constants import number
from pullback.explain.expression import Node, index, node
from pullback.explain.rewrite import build
from pullback.explain.view import Shape, View

Rule = Callable[["Reader", JaxprEqn, list[View]], "View | list[View]"]


def not_supported(operation: str, why: str) -> EquationError:
    """Error for an operation that could be written as a formula and is not yet."""
    return EquationError(
        f"the operation {operation!r} is not supported in equations yet",
        expected="a function of the operations in the table of pullback.explain.reader_rules",
        got=why,
        fix="leave that part out of the function, or give it a name with jax.jit and show the rest",
    )


def no_formula(operation: str, why: str) -> EquationError:
    """Error for an operation that no formula can express."""
    return EquationError(
        f"the operation {operation!r} cannot be written as a formula",
        expected="a function whose every step is known before it runs",
        got=why,
        fix="show one step of the iteration as a function of its own",
    )


@dataclass(frozen=True)
class Auxiliary:
    """An array of its own in the equation: its indices and what stands at them."""

    indices: tuple[Node, ...]
    body: Node


@dataclass
class Reader:
    """What reading one program gathers: arrays that need a name, and the named functions that it calls.

    `numbers` says what a number of the program is in terms of settings.
    """

    rules: Mapping[str, Rule]
    auxiliaries: dict[str, Auxiliary] = field(default_factory=dict)
    functions: dict[str, Any] = field(default_factory=dict)
    numbers: Mapping[float, Node] = field(default_factory=dict)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    _numbers: Any = field(default_factory=itertools.count)

    def new_index(self, size: int) -> Node:
        """An index that no other expression holds."""
        return index(next(self._numbers), size)

    def new_indices(self, shape: Sequence[int]) -> tuple[Node, ...]:
        """One new index an axis."""
        return tuple(self.new_index(size) for size in shape)

    def run(self, program: Jaxpr, constants: Sequence[Any], inputs: Sequence[View]) -> list[View]:
        """The outputs of a program whose inputs are these arrays."""
        known: dict[Any, View] = dict(zip(program.invars, inputs, strict=True))
        known |= zip(program.constvars, (self.constant(value) for value in constants), strict=True)

        def read(atom: Any) -> View:
            return self.constant(atom.val) if isinstance(atom, Literal) else known[atom]

        for equation in program.eqns:
            outputs = self.equation(equation, [read(atom) for atom in equation.invars])
            known.update(zip(equation.outvars, outputs, strict=True))
        return [read(atom) for atom in program.outvars]

    def closed(self, program: ClosedJaxpr, inputs: Sequence[View]) -> list[View]:
        """The same for a program that carries its constants."""
        return self.run(program.jaxpr, program.consts, inputs)

    def equation(self, equation: JaxprEqn, operands: list[View]) -> list[View]:
        """The results of one operation."""
        rule = self.rules.get(equation.primitive.name)
        ours = inner_jaxpr(equation) if rule is None else None
        if ours is not None:
            return self.closed(ours, operands)
        if rule is None:
            shapes = ", ".join(str(tuple(operand.shape)) for operand in operands)
            raise not_supported(equation.primitive.name, f"{equation.primitive.name} of arrays of shape {shapes}")
        result = rule(self, equation, operands)
        return result if isinstance(result, list) else [result]

    def constant(self, value: Any) -> View:
        """A number or an array that the program holds; an array of equal entries is that number."""
        array = np.asarray(value)
        if array.size and (array == array.flat[0]).all() or (array.size == 1):
            value = array.flat[0]
            found = self.numbers.get(float(value)) or _scalar(value)
            return View(array.shape, array.dtype, lambda *place: found)
        name = f"#{len(self.constants)}"
        self.constants[name] = array
        return argument(name, array.shape, array.dtype)

    def named(self, view: View, outside: Node | None = None) -> View:
        """The same array under a name of its own, for places that need one; beyond its edge it is `outside`."""
        indices = self.new_indices(view.shape)
        body = view.at(*indices)
        plain = tuple(place for place, size in zip(indices, view.shape, strict=True) if size > 1)
        name, kept = self._name_of(body, plain)
        if name is None:
            name = f"@{len(self.auxiliaries)}"
            self.auxiliaries[name] = Auxiliary(plain, body)
            kept = ()

        def entry(*place: Node) -> Node:
            inner = tuple(part for part, size in zip(place, view.shape, strict=True) if size > 1)
            return build("element", *kept, *inner, data=(name, outside))

        return View(view.shape, view.dtype, entry)

    def _name_of(self, body: Node, plain: tuple[Node, ...]) -> tuple[str | None, tuple[Node, ...]]:
        """The array that `body` is an entry of, if its last subscripts are `plain`, and the subscripts before them."""
        if body.op != "element" or body.data[1] is not None:
            return None, ()
        split = len(body.args) - len(plain)
        before = body.args[:split] if split >= 0 else ()
        fits = split >= 0 and body.args[split:] == plain and all(part.free.isdisjoint(plain) for part in before)
        return (body.data[0], before) if fits else (None, ())


def argument(name: str, shape: Shape, dtype: Any) -> View:
    """An array that the equation knows by its name; axes of size one carry no index."""

    def entry(*place: Node) -> Node:
        return node("element", *(part for part, size in zip(place, shape, strict=True) if size > 1), data=(name, None))

    return View(shape, dtype, entry)


def program_inputs(program: ClosedJaxpr, names: Sequence[str]) -> list[View]:
    """The inputs of a program as arrays of these names."""
    shapes: list[Any] = [variable.aval for variable in program.jaxpr.invars]
    return [argument(name, aval.shape, aval.dtype) for name, aval in zip(names, shapes, strict=True)]


def _scalar(value: Any) -> Node:
    if isinstance(value, bool | np.bool_):
        return node("true") if value else node("false")
    return number(int(value) if isinstance(value, int | np.integer) else float(value))
