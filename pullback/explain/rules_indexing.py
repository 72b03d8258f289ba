r"""How reading and writing at computed indices is read: \(E_{x_i, j}\).

Indices are taken to be valid: what JAX does with one beyond the edge, and its counting of negative ones from the end,
are not part of the formula.
"""

from __future__ import annotations

from typing import Any

from jax.extend.core import JaxprEqn

from pullback.explain.expression import ZERO, Node, number_node
from pullback.explain.reader import Reader, Rule, not_supported
from pullback.explain.rewrite import build
from pullback.explain.rules_axes import moved
from pullback.explain.rules_sums import bound_indices
from pullback.explain.view import View


def counted_from_zero(sub: Node, size: int) -> Node:
    """A subscript without its provision for negative values, `k + size` where `k < 0`."""
    if sub.op == "cases" and len(sub.args) == 3 and sub.args[0].op == "lt":
        condition, wrapped, plain = sub.args
        if condition.args == (plain, ZERO) and wrapped is build("add", plain, number_node(size)):
            return plain
    return sub


def _gather(reader: Reader, equation: JaxprEqn, operands: list[View]) -> View:
    (x, indices), numbers = operands, equation.params["dimension_numbers"]

    def entry(*place: Node) -> Node:
        batch = [sub for axis, sub in enumerate(place) if axis not in numbers.offset_dims]
        offsets = iter(sub for axis, sub in enumerate(place) if axis in numbers.offset_dims)
        batched = dict(zip(numbers.operand_batching_dims, numbers.start_indices_batching_dims, strict=True))
        inner = []
        for axis, size in enumerate(x.shape):
            dropped = axis in numbers.collapsed_slice_dims or axis in batched
            sub = ZERO if dropped else next(offsets)
            if axis in batched:
                sub = batch[batched[axis]]
            if axis in numbers.start_index_map:
                start = indices.at(*batch, number_node(numbers.start_index_map.index(axis)))
                sub = build("add", sub, counted_from_zero(start, size))
            inner.append(sub)
        return x.at(*inner)

    return moved(equation, entry)


def _scatter(adds: bool) -> Rule:
    def rule(reader: Reader, equation: JaxprEqn, operands: list[View]) -> View:
        (x, indices, updates), numbers = operands, equation.params["dimension_numbers"]
        if numbers.operand_batching_dims:
            raise not_supported(equation.primitive.name, "a scatter with batching axes")
        summed, bound = bound_indices(reader, updates.shape)

        def entry(*place: Node) -> Node:
            source = list(summed)
            batch = [sub for axis, sub in enumerate(source) if axis not in numbers.update_window_dims]
            windows = iter(numbers.update_window_dims)
            conditions = []
            for axis, size in enumerate(x.shape):
                window = None if axis in numbers.inserted_window_dims else next(windows)
                target = ZERO if window is None else source[window]
                if axis in numbers.scatter_dims_to_operand_dims:
                    component = number_node(numbers.scatter_dims_to_operand_dims.index(axis))
                    start = counted_from_zero(indices.at(*batch, component), size)
                    conditions.append(build("eq", build("add", start, target), place[axis]))
                elif window is not None and updates.shape[window] == size:
                    source[window] = place[axis]
                else:
                    conditions.append(build("eq", target, place[axis]))
            remaining = tuple(sub for sub in bound if sub in source)
            condition, value = build("and", *conditions), updates.at(*source)
            if adds:
                term = build("mul", build("bracket", condition), value)
                return build("add", x.at(*place), build("sum", term, data=remaining))
            if remaining:
                raise not_supported(equation.primitive.name, "several values written to computed places")
            return build("cases", condition, value, x.at(*place))

        return moved(equation, entry)

    return rule


def _dynamic_slice(reader: Reader, equation: JaxprEqn, operands: list[View]) -> View:
    x, *starts = operands

    def entry(*place: Node) -> Node:
        begin = [counted_from_zero(start.at(), size) for start, size in zip(starts, x.shape, strict=True)]
        return x.at(*(build("add", start, sub) for start, sub in zip(begin, place, strict=True)))

    return moved(equation, entry)


def _dynamic_update(reader: Reader, equation: JaxprEqn, operands: list[View]) -> View:
    x, update, *starts = operands

    def entry(*place: Node) -> Node:
        conditions: list[Any] = []
        inner = []
        for sub, start, size, length in zip(place, starts, x.shape, update.shape, strict=True):
            begin = counted_from_zero(start.at(), size)
            if length < size:
                end = build("add", begin, number_node(length))
                conditions += [build("ge", sub, begin), build("lt", sub, end)]
                sub = build("add", sub, build("neg", begin))
            inner.append(sub)
        return build("cases", build("and", *conditions), update.at(*inner), x.at(*place))

    return moved(equation, entry)


RULES: dict[str, Rule] = {
    "dynamic_slice": _dynamic_slice,
    "dynamic_update_slice": _dynamic_update,
    "gather": _gather,
    "scatter": _scatter(adds=False),
    "scatter-add": _scatter(adds=True),
    "scatter_add": _scatter(adds=True),
}
