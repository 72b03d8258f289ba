"""How calls are read: named functions keep their name, everything else is read through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn

from pullback.explain.expression import ZERO, Node, number_node
from pullback.explain.layout import implicit_axes
from pullback.explain.reader import Auxiliary, Reader, Rule, no_formula, not_supported, program_inputs
from pullback.explain.rewrite import build
from pullback.explain.rules_axes import moved
from pullback.explain.rules_linear_algebra import named_operator
from pullback.explain.view import View

# Functions of JAX that have a name in the literature; the others are steps of its own.
NAMED_BY_JAX = "/jax/_src/nn/functions.py"
OF_JAX = "/jax/_src/"
# Name of the one result while the layout of a function is worked out.
RESULT = "=0"
# Functions that JAX guards against overflow and whose formula is known.
CLOSED_FORMS = {"floor_divide": "floor_div", "logaddexp": "logaddexp", "remainder": "mod"}


@dataclass(frozen=True)
class Function:
    """A named function that a program calls: its program, the axes of its result, and which are not written."""

    name: str
    arguments: tuple[str, ...]
    program: ClosedJaxpr
    shape: tuple[int, ...]
    repeated: int
    arguments_repeated: tuple[int, ...]


def _jit(reader: Reader, equation: JaxprEqn, operands: list[View]) -> list[View]:
    program = equation.params["jaxpr"]
    known = _closed_form(equation, program, operands)
    if known is None:
        known = named_operator(reader, equation, program, operands)
    if known is not None:
        return [known]
    function = _function(reader, equation, program)
    return reader.closed(program, operands) if function is None else [_call(reader, equation, function, operands)]


def keeps_name(name: str, program: ClosedJaxpr) -> bool:
    """Whether a call of this program keeps its name: a function that its author named, not its derivative."""
    info = program.jaxpr.debug_info
    source = (info.func_src_info or "").replace("\\", "/")
    hidden = name.startswith("_") or not name.isidentifier()
    return (
        not hidden
        and info.arg_names is not None
        and len(info.arg_names) == len(program.jaxpr.invars)
        and (OF_JAX not in source or NAMED_BY_JAX in source)
        and len(program.jaxpr.outvars) == 1
    )


def _function(reader: Reader, equation: JaxprEqn, program: ClosedJaxpr) -> Function | None:
    name = equation.params["name"]
    if not keeps_name(name, program) or not program.jaxpr.invars:
        return None
    known = reader.functions.get(name)
    if known is not None:
        return known if str(known.program.jaxpr) == str(program.jaxpr) else None
    names = tuple(str(text) for text in program.jaxpr.debug_info.arg_names or ())
    inner = Reader(reader.rules)
    inputs = program_inputs(program, [str(number) for number in range(len(names))])
    (output,) = inner.closed(program, inputs)
    indices = tuple(inner.new_index(size) if size > 1 else ZERO for size in output.shape)
    plain = tuple(sub for sub in indices if sub is not ZERO)
    arrays = implicit_axes({RESULT: Auxiliary(plain, output.at(*indices))}, inner.auxiliaries, None, _ranks(program))
    if inner.constants:
        return None
    counts = tuple(arrays.get(str(number), 0) for number in range(len(names)))
    shape = tuple(sub.data[1] for sub in plain[arrays[RESULT] :])
    function = Function(name, names, program, shape, arrays[RESULT], counts)
    reader.functions[name] = function
    return function


def _ranks(program: ClosedJaxpr) -> dict[str, int]:
    """Number of written axes of each input."""
    shapes = [variable.aval.shape for variable in _variables(program)]
    return {str(number): sum(size > 1 for size in shape) for number, shape in enumerate(shapes)}


def _variables(program: ClosedJaxpr) -> list[Any]:
    return list(program.jaxpr.invars)


def _call(reader: Reader, equation: JaxprEqn, function: Function, operands: list[View]) -> View:
    output: Any = equation.outvars[0].aval
    wide = [sum(size > 1 for size in x.shape) for x in operands]
    arrays = [
        reader.named(x) if rank > repeated else x
        for x, rank, repeated in zip(operands, wide, function.arguments_repeated, strict=True)
    ]
    bound = tuple(
        reader.new_indices([size for size in x.shape if size > 1][repeated:])
        for x, repeated in zip(operands, function.arguments_repeated, strict=True)
    )

    def entry(*place: Node) -> Node:
        plain = [sub for sub, size in zip(place, output.shape, strict=True) if size > 1]
        shared, rest = plain[: function.repeated], plain[function.repeated :]
        bodies = []
        for x, repeated, own in zip(arrays, function.arguments_repeated, bound, strict=True):
            inner = iter([*shared[len(shared) - repeated :], *own])
            bodies.append(x.at(*(next(inner) if size > 1 else ZERO for size in x.shape)))
        return build("call", *bodies, *rest, data=(function.name, bound))

    return moved(equation, entry)


def _custom(reader: Reader, equation: JaxprEqn, operands: list[View]) -> list[View]:
    known = _closed_form(equation, equation.params.get("call_jaxpr"), operands)
    return _inline(reader, equation, operands) if known is None else [known]


def _closed_form(equation: JaxprEqn, program: Any, operands: list[View]) -> View | None:
    """A function of JAX by its formula."""
    source = str(program.jaxpr.debug_info.func_src_info or "") if isinstance(program, ClosedJaxpr) else ""
    form = CLOSED_FORMS.get(source.partition(" at ")[0])
    if form is None or OF_JAX not in source.replace("\\", "/") or len(operands) != 2:
        return None
    return moved(equation, lambda *place: build(form, *(x.aligned(*place) for x in operands)))


def _inline(reader: Reader, equation: JaxprEqn, operands: list[View]) -> list[View]:
    for key in ("call_jaxpr", "jaxpr", "fun_jaxpr"):
        program = equation.params.get(key)
        if isinstance(program, ClosedJaxpr):
            return reader.closed(program, operands)
        if isinstance(program, Jaxpr):
            return reader.run(program, (), operands)
    raise not_supported(equation.primitive.name, "a call whose program is not part of the trace")


def _cond(reader: Reader, equation: JaxprEqn, operands: list[View]) -> list[View]:
    which, *inputs = operands
    branches = [reader.closed(branch, inputs) for branch in equation.params["branches"]]

    def chosen(values: list[View]) -> View:
        def entry(*place: Node) -> Node:
            pairs = [
                part
                for number, value in enumerate(values[:-1])
                for part in (build("eq", which.at(), number_node(number)), value.at(*place))
            ]
            return build("cases", *pairs, values[-1].at(*place))

        return View(values[0].shape, values[0].dtype, entry)

    return [chosen([branch[number] for branch in branches]) for number in range(len(branches[0]))]


def _scan(reader: Reader, equation: JaxprEqn, operands: list[View]) -> list[View]:
    raise not_supported("scan", f"a loop of {equation.params['length']} steps")


def _while(reader: Reader, equation: JaxprEqn, operands: list[View]) -> list[View]:
    raise no_formula("while_loop", "a loop whose number of steps depends on the values")


RULES: dict[str, Rule] = {
    "checkpoint": _inline,
    "closed_call": _inline,
    "cond": _cond,
    "core_call": _inline,
    "custom_jvp_call": _custom,
    "custom_vjp_call": _custom,
    "custom_vjp_call_jaxpr": _custom,
    "jit": _jit,
    "pjit": _jit,
    "remat": _inline,
    "remat2": _inline,
    "scan": _scan,
    "while": _while,
}
