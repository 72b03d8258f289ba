"""The expression of one operation, as a mathematician writes it; an operation without a line here goes by its name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
from jax.extend.core import JaxprEqn

from pullback.autodiff.evaluation import piece as write
from pullback.autodiff.evaluation.labels import program_name
from pullback.autodiff.evaluation.piece import Piece
from pullback.autodiff.notation import CONNECTIVES, FUNCTIONS, PRODUCT, RELATIONS, Notation
from pullback.autodiff.parameters import array_type, axes, axis, contraction, exponent, loop, permutation, repetition

Reading = Callable[[JaxprEqn, Sequence[Piece]], Piece]

# What only moves numbers: it stands in the expression of whatever uses it.
MOVES = frozenset(
    """
    broadcast_in_dim convert_element_type copy copy_p device_put dynamic_slice expand_dims name pcast pvary reshape
    slice squeeze transpose
    """.split()
)


def read(equation: JaxprEqn, operands: Sequence[Piece]) -> Piece:
    """The expression of an operation in the expressions of its operands."""
    name = equation.primitive.name
    if name in READINGS:
        return READINGS[name](equation, operands)
    if name in RELATIONS or name in CONNECTIVES:
        left, right = operands
        return write.compared(left, right, RELATIONS.get(name) or CONNECTIVES[name])
    if name in FUNCTIONS:
        return write.applied(FUNCTIONS[name], *operands)
    return write.call(_own_name(equation), *operands)


def _own_name(equation: JaxprEqn) -> str:
    """What an operation without a line here is called: a function with a derivative of its own by its name."""
    name = str(equation.params.get("name", equation.primitive.name))
    program = equation.params.get("call_jaxpr")
    return name if program is None else program_name(program, name)


def _shape(atom: Any) -> tuple[int, ...]:
    return getattr(array_type(atom), "shape", ())


def _product(equation: JaxprEqn, operands: Sequence[Piece]) -> Piece:
    entrywise = all(_shape(atom) for atom in equation.invars)
    left, right = operands
    # A number stands in front.
    if not _shape(equation.invars[1]) and right.text.replace(".", "").isdigit():
        left, right = right, left
    return write.times(left, right, entrywise=entrywise)


def _contraction(equation: JaxprEqn, operands: Sequence[Piece]) -> Piece:
    (left, right), at = operands, contraction(equation)
    ranks = [len(_shape(atom)) for atom in equation.invars]
    single = len(at.left) == 1 and not at.left_batch
    if single and max(ranks) == 1:
        return write.matrix_product(write.transposed(left), right)
    if single and (at.left[0] == ranks[0] - 1 or ranks[0] == 2) and (at.right[0] == 0 or ranks[1] == 2):
        first = left if at.left[0] == ranks[0] - 1 else write.transposed(left)
        second = right if at.right[0] == 0 else write.transposed(right)
        return write.matrix_product(first, second)
    return write.call(f"einsum {_subscripts(equation)}", left, right)


def _subscripts(equation: JaxprEqn) -> str:
    """A contraction in the letters of Einstein's notation."""
    at = contraction(equation)
    letters = iter("ijklmnopqrstuvw")
    shared = [next(letters) for _ in at.left_batch]
    summed = [next(letters) for _ in at.left]
    sides, free = [], []
    for atom, batch, contracted in zip(
        equation.invars, (at.left_batch, at.right_batch), (at.left, at.right), strict=True
    ):
        known = dict(zip((*batch, *contracted), (*shared, *summed), strict=True))
        side = [known.get(position) or next(letters) for position in range(len(_shape(atom)))]
        free += [letter for position, letter in enumerate(side) if position not in known]
        sides.append("".join(side))
    return f"{sides[0]},{sides[1]}→{''.join([*shared, *free])}"


def _over_axes(name: str, sign: str) -> Reading:
    def reading(equation: JaxprEqn, operands: Sequence[Piece]) -> Piece:
        (inner,) = operands
        summed = axes(equation)
        everything = len(summed) == len(_shape(equation.invars[0]))
        where = "" if everything else ",".join(map(str, summed))
        latex = sign + (rf"_{{\text{{axis }}{where}}}" if where else "")
        text = f"{name}({inner.text}{f', axis {where}' if where else ''})"
        return Piece(rf"{latex} {inner.within(PRODUCT).latex}", text)

    return reading


def _along_axis(name: str) -> Reading:
    def reading(equation: JaxprEqn, operands: Sequence[Piece]) -> Piece:
        if max(len(_shape(atom)) for atom in equation.invars) < 2:
            return write.call(name, *operands)
        along = Piece(rf"\text{{axis }}{axis(equation)}", f"axis {axis(equation)}")
        return write.call(name, *operands, along)

    return reading


def _transpose(equation: JaxprEqn, operands: Sequence[Piece]) -> Piece:
    order = permutation(equation)
    if order == (1, 0):
        return write.transposed(operands[0])
    return write.call("transpose", operands[0], write.listed([write.number(place) for place in order]))


def _reshape(equation: JaxprEqn, operands: Sequence[Piece]) -> Piece:
    before, after = ([n for n in _shape(atom) if n != 1] for atom in (equation.invars[0], equation.outvars[0]))
    if before == after:
        return operands[0]
    shape = "×".join(map(str, _shape(equation.outvars[0])))
    return write.call("reshape", operands[0], Piece(shape.replace("×", r" \times "), shape))


def _slice(equation: JaxprEqn, operands: Sequence[Piece]) -> Piece:
    params = equation.params
    starts, stops = params["start_indices"], params["limit_indices"]
    steps = params["strides"] or (1,) * len(starts)
    parts = []
    for size, start, stop, step in zip(_shape(equation.invars[0]), starts, stops, steps, strict=True):
        if stop - start == 1 and size != 1:
            parts.append(str(start))
        else:
            parts.append(f"{start or ''}:{'' if stop == size else stop}{f':{step}' if step != 1 else ''}")
    while parts and parts[-1] == ":":
        parts.pop()
    return write.indexed(operands[0], ", ".join(parts)) if parts else operands[0]


def _selected(equation: JaxprEqn, operands: Sequence[Piece]) -> Piece:
    condition, *cases = operands
    is_choice = jnp.issubdtype(array_type(equation.invars[0]).dtype, jnp.bool)
    if len(cases) != 2 or not is_choice:
        return write.call("select", *operands)
    no, yes = cases
    # An index counted from the end: i + n if i < 0, else i.
    if condition.text == f"{no.text} < 0" and yes.text.startswith(f"{no.text} + "):
        return no
    return write.chosen(condition, yes, no)


def _dynamic_slice(equation: JaxprEqn, operands: Sequence[Piece]) -> Piece:
    sizes, shape = equation.params["slice_sizes"], _shape(equation.invars[0])
    parts = []
    for start, size, whole in zip(operands[1:], sizes, shape, strict=True):
        ending = "" if size == 1 else f" + {size}"
        parts.append(":" if size == whole else start.text if size == 1 else f"{start.text}:{start.text}{ending}")
    while parts and parts[-1] == ":":
        parts.pop()
    return write.indexed(operands[0], ", ".join(parts)) if parts else operands[0]


def _power(equation: JaxprEqn, operands: Sequence[Piece]) -> Piece:
    return write.power(operands[0], write.number(exponent(equation)))


def _concatenated(equation: JaxprEqn, operands: Sequence[Piece]) -> Piece:
    if len(_shape(equation.outvars[0])) == 1:
        return write.listed(operands, "[", "]")
    return _along_axis("concatenate")(equation, operands)


def _loop(equation: JaxprEqn, operands: Sequence[Piece]) -> Piece:
    body = loop(equation)
    return write.call(f"{counted(body.length, 'step')} of {program_name(body.body, 'scan')}", *operands)


def counted(count: int, noun: str) -> str:
    """A number of things."""
    return f"1 {noun}" if count == 1 else f"{count} {noun}{'es' if noun.endswith('s') else 's'}"


def _same(equation: JaxprEqn, operands: Sequence[Piece]) -> Piece:
    return operands[0]


_TWO, _ONE = write.number(2), write.number(1)
READINGS: dict[str, Reading] = {
    **dict.fromkeys(MOVES, _same),
    "abs": lambda equation, p: Piece(rf"\left|{p[0].latex}\right|", f"|{p[0].text}|"),
    "add": lambda equation, p: write.plus(*p),
    "add_any": lambda equation, p: write.plus(*p),
    "argmax": _over_axes("argmax", r"\operatorname{argmax}"),
    "argmin": _over_axes("argmin", r"\operatorname{argmin}"),
    "cbrt": lambda equation, p: write.power(p[0], Piece(r"\frac{1}{3}", "(1/3)")),
    "clamp": lambda equation, p: write.call("clip", p[1], p[0], p[2]),
    "concatenate": _concatenated,
    "conv_general_dilated": lambda equation, p: write.call("conv", *p),
    "cumlogsumexp": _along_axis("cumlogsumexp"),
    "cummax": _along_axis("cummax"),
    "cummin": _along_axis("cummin"),
    "cumprod": _along_axis("cumprod"),
    "cumsum": _along_axis("cumsum"),
    "div": lambda equation, p: write.over(*p),
    "dot_general": _contraction,
    "dynamic_slice": _dynamic_slice,
    "exp2": lambda equation, p: write.power(_TWO, p[0]),
    "expm1": lambda equation, p: write.minus(write.applied(FUNCTIONS["exp"], p[0]), _ONE),
    "integer_pow": _power,
    "log1p": lambda equation, p: write.applied(FUNCTIONS["log"], write.plus(_ONE, p[0])),
    "mul": _product,
    "neg": lambda equation, p: write.negative(p[0]),
    "not": lambda equation, p: write.applied(Notation(r"\lnot", "¬"), p[0]),
    "pow": lambda equation, p: write.power(*p),
    "reduce_and": _over_axes("all", r"\bigwedge"),
    "reduce_max": _over_axes("max", r"\max"),
    "reduce_min": _over_axes("min", r"\min"),
    "reduce_or": _over_axes("any", r"\bigvee"),
    "reduce_prod": _over_axes("product", r"\prod"),
    "reduce_sum": _over_axes("sum", r"\sum"),
    "reshape": _reshape,
    "rsqrt": lambda equation, p: write.over(_ONE, write.root(p[0])),
    "scan": _loop,
    "select_n": _selected,
    "slice": _slice,
    "sort": _along_axis("sort"),
    "sqrt": lambda equation, p: write.root(p[0]),
    "square": lambda equation, p: write.power(p[0], _TWO),
    "stop_gradient": lambda equation, p: write.call("stop_gradient", *p),
    "sub": lambda equation, p: write.minus(*p),
    "transpose": _transpose,
    "while": lambda equation, p: write.call(program_name(repetition(equation).body, "while"), *p),
}
