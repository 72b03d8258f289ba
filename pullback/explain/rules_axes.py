"""How operations that move entries about are read: each says where an entry of its result comes from."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from jax.extend.core import JaxprEqn

from pullback.explain.expression import ZERO, Node, is_number, number_node
from pullback.explain.reader import Reader, Rule
from pullback.explain.rewrite import build
from pullback.explain.rewrite_indices import bounds
from pullback.explain.view import Shape, View


def moved(equation: JaxprEqn, entry: Any) -> View:
    """The array whose entry at a place is `entry` of that place."""
    output: Any = equation.outvars[0].aval
    return View(output.shape, output.dtype, entry)


def _broadcast(reader: Reader, equation: JaxprEqn, operands: list[View]) -> View:
    axes = equation.params["broadcast_dimensions"]
    return moved(equation, lambda *place: operands[0].at(*(place[axis] for axis in axes)))


def _transpose(reader: Reader, equation: JaxprEqn, operands: list[View]) -> View:
    permutation = equation.params["permutation"]

    def entry(*place: Node) -> Node:
        inner: list[Node] = [ZERO] * len(place)
        for position, axis in enumerate(permutation):
            inner[axis] = place[position]
        return operands[0].at(*inner)

    return moved(equation, entry)


def _squeeze(reader: Reader, equation: JaxprEqn, operands: list[View]) -> View:
    dropped = {axis % len(operands[0].shape) for axis in equation.params["dimensions"]}

    def entry(*place: Node) -> Node:
        kept = iter(place)
        return operands[0].at(*(ZERO if axis in dropped else next(kept) for axis in range(len(operands[0].shape))))

    return moved(equation, entry)


def _expand(reader: Reader, equation: JaxprEqn, operands: list[View]) -> View:
    added = set(equation.params["dimensions"])
    return moved(equation, lambda *place: operands[0].at(*(sub for axis, sub in enumerate(place) if axis not in added)))


def matched_groups(source: Shape, target: Shape) -> list[tuple[list[int], list[int]]]:
    """Runs of axes of the two shapes that hold the same entries, as short as possible.

    Examples
    --------
    >>> matched_groups((2, 6, 5), (2, 3, 2, 5))
    [([0], [0]), ([1], [1, 2]), ([2], [3])]
    """
    groups, first, second = [], 0, 0
    while first < len(source) or second < len(target):
        left, right = ([first] if first < len(source) else []), ([second] if second < len(target) else [])
        first, second = first + len(left), second + len(right)
        while math.prod(source[axis] for axis in left) != math.prod(target[axis] for axis in right):
            if math.prod(source[axis] for axis in left) < math.prod(target[axis] for axis in right):
                left.append(first)
                first += 1
            else:
                right.append(second)
                second += 1
        groups.append((left, right))
    return groups


def _reshape(reader: Reader, equation: JaxprEqn, operands: list[View]) -> View:
    (x,) = operands
    output: Any = equation.outvars[0].aval
    if 0 in output.shape:
        return moved(equation, lambda *place: ZERO)
    groups = matched_groups(x.shape, output.shape)

    def entry(*place: Node) -> Node:
        inner: list[Node] = [ZERO] * len(x.shape)
        for left, right in groups:
            number: Node = ZERO
            for axis in right:
                number = build("add", build("mul", number_node(output.shape[axis]), number), place[axis])
            below = math.prod(x.shape[axis] for axis in left)
            for axis in left:
                below //= x.shape[axis]
                inner[axis] = build("floor_div", number, number_node(below)) if below > 1 else number
                number = build("mod", number, number_node(below)) if below > 1 else ZERO
        return x.at(*inner)

    return moved(equation, entry)


def _slice(reader: Reader, equation: JaxprEqn, operands: list[View]) -> View:
    starts = equation.params["start_indices"]
    steps = equation.params["strides"] or (1,) * len(starts)

    def entry(*place: Node) -> Node:
        return operands[0].at(
            *(
                build("add", build("mul", number_node(step), sub), number_node(start))
                for sub, start, step in zip(place, starts, steps, strict=True)
            )
        )

    return moved(equation, entry)


def _reverse(reader: Reader, equation: JaxprEqn, operands: list[View]) -> View:
    (x,), axes = operands, equation.params["dimensions"]

    def entry(*place: Node) -> Node:
        return x.at(
            *(
                build("add", number_node(size - 1), build("neg", sub)) if axis in axes else sub
                for axis, (sub, size) in enumerate(zip(place, x.shape, strict=True))
            )
        )

    return moved(equation, entry)


def _pad(reader: Reader, equation: JaxprEqn, operands: list[View]) -> View:
    x, filling = operands
    return moved(equation, padded(reader, x, filling.at(), equation.params["padding_config"]))


def padded(reader: Reader, x: View, filling: Node, configuration: Any) -> Callable[..., Node]:
    """Entries of `x` inside `filling`: beyond the edges, and between the entries where they are spread out."""
    spread = any(between for _, _, between in configuration)
    reaches = any(low > 0 or high > 0 for low, high, _ in configuration)
    # Equal entries need no name: whether a place is inside says all.
    reaches = reaches and not is_number(x.at(*reader.new_indices(x.shape)))
    source = reader.named(x, filling) if reaches and not spread and _is_plain(filling) else x

    def entry(*place: Node) -> Node:
        conditions, inner = [], []
        for sub, size, (low, _, between) in zip(place, x.shape, configuration, strict=True):
            number = build("add", sub, number_node(-low))
            step = number_node(between + 1)
            if between:
                conditions.append(build("eq", build("mod", number, step), ZERO))
                number = build("floor_div", number, step)
            if source is x or size == 1:
                conditions.append(build("ge", number, ZERO))
                conditions.append(build("lt", number, number_node(size)))
            inner.append(number)
        if source is not x and _always_inside(inner, x.shape):
            return x.at(*inner)
        return build("cases", build("and", *conditions), source.at(*inner), filling)

    return entry


def _is_plain(filling: Node) -> bool:
    inner = filling.args[0] if filling.op == "neg" else filling
    return is_number(inner)


def _always_inside(place: list[Node], shape: Shape) -> bool:
    limits = [bounds(sub) for sub in place]
    return all(pair and pair[0] >= 0 and pair[1] < size for pair, size in zip(limits, shape, strict=True))


def _concatenate(reader: Reader, equation: JaxprEqn, operands: list[View]) -> View:
    axis = equation.params["dimension"]

    def entry(*place: Node) -> Node:
        pairs, start = [], 0
        for part in operands:
            inner = (*place[:axis], build("add", place[axis], number_node(-start)), *place[axis + 1 :])
            start += part.shape[axis]
            pairs += [build("lt", place[axis], number_node(start)), part.at(*inner)]
        return build("cases", *pairs[:-2], pairs[-1])

    return moved(equation, entry)


def _iota(reader: Reader, equation: JaxprEqn, operands: list[View]) -> View:
    return moved(equation, lambda *place: place[equation.params["dimension"]])


def _split(reader: Reader, equation: JaxprEqn, operands: list[View]) -> list[View]:
    axis, start, parts = equation.params["axis"], 0, []
    for size, variable in zip(equation.params["sizes"], equation.outvars, strict=True):
        parts.append(_part(operands[0], axis, start, variable.aval))
        start += size
    return parts


def _part(x: View, axis: int, start: int, output: Any) -> View:
    def entry(*place: Node) -> Node:
        return x.at(*place[:axis], build("add", place[axis], number_node(start)), *place[axis + 1 :])

    return View(output.shape, output.dtype, entry)


RULES: dict[str, Rule] = {
    "broadcast_in_dim": _broadcast,
    "concatenate": _concatenate,
    "expand_dims": _expand,
    "iota": _iota,
    "pad": _pad,
    "reshape": _reshape,
    "rev": _reverse,
    "slice": _slice,
    "split": _split,
    "squeeze": _squeeze,
    "transpose": _transpose,
}
