r"""Rewriting of sums and their relatives: factors outside, means, shifts that cancel."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from pullback.explain.expression import Node, is_number, number_node, walk
from pullback.explain.rewrite_conditions import picked


def reduction(expression: Node, build: Any) -> Node | None:
    """Over no index it is its body; a sum of sums is one sum."""
    (body,) = expression.args
    if not expression.data and expression.op not in ("argmax", "argmin"):
        return body
    if body.op == expression.op and expression.op != "mean" and not expression.op.startswith("arg"):
        return build(expression.op, body.args[0], data=(*expression.data, *body.data))
    if body.op == "mean" and expression.op == "mean":
        return build("mean", body.args[0], data=(*expression.data, *body.data))
    return None


def total(expression: Node, build: Any) -> Node | None:
    """A sum: sign and number outside, one term picked by its index, a shift of an exponent outside."""
    (body,) = expression.args
    count = math.prod(bound.data[1] for bound in expression.data)
    if body.op == "neg":
        return build("neg", build("sum", body.args[0], data=expression.data))
    if is_number(body):
        return build("mul", body, number_node(count))
    if body.op == "mul" and is_number(body.args[0]):
        inner = build("sum", build("mul", *body.args[1:]), data=expression.data)
        return build("mul", body.args[0], inner)
    if body.op == "div" and is_number(body.args[1]):
        return build("div", build("sum", body.args[0], data=expression.data), body.args[1])
    return picked(expression, {}, build) or _without_shift(expression, build)


def _without_shift(expression: Node, build: Any) -> Node | None:
    r"""\(\sum_k e^{x_k - m} = e^{-m} \sum_k e^{x_k}\) for a maximum \(m\), there against overflow."""
    (body,) = expression.args
    if body.op != "exp" or body.args[0].op != "add":
        return None
    bound = frozenset(expression.data)
    terms = body.args[0].args
    shifts = [term for term in terms if term.free.isdisjoint(bound) and _holds_maximum(term)]
    if not shifts or len(shifts) == len(terms):
        return None
    rest = build("exp", build("add", *(term for term in terms if term not in shifts)))
    return build("mul", build("exp", build("add", *shifts)), build("sum", rest, data=expression.data))


def _holds_maximum(term: Node) -> bool:
    return any(part.op == "maximum_over" for part in walk(term))


def average(expression: Node, build: Any) -> Node | None:
    """A mean: sign and number outside."""
    (body,) = expression.args
    if body.op == "neg":
        return build("neg", build("mean", body.args[0], data=expression.data))
    if is_number(body) or body.free.isdisjoint(expression.data):
        return body
    if body.op == "mul" and is_number(body.args[0]):
        return build("mul", body.args[0], build("mean", build("mul", *body.args[1:]), data=expression.data))
    return None


def mean_of_sum(expression: Node, build: Any) -> Node | None:
    r"""\(\frac1n \sum_k x_k\) is a mean. One half of a sum of two is left alone: that is how energies are written."""
    if expression.op != "mul" or not is_number(expression.args[0]):
        return None
    coefficient, *factors = expression.args
    for position, factor in enumerate(factors):
        count = math.prod(bound.data[1] for bound in factor.data) if factor.op == "sum" else 1
        if count > 2 and math.isclose(float(coefficient.data) * count, 1.0, rel_tol=1e-15):
            mean = build("mean", factor.args[0], data=factor.data)
            return build("mul", *factors[:position], mean, *factors[position + 1 :])
        if count > 2 and factor.op == "sum" and isinstance(coefficient.data, Fraction):
            times = coefficient.data * count
            if times.denominator == 1 and 0 < times < 10:
                mean = build("mean", factor.args[0], data=factor.data)
                return build("mul", number_node(times), *factors[:position], mean, *factors[position + 1 :])
    return None


def extremum(expression: Node, build: Any) -> Node | None:
    """The largest of values that do not depend on the index is that value."""
    (body,) = expression.args
    kept = tuple(bound for bound in expression.data if bound in body.free)
    if kept == expression.data:
        return None
    return body if not kept else build(expression.op, body, data=kept)
