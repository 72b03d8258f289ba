r"""Rewriting of comparisons, logic and functions by cases.

An equation is about real numbers: a test whether a value is NaN or infinite, which guards the computation, is false.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from pullback.explain.expression import FALSE, ONE, TRUE, ZERO, Node, is_number, node, rebuild
from pullback.explain.rewrite_indices import bounds

OPPOSITE = {"lt": "ge", "ge": "lt", "le": "gt", "gt": "le", "eq": "ne", "ne": "eq"}
TURNED = {"lt": "gt", "gt": "lt", "le": "ge", "ge": "le", "eq": "eq", "ne": "ne"}
HOLDS = {
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
}


def truth(value: bool) -> Node:
    """The node of a truth value."""
    return TRUE if value else FALSE


def is_infinite(expression: Node) -> bool:
    """Whether it is the number plus or minus infinity."""
    inner = expression.args[0] if expression.op == "neg" else expression
    return inner.op == "number" and isinstance(inner.data, float) and math.isinf(inner.data)


def compare(expression: Node, build: Any) -> Node | None:
    """A comparison that is decided by its numbers, its ranges, or by the values being real; numbers to the right."""
    left, right = expression.args
    if expression.op in ("eq", "ne") and (chosen := _of_truth(left, right, build)) is not None:
        return chosen if expression.op == "eq" else negation(chosen, build)
    if left is right:
        return truth(expression.op in ("le", "ge", "eq"))
    if is_infinite(left) != is_infinite(right):
        upper = is_infinite(right) and right.op == "number" and right.data > 0
        upper = upper or (is_infinite(left) and not (left.op == "number" and left.data > 0))
        return truth(expression.op == "ne" or (expression.op in (("lt", "le") if upper else ("gt", "ge"))))
    known = _decided(expression.op, left, right)
    if known is not None:
        return truth(known)
    if is_number(left) and not is_number(right):
        return build(TURNED[expression.op], right, left)
    return None


def _of_truth(left: Node, right: Node, build: Any) -> Node | None:
    """A truth value compared with true or false, or 1 or 0, is itself or its opposite."""
    known = {TRUE: True, FALSE: False, ONE: True, ZERO: False}
    if left.op == "bracket" and right in (ZERO, ONE):
        left = left.args[0]
    elif right not in (TRUE, FALSE):
        return None
    return left if known[right] else negation(left, build)


def _decided(op: str, left: Node, right: Node) -> bool | None:
    """What the ranges of both sides say."""
    first, second = bounds(left), bounds(right)
    if first is None or second is None:
        return None
    if op in ("eq", "ne"):
        apart = first[1] < second[0] or second[1] < first[0]
        return op == "ne" if apart else None
    corners = {HOLDS[op](a, b) for a in first for b in second}
    return corners.pop() if len(corners) == 1 else None


def conjunction(expression: Node, build: Any) -> Node | None:
    """And: true parts gone, false if one is."""
    parts = [part for argument in expression.args for part in (argument.args if argument.op == "and" else (argument,))]
    kept = list(dict.fromkeys(part for part in parts if part is not TRUE))
    kept = [part for part in kept if not any(_implies(other, part) for other in kept if other is not part)]
    if FALSE in kept or any(negation(part, build) in kept for part in kept):
        return FALSE
    if any(_exclude(one, other) for one in kept for other in kept):
        return FALSE
    return TRUE if not kept else kept[0] if len(kept) == 1 else node("and", *kept)


def _implies(first: Node, second: Node) -> bool:
    """Whether x < 1 says all that x < 8 says."""
    if first.op != second.op or first.op not in ("lt", "le", "gt", "ge") or first.args[0] is not second.args[0]:
        return False
    one, other = _value(first.args[1]), _value(second.args[1])
    if one is None or other is None:
        return False
    return one < other if first.op in ("lt", "le") else one > other


def _exclude(low: Node, high: Node) -> bool:
    """Whether both x >= 3 and x <= -3 are asked for."""
    if low.op not in ("gt", "ge") or high.op not in ("lt", "le") or low.args[0] is not high.args[0]:
        return False
    values = [_value(side.args[1]) for side in (low, high)]
    return values[0] is not None and values[1] is not None and values[0] > values[1]


def _value(expression: Node) -> Any:
    if expression.op == "neg" and is_number(expression.args[0]):
        return -expression.args[0].data
    return expression.data if is_number(expression) else None


def disjunction(expression: Node, build: Any) -> Node | None:
    """Or: false parts gone, true if one is."""
    parts = [part for argument in expression.args for part in (argument.args if argument.op == "or" else (argument,))]
    kept = list(dict.fromkeys(part for part in parts if part is not FALSE))
    if TRUE in kept:
        return TRUE
    return FALSE if not kept else kept[0] if len(kept) == 1 else node("or", *kept)


def negation(condition: Node, build: Any) -> Node:
    """The opposite condition."""
    if condition.op in OPPOSITE:
        return build(OPPOSITE[condition.op], *condition.args)
    if condition in (TRUE, FALSE):
        return truth(condition is FALSE)
    return condition.args[0] if condition.op == "not" else node("not", condition)


def negate_condition(expression: Node, build: Any) -> Node | None:
    """Not: the comparison turned round."""
    found = negation(expression.args[0], build)
    return found if found is not expression else None


def bracket(expression: Node, build: Any) -> Node | None:
    """Iverson's bracket of what is known."""
    return {TRUE: ONE, FALSE: ZERO}.get(expression.args[0])


def cases(expression: Node, build: Any) -> Node | None:
    """A function by cases: one flat list, each value simplified by what its condition says, no case twice."""
    *pairs, otherwise = expression.args
    facts: dict[Node, Node] = {}
    branches: list[tuple[Node, Node]] = []
    remaining = list(zip(pairs[::2], pairs[1::2], strict=True))
    while remaining:
        condition, value = remaining.pop(0)
        condition = assume(condition, facts, build)
        if condition is FALSE:
            continue
        if condition is TRUE:
            remaining, otherwise = [], value
            break
        value = assume(value, facts | learned(condition, True, build), build)
        if value.op == "cases":
            *inner, last = value.args
            for narrower, part in zip(inner[::2], inner[1::2], strict=True):
                branches.append((build("and", condition, narrower), part))
            value = last
        branches.append((condition, value))
        facts |= learned(condition, False, build)
    otherwise = assume(otherwise, facts, build)
    if otherwise.op == "cases":
        *more, otherwise = otherwise.args
        branches += zip(more[::2], more[1::2], strict=True)
    while branches and branches[-1][1] is otherwise:
        branches.pop()
    if not branches:
        return otherwise
    branches = _joined(branches, build)
    if len(branches) == 1 and {branches[0][1], otherwise} == {ONE, ZERO}:
        condition, value = branches[0]
        return build("bracket", condition if value is ONE else negation(condition, build))
    return node("cases", *(part for branch in branches for part in branch), otherwise)


def _joined(branches: list[tuple[Node, Node]], build: Any) -> list[tuple[Node, Node]]:
    """Cases of the same value one after another are one case."""
    joined: list[tuple[Node, Node]] = []
    for condition, value in branches:
        if joined and joined[-1][1] is value:
            joined[-1] = (build("or", joined[-1][0], condition), value)
        else:
            joined.append((condition, value))
    return joined


def learned(condition: Node, holds: bool, build: Any) -> dict[Node, Node]:
    """What is known of other conditions where this one holds, or does not."""
    facts = {condition: truth(holds), negation(condition, build): truth(not holds)}
    if condition.op == ("and" if holds else "or"):
        for part in condition.args:
            facts |= learned(part, holds, build)
    return facts


def assume(expression: Node, facts: Mapping[Node, Node], build: Any) -> Node:
    """The expression where these conditions are known; a sum that picks an index known to be in range is that term."""
    if not facts:
        return expression
    done: dict[Node, Node] = {}

    def visit(part: Node) -> Node:
        if part in facts:
            return facts[part]
        if not part.args:
            return part
        if part not in done:
            args = tuple(map(visit, part.args))
            found = part if args == part.args else rebuild(part, args, build)
            done[part] = picked(found, facts, build) or found
        return done[part]

    return visit(expression)


def picked(expression: Node, facts: Mapping[Node, Node], build: Any) -> Node | None:
    r"""\(\sum_j [j = k] f_j = f_k\) where \(k\) is a possible value of \(j\)."""
    if expression.op != "sum":
        return None
    for condition, value in _conditional(expression.args[0], build):
        for bound in expression.data:
            if condition.op != "eq" or bound not in condition.args:
                continue
            chosen = condition.args[1] if condition.args[0] is bound else condition.args[0]
            if bound not in chosen.free and _in_range(chosen, bound.data[1], facts, build):
                rest = tuple(sub for sub in expression.data if sub is not bound)
                return build("sum", _exchanged(value, bound, chosen, build), data=rest)
    return None


def _conditional(body: Node, build: Any) -> Iterator[tuple[Node, Node]]:
    """Conditions without which the body is zero, and what it is where they hold."""
    if body.op == "cases" and len(body.args) == 3 and is_number(body.args[2], 0):
        yield body.args[0], body.args[1]
    if body.op == "bracket":
        yield body.args[0], ONE
    if body.op == "mul":
        for factor in body.args:
            for condition, value in _conditional(factor, build):
                yield condition, build("mul", value, *(other for other in body.args if other is not factor))


def _exchanged(expression: Node, bound: Node, chosen: Node, build: Any) -> Node:
    if bound not in expression.free:
        return expression
    if expression is bound:
        return chosen
    return rebuild(expression, tuple(_exchanged(part, bound, chosen, build) for part in expression.args), build)


def _in_range(chosen: Node, size: int, facts: Mapping[Node, Node], build: Any) -> bool:
    limits = bounds(chosen)
    if limits is not None:
        return limits[0] >= 0 and limits[1] < size
    size_node = node("number", data=_whole(size))
    above = build("ge", chosen, ZERO)
    below = build("lt", chosen, size_node)
    return facts.get(above, above) is TRUE and facts.get(below, below) is TRUE


def _whole(value: int) -> Any:
    return type(ZERO.data)(value)


def largest(expression: Node, build: Any) -> Node | None:
    """Maximum or minimum: one flat list, no argument twice, none that cannot win."""
    flat = [
        part for argument in expression.args for part in (argument.args if argument.op == expression.op else [argument])
    ]
    useless = -math.inf if expression.op == "max" else math.inf
    kept = list(dict.fromkeys(part for part in flat if not _is_value(part, useless)))
    if not kept:
        return flat[0]
    return kept[0] if len(kept) == 1 else node(expression.op, *kept)


def _is_value(expression: Node, value: float) -> bool:
    if expression.op == "neg":
        return _is_value(expression.args[0], -value)
    return expression.op == "number" and expression.data == value


def maximum_by_cases(expression: Node, build: Any) -> Node | None:
    r"""\(a\) if \(x \le a\), otherwise \(x\), is \(\max(a, x)\); in the same way the minimum. Asked for at the end."""
    if len(expression.args) != 3:
        return None
    condition, value, otherwise = expression.args
    if condition.op not in ("lt", "le", "gt", "ge") or {value, otherwise} != set(condition.args) or value is otherwise:
        return None
    smaller, larger = condition.args if condition.op in ("lt", "le") else condition.args[::-1]
    first, second = (value, otherwise) if is_number(value) else (otherwise, value)
    return build("max" if value is larger else "min", first, second) if smaller is not larger else None
