r"""Expressions in indices: what a formula is made of, between the traced program and the printed line.

An expression is a tree of `Node`s: an operation, its arguments, and data that are no expressions (a number, a name, the
indices that a sum runs over). Equal expressions are one object, so that comparing is `is`, and a piece used twice is
stored once. An array element \(x_{ij}\) is `element` with the two subscripts as arguments.
"""

from __future__ import annotations

import weakref
from collections.abc import Hashable, Iterator, Mapping
from fractions import Fraction
from typing import Any

# Operations whose data are the indices that they bind in all of their arguments.
REDUCTIONS = ("sum", "mean", "product", "maximum_over", "minimum_over", "any", "all", "argmax", "argmin")

_KNOWN: weakref.WeakValueDictionary[tuple, Node] = weakref.WeakValueDictionary()


class Node:
    """One operation applied to arguments; equal nodes are the same object."""

    __slots__ = ("__weakref__", "args", "data", "free", "op")

    op: str
    args: tuple[Node, ...]
    data: Any
    free: frozenset[Node]

    def __init__(self, op: str, args: tuple[Node, ...], data: Any) -> None:
        self.op = op
        self.args = args
        self.data = data
        bound = binders(op, data, len(args))
        self.free = frozenset({self}) if op == "index" else frozenset()
        for argument, indices in zip(args, bound, strict=True):
            self.free |= argument.free.difference(indices)

    def __repr__(self) -> str:
        parts = [*map(repr, self.args), *([] if self.data == () else [repr(self.data)])]
        return f"{self.op}({', '.join(parts)})"


def node(op: str, *args: Node, data: Hashable = ()) -> Node:
    """The one node of this operation, these arguments and these data, as it stands.

    Examples
    --------
    >>> node("add", number_node(1), number_node(2)) is node("add", number_node(1), number_node(2))
    True
    """
    key = (op, args, type(data), data)
    known = _KNOWN.get(key)
    if known is None:
        known = Node(op, args, data)
        _KNOWN[key] = known
    return known


def number_node(value: int | float | Fraction) -> Node:
    """A number: an exact fraction, or a float printed as a decimal."""
    return node("number", data=Fraction(value) if isinstance(value, int) else value)


def index(label: Hashable, size: int) -> Node:
    """An index that runs from 0 to `size` - 1."""
    return node("index", data=(label, size))


def binders(op: str, data: Any, count: int) -> tuple[tuple[Node, ...], ...]:
    """For each argument of a node, the indices that the node binds in it."""
    if op in REDUCTIONS:
        return (data,) * count
    if op == "cumulative":
        return ((data[1],), ())
    if op == "call":
        return (*data[1], *((),) * (count - len(data[1])))
    return ((),) * count


ZERO, ONE = number_node(0), number_node(1)
TRUE, FALSE = node("true"), node("false")


def is_number(expression: Node, value: int | None = None) -> bool:
    """Whether it is a number, or this one."""
    return expression.op == "number" and (value is None or expression.data == value)


def rebuild(expression: Node, args: tuple[Node, ...], build: Any) -> Node:
    """The same operation on other arguments, made by `build`."""
    return build(expression.op, *args, data=expression.data)


def substitute(expression: Node, replaced: Mapping[Node, Node], build: Any) -> Node:
    """`expression` with every free occurrence of the indices in `replaced` exchanged.

    Examples
    --------
    >>> i, j = index("i", 3), index("j", 3)
    >>> substitute(node("element", i, data=("x", None)), {i: j}, node).args[0] is j
    True
    """
    done: dict[Node, Node] = {}

    def visit(part: Node) -> Node:
        if part.free.isdisjoint(replaced):
            return part
        if part.op == "index":
            return replaced[part]
        if part not in done:
            done[part] = rebuild(part, tuple(map(visit, part.args)), build)
        return done[part]

    return visit(expression)


def walk(expression: Node) -> Iterator[Node]:
    """Every different node of the expression once, arguments before what they stand in."""
    seen: set[Node] = set()
    stack = [(expression, False)]
    while stack:
        part, finished = stack.pop()
        if finished:
            yield part
        elif part not in seen:
            seen.add(part)
            stack.append((part, True))
            stack.extend((argument, False) for argument in reversed(part.args))


def tree_size(expression: Node) -> int:
    """Number of nodes when every shared piece is written out."""
    sizes: dict[Node, int] = {}
    for part in walk(expression):
        sizes[part] = 1 + sum(sizes[argument] for argument in part.args)
    return sizes[expression]
