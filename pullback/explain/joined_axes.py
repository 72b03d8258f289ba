r"""Axes that a kernel joins: \(y_{4i + j} = x_{ij}\) reads better than \(y_k = x_{\lfloor k/4 \rfloor, k \bmod 4}\)."""

from __future__ import annotations

import itertools
from typing import Any

from pullback.explain.expression import Node, index, is_number, number_node, substitute, walk
from pullback.explain.reader import Auxiliary
from pullback.explain.rewrite import build


def joined_subscripts(result: Auxiliary) -> tuple[Auxiliary, tuple[Node, ...]] | None:
    """The same array with several indices in place of the last one, and the subscripts of its left side.

    None if the last index is not divided, or the divisions would not all go away.
    """
    if not result.indices:
        return None
    *others, last = result.indices
    radices = _radices(result.body, last)
    if not radices:
        return None
    sizes = [larger // smaller for larger, smaller in itertools.pairwise([last.data[1], *radices, 1])]
    parts = [index((last.data[0], place), size) for place, size in enumerate(sizes)]
    steps = [*radices, 1]
    subscript = build("add", *(build("mul", number_node(step), part) for step, part in zip(steps, parts, strict=True)))
    body = substitute(result.body, {last: subscript}, build)
    if any(part.op in ("floor_div", "mod") for part in walk(body)):
        return None
    return Auxiliary((*others, *parts), body), (*others, subscript)


def _radices(body: Node, last: Node) -> list[int]:
    """By what the index is divided, in falling order, if each divides the one before."""
    found = {
        int(part.args[1].data)
        for part in walk(body)
        if part.op in ("floor_div", "mod") and last in part.free and is_number(part.args[1])
    }
    chain = [last.data[1], *sorted(found, reverse=True)]
    return chain[1:] if all(_divides(*pair) for pair in itertools.pairwise(chain)) else []


def _divides(larger: Any, smaller: Any) -> bool:
    return larger % smaller == 0 and larger > smaller
