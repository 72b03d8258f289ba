"""How operations that act entry by entry are read."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax.extend.core import JaxprEqn

from pullback.explain.expression import ONE, ZERO, Node, number_node
from pullback.explain.reader import Reader, Rule
from pullback.explain.rewrite import build
from pullback.explain.view import View

# Operations of JAX whose expression has the same name.
SAME = (
    "abs add acos acosh asin asinh atan atan2 atanh ceil cos cosh digamma eq erf erf_inv "
    "erfc exp expm1 floor ge gt le lgamma log log1p logistic lt max min mul ne neg pow "
    "rem round sign sin sinh sqrt tan tanh cbrt"
)


def entrywise(function: Any, equation: JaxprEqn, operands: list[View]) -> View:
    """`function` of the entries of all operands at the same place."""
    output: Any = equation.outvars[0].aval
    return View(output.shape, output.dtype, lambda *place: function(*(x.aligned(*place) for x in operands)))


def _operation(name: str) -> Rule:
    def rule(reader: Reader, equation: JaxprEqn, operands: list[View]) -> View:
        return entrywise(lambda *values: build(name, *values), equation, operands)

    return rule


def _written(function: Any) -> Rule:
    def rule(reader: Reader, equation: JaxprEqn, operands: list[View]) -> View:
        return entrywise(lambda *values: function(equation.params, *values), equation, operands)

    return rule


def _same(reader: Reader, equation: JaxprEqn, operands: list[View]) -> View:
    return operands[0]


def _convert(reader: Reader, equation: JaxprEqn, operands: list[View]) -> View:
    (x,) = operands
    source, target = jnp.dtype(x.dtype), jnp.dtype(equation.params["new_dtype"])
    if source == target or (target.kind in "fiu" and source.kind in "iu") or (source.kind == target.kind):
        return View(x.shape, target, x.at)
    if source.kind == "b":
        return entrywise(lambda value: build("bracket", value), equation, operands)
    if target.kind == "b":
        return entrywise(lambda value: build("ne", value, ZERO), equation, operands)
    if target.kind in "iu":
        return entrywise(lambda value: build("trunc", value), equation, operands)
    return View(x.shape, target, x.at)


def _divide(reader: Reader, equation: JaxprEqn, operands: list[View]) -> View:
    whole = jnp.issubdtype(operands[0].dtype, jnp.integer)
    return entrywise(
        lambda a, b: build("trunc", build("div", a, b)) if whole else build("div", a, b), equation, operands
    )


def _select(reader: Reader, equation: JaxprEqn, operands: list[View]) -> View:
    which, *choices = operands

    def function(chosen: Node, *values: Node) -> Node:
        if which.dtype == jnp.bool_:
            return build("cases", chosen, values[1], values[0])
        pairs = [
            part
            for number, value in enumerate(values[:-1])
            for part in (build("eq", chosen, number_node(number)), value)
        ]
        return build("cases", *pairs, values[-1])

    return entrywise(function, equation, operands)


def _logic(op: str) -> Rule:
    def rule(reader: Reader, equation: JaxprEqn, operands: list[View]) -> View:
        return entrywise(lambda *values: build(op, *values), equation, operands)

    return rule


RULES: dict[str, Rule] = {
    **{name: _operation(name) for name in SAME.split()},
    "add_any": _operation("add"),
    "and": _logic("and"),
    "clamp": _written(lambda settings, low, x, high: build("min", high, build("max", low, x))),
    "convert_element_type": _convert,
    "copy": _same,
    "copy_p": _same,
    "div": _divide,
    "exp2": _written(lambda settings, x: build("pow", number_node(2), x)),
    "integer_pow": _written(lambda settings, x: build("pow", x, number_node(settings["y"]))),
    "is_finite": _written(lambda settings, x: build("lt", build("abs", x), number_node(float("inf")))),
    "not": _logic("not"),
    "optimization_barrier": lambda reader, equation, operands: operands,
    "or": _logic("or"),
    "pvary": _same,
    "real": _same,
    "reduce_precision": _same,
    "select_n": _select,
    "square": _written(lambda settings, x: build("pow", x, number_node(2))),
    "stop_gradient": _same,
    "sub": _written(lambda settings, a, b: build("add", a, build("neg", b))),
    "rsqrt": _written(lambda settings, x: build("div", ONE, build("sqrt", x))),
}
