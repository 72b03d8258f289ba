r"""Rewriting of sums and their relatives: factors outside, means, shifts that cancel."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from pullback.explain.expression import Node, index, is_number, node, number_node
from pullback.explain.rewrite_conditions import picked
from pullback.explain.rewrite_powers import is_shift

# Fewer terms than this are written out.
SHORTEST_WINDOW = 3
# A product of sums becomes one sum over at most so many indices.
MOST_INDICES = 3


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
    if body.op == "div" and body.args[1].free.isdisjoint(expression.data):
        return build("div", build("sum", body.args[0], data=expression.data), body.args[1])
    return picked(expression, {}, build) or _without_shift(expression, build) or _one_sum(expression, build)


def _without_shift(expression: Node, build: Any) -> Node | None:
    r"""\(\sum_k e^{x_k} e^{-m} = e^{-m} \sum_k e^{x_k}\) for a maximum \(m\)."""
    (body,) = expression.args
    if body.op != "mul":
        return None
    outside = [factor for factor in body.args if is_shift(factor) and factor.free.isdisjoint(expression.data)]
    if not outside:
        return None
    rest = build("mul", *(factor for factor in body.args if factor not in outside))
    return build("mul", *outside, build("sum", rest, data=expression.data))


def _one_sum(expression: Node, build: Any) -> Node | None:
    r"""\(\sum_i (\sum_j a_{ij}) b_i = \sum_{i,j} a_{ij} b_i\), for a few indices."""
    (body,) = expression.args
    sums = [factor for factor in body.args if factor.op == "sum"] if body.op == "mul" else []
    if len(sums) != 1 or len(sums[0].data) + len(expression.data) > MOST_INDICES:
        return None
    factors = [sums[0].args[0] if factor is sums[0] else factor for factor in body.args]
    if any(not set(sums[0].data).isdisjoint(factor.free) for factor in body.args):
        return None
    return build("sum", build("mul", *factors), data=(*expression.data, *sums[0].data))


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
        if count > 2 and isinstance(coefficient.data, Fraction) and coefficient.data.denominator > 1:
            times = coefficient.data * count
            if times.denominator == 1:
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


def sum_over_window(expression: Node, build: Any) -> Node | None:
    r"""\(x_{2j} + x_{2j + 1} + x_{2j + 2} = \sum_{i=0}^2 x_{2j + i}\), over a box of shifts. Asked for at the end."""
    terms = expression.args
    first = terms[0]
    if len(terms) < SHORTEST_WINDOW or any(term.op != "element" or term.data[0] != first.data[0] for term in terms):
        return None
    # A place that is always inside its array does not say what is outside.
    outside = {term.data[1] for term in terms} - {None}
    if len(outside) > 1 or len({len(term.args) for term in terms}) > 1:
        return None
    split = [[_without_number(sub) for sub in term.args] for term in terms]
    rests = [tuple(rest for rest, _ in subs) for subs in split]
    shifts = [tuple(shift for _, shift in subs) for subs in split]
    if len(set(rests)) > 1:
        return None
    steps = [_progression(column) for column in zip(*shifts, strict=True)]
    if any(step is None for step in steps):
        return None
    axes = [step for step in steps if step is not None]
    box = set(itertools.product(*(range(start, start + count * step, step) for start, step, count in axes)))
    if box != set(shifts) or len(box) != len(terms):
        return None
    place, bound = [], []
    for position, (rest, (start, step, count)) in enumerate(zip(rests[0], axes, strict=True)):
        within = index(("window", position), count) if count > 1 else number_node(0)
        bound += [within] if count > 1 else []
        place.append(build("add", rest, build("mul", number_node(step), within), number_node(start)))
    return build("sum", node("element", *place, data=(first.data[0], next(iter(outside), None))), data=tuple(bound))


def _without_number(sub: Node) -> tuple[Node, int]:
    """A subscript as the part in indices and the whole number added to it."""
    terms = sub.args if sub.op == "add" else (sub,)
    shift = 0
    rest = []
    for term in terms:
        sign, inner = (-1, term.args[0]) if term.op == "neg" else (1, term)
        if is_number(inner):
            shift += sign * int(inner.data)
        else:
            rest.append(term)
    return (rest[0] if len(rest) == 1 else node("add", *rest) if rest else number_node(0)), shift


def _progression(values: Sequence[int]) -> tuple[int, int, int] | None:
    """Start, step and count of equally spaced numbers."""
    ordered = sorted(set(values))
    gaps = {later - earlier for earlier, later in itertools.pairwise(ordered)}
    return (ordered[0], gaps.pop() if gaps else 1, len(ordered)) if len(gaps) < 2 else None
