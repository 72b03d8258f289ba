"""Rewriting of index arithmetic: the range of an expression, whole quotients and remainders."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from pullback.explain.expression import ZERO, Node, is_number, number_node


def bounds(expression: Node) -> tuple[Fraction, Fraction] | None:
    """Smallest and largest value of an expression in indices and whole numbers; None if it holds anything else.

    Examples
    --------
    >>> from pullback.explain.expression import index, node
    >>> bounds(node("add", index("i", 3), number_node(1)))
    (Fraction(1, 1), Fraction(3, 1))
    """
    if expression.op == "number":
        return (expression.data, expression.data) if isinstance(expression.data, Fraction) else None
    if expression.op == "index":
        return Fraction(0), Fraction(expression.data[1] - 1)
    inner = [bounds(argument) for argument in expression.args]
    if not inner or any(limits is None for limits in inner):
        return None
    limits = [pair for pair in inner if pair is not None]
    if expression.op == "add":
        return sum((low for low, _ in limits), Fraction(0)), sum((high for _, high in limits), Fraction(0))
    if expression.op == "neg":
        return -limits[0][1], -limits[0][0]
    if expression.op == "mul" and len(limits) == 2:
        corners = [a * b for a in limits[0] for b in limits[1]]
        return min(corners), max(corners)
    if expression.op == "floor_div":
        divisor = limits[1][0]
        return Fraction(limits[0][0] // divisor), Fraction(limits[0][1] // divisor)
    if expression.op == "mod":
        return Fraction(0), limits[1][1] - 1
    return None


def whole_quotient(expression: Node, build: Any) -> Node | None:
    r"""\(\lfloor (6i + j)/3 \rfloor = 2i\) for \(0 \le j < 3\)."""
    inner, divisor = expression.args
    split = _split(inner, divisor, build)
    if split is not None:
        return split[0]
    if inner.op == "floor_div":
        return build("floor_div", inner.args[0], build("mul", inner.args[1], divisor))
    return None


def remainder(expression: Node, build: Any) -> Node | None:
    r"""\((6i + j) \bmod 3 = j\) for \(0 \le j < 3\)."""
    split = _split(expression.args[0], expression.args[1], build)
    return None if split is None else split[1]


def _split(inner: Node, divisor: Node, build: Any) -> tuple[Node, Node] | None:
    """Quotient and remainder, if the terms that the divisor does not divide stay below it."""
    if not is_number(divisor) or divisor.data <= 0:
        return None
    if is_number(divisor, 1):
        return inner, ZERO
    quotients, rest = [], []
    for term in inner.args if inner.op == "add" else (inner,):
        sign, positive = (-1, term.args[0]) if term.op == "neg" else (1, term)
        factor = positive.data if is_number(positive) else _coefficient(positive)
        if factor and factor % divisor.data == 0:
            others = positive.args[1:] if positive.op == "mul" else ()
            quotients.append(build("mul", number_node(Fraction(sign * factor / divisor.data)), *others))
        else:
            rest.append(term)
    remaining = build("add", *rest)
    limits = bounds(remaining)
    if limits is None or limits[0] < 0 or limits[1] >= divisor.data:
        return None
    return build("add", *quotients), remaining


def _coefficient(term: Node) -> Fraction | None:
    if term.op == "mul" and is_number(term.args[0]) and isinstance(term.args[0].data, Fraction):
        return term.args[0].data
    return None
