r"""Shared pieces: an expression that occurs more than once and is long gets a name and a line of its own.

Two pieces are the same if they are equal up to the names of their indices: \(e^{x_k}\) and \(e^{x_j}\) are one array.
"""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pullback.explain.expression import REDUCTIONS, Node, binders, index, node, rebuild, substitute, walk
from pullback.explain.reader import Auxiliary

# What a line of its own must save: pieces of the formula, counted over all occurrences but one.
LEAST_SAVING = 7
LEAST_SIZE = 4
# A sum or mean is long to read, whatever it runs over.
REDUCTION_SIZE = 6
UNNAMED = frozenset(
    "lt le gt ge eq ne and or not true false bracket index element number symbol floor_div mod pi neg".split()
)


@dataclass(frozen=True)
class Shape:
    """An expression up to the names of its indices, and its own indices in the order of their appearance."""

    pattern: Node
    indices: tuple[Node, ...]


@functools.lru_cache(maxsize=65536)
def shape_of(expression: Node) -> Shape:
    """The expression with its free indices numbered in order of appearance, its bound ones by depth."""
    order: dict[Node, Node] = {}

    def visit(part: Node, bound: dict[Node, Node]) -> Node:
        if part.op == "index":
            if part in bound:
                return bound[part]
            return order.setdefault(part, index(("free", len(order)), part.data[1]))
        if not part.args:
            return part
        own = tuple(dict.fromkeys(itertools.chain.from_iterable(binders(part.op, part.data, len(part.args)))))
        inner = bound | {sub: index(("bound", len(bound) + n), sub.data[1]) for n, sub in enumerate(own)}
        args = tuple(visit(argument, inner) for argument in part.args)
        return node(part.op, *args, data=_renamed(part, inner))

    pattern = visit(expression, {})
    return Shape(pattern, tuple(order))


def _renamed(part: Node, names: dict[Node, Node]):
    if part.op == "cumulative":
        return (part.data[0], names[part.data[1]])
    if part.op == "call":
        return (part.data[0], tuple(tuple(names[sub] for sub in group) for group in part.data[1]))
    if part.data and all(isinstance(sub, Node) for sub in part.data if isinstance(part.data, tuple)):
        return tuple(names[sub] for sub in part.data) if isinstance(part.data, tuple) else part.data
    return part.data


def written_size(expression: Node) -> int:
    """Number of pieces one reads: operations, numbers and array elements."""
    sizes: dict[Node, int] = {}
    for part in walk(expression):
        own = {"element": 1, "neg": 0}.get(part.op, REDUCTION_SIZE if part.op in REDUCTIONS else 1)
        sizes[part] = own + (0 if part.op == "element" else sum(sizes[argument] for argument in part.args))
    return sizes[expression]


def replace_shape(expression: Node, pattern: Node, name: str, order: Sequence[int]) -> Node:
    """Every occurrence of the pattern as an element of the array `name`, its subscripts in this order."""
    done: dict[Node, Node] = {}
    op = pattern.op

    def visit(part: Node) -> Node:
        if part not in done:
            if part.op == op and (found := shape_of(part)).pattern is pattern:
                done[part] = node("element", *(found.indices[place] for place in order), data=(name, None))
            elif part.args:
                done[part] = rebuild(part, tuple(map(visit, part.args)), node)
            else:
                done[part] = part
        return done[part]

    return visit(expression)


def name_results(results: dict[str, Auxiliary], auxiliaries: dict[str, Auxiliary]) -> None:
    """Results that occur inside one another are shown by their names."""
    for name, result in list(results.items()):
        body = results[name].body
        if body.op in UNNAMED or not holds_array(body):
            continue
        found = shape_of(body)
        if set(found.indices) != set(result.indices):
            continue
        order = [found.indices.index(sub) for sub in result.indices]
        others = {other: value for other, value in results.items() if other != name and value.body is not body}
        for table, arrays in ((results, others), (auxiliaries, dict(auxiliaries))):
            for other, array in arrays.items():
                table[other] = Auxiliary(array.indices, replace_shape(array.body, found.pattern, name, order))


def share(results: dict[str, Auxiliary], auxiliaries: dict[str, Auxiliary]) -> None:
    """Name repeated pieces, the longest first, until none is worth a line."""
    while (found := _worthwhile([array.body for array in (*results.values(), *auxiliaries.values())])) is not None:
        _give_name(found, results, auxiliaries)


def _give_name(found: Shape, results: dict[str, Auxiliary], auxiliaries: dict[str, Auxiliary]) -> None:
    """Put a new array in place of a piece wherever it occurs."""
    leading = [sub for result in results.values() for sub in result.indices]
    free = found.indices
    order = sorted(
        range(len(free)), key=lambda place: leading.index(free[place]) if free[place] in leading else len(leading)
    )
    name = f"@{len(auxiliaries)}"
    for table in (results, auxiliaries):
        for other, array in table.items():
            table[other] = Auxiliary(array.indices, replace_shape(array.body, found.pattern, name, order))
    own = [index((name, place), sub.data[1]) for place, sub in enumerate(free)]
    placeholders = [index(("free", place), sub.data[1]) for place, sub in enumerate(free)]
    body = substitute(found.pattern, dict(zip(placeholders, own, strict=True)), node)
    auxiliaries[name] = Auxiliary(tuple(own[place] for place in order), body)


def name_cases(results: dict[str, Auxiliary], auxiliaries: dict[str, Auxiliary]) -> None:
    """A function by cases inside a larger formula has a line of its own."""
    while (found := _inner_cases([*results.values(), *auxiliaries.values()])) is not None:
        _give_name(found, results, auxiliaries)


def _inner_cases(arrays: Sequence[Auxiliary]) -> Shape | None:
    for array in arrays:
        top = array.body.args[0] if array.body.op == "neg" else array.body
        inside = walk(top) if top.op != "cases" else (part for branch in top.args for part in walk(branch))
        for part in inside:
            if part.op == "cases" and holds_array(part):
                return shape_of(part)
    return None


def holds_array(expression: Node) -> bool:
    """Whether an argument or another array occurs in it."""
    return any(part.op == "element" for part in walk(expression))


def _worthwhile(bodies: Sequence[Node]) -> Shape | None:
    """The piece that is most worth a line of its own: a reduction, such as a mean, before others, then the longest."""
    counts: Counter[Node] = Counter()
    shapes: dict[Node, Shape] = {}

    def visit(part: Node) -> None:
        if part.op not in UNNAMED:
            found = shape_of(part)
            counts[found.pattern] += 1
            shapes.setdefault(found.pattern, found)
        for argument in part.args:
            visit(argument)

    for body in bodies:
        visit(body)
    best, largest = None, (False, 0)
    for pattern, count in counts.items():
        size = written_size(pattern)
        worth = size >= LEAST_SIZE and (count - 1) * size >= LEAST_SAVING
        rank = (pattern.op in REDUCTIONS, size)
        if worth and rank > largest and holds_array(pattern):
            best, largest = shapes[pattern], rank
    return best
