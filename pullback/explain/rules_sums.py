"""How reductions, contractions, running sums and sorting are read."""

from __future__ import annotations

from typing import Any

from jax.extend.core import JaxprEqn

from pullback.explain.expression import ZERO, Node, number_node
from pullback.explain.reader import Reader, Rule, not_supported
from pullback.explain.rewrite import build
from pullback.explain.rules_axes import moved
from pullback.explain.view import View


def bound_indices(reader: Reader, sizes: Any) -> tuple[list[Node], tuple[Node, ...]]:
    """A place with a new index an axis, and those of them that run over more than one value."""
    place = [reader.new_index(size) if size > 1 else ZERO for size in sizes]
    return place, tuple(sub for sub in place if sub is not ZERO)


def _reduction(op: str) -> Rule:
    def rule(reader: Reader, equation: JaxprEqn, operands: list[View]) -> View:
        (x,), axes = operands, equation.params["axes"]
        place, bound = bound_indices(reader, [x.shape[axis] for axis in axes])

        def entry(*outer: Node) -> Node:
            rest, inner = iter(outer), dict(zip(axes, place, strict=True))
            full = [inner[axis] if axis in inner else next(rest) for axis in range(len(x.shape))]
            return build(op, x.at(*full), data=bound)

        return moved(equation, entry)

    return rule


def _dot(reader: Reader, equation: JaxprEqn, operands: list[View]) -> View:
    (left, right), ((left_sum, right_sum), (left_batch, right_batch)) = operands, equation.params["dimension_numbers"]
    place, bound = bound_indices(reader, [left.shape[axis] for axis in left_sum])

    def entry(*outer: Node) -> Node:
        count = len(left_batch)
        shared, free = outer[:count], iter(outer[count:])
        entries = []
        for x, summed, batch in ((left, left_sum, left_batch), (right, right_sum, right_batch)):
            known = dict(zip(summed, place, strict=True)) | dict(zip(batch, shared, strict=True))
            entries.append(x.at(*(known[axis] if axis in known else next(free) for axis in range(len(x.shape)))))
        return build("sum", build("mul", *entries), data=bound)

    return moved(equation, entry)


def _position(op: str) -> Rule:
    def rule(reader: Reader, equation: JaxprEqn, operands: list[View]) -> View:
        (x,), (axis,) = operands, equation.params["axes"]
        sub = reader.new_index(x.shape[axis])
        return moved(equation, lambda *outer: build(op, x.at(*outer[:axis], sub, *outer[axis:]), data=(sub,)))

    return rule


def _cumulative(kind: str) -> Rule:
    def rule(reader: Reader, equation: JaxprEqn, operands: list[View]) -> View:
        (x,), axis, size = operands, equation.params["axis"], operands[0].shape[equation.params["axis"]]
        sub = reader.new_index(size)

        def entry(*place: Node) -> Node:
            here = place[axis]
            inner, last = sub, here
            if equation.params["reverse"]:
                inner, last = build("add", here, sub), build("add", number_node(size - 1), build("neg", here))
            body = x.at(*place[:axis], inner, *place[axis + 1 :])
            return build("cumulative", body, last, data=(kind, sub))

        return moved(equation, entry)

    return rule


def _cumulative_log_sum_exp(reader: Reader, equation: JaxprEqn, operands: list[View]) -> View:
    (x,) = operands
    exponentials = View(x.shape, x.dtype, lambda *place: build("exp", x.at(*place)))
    total = _cumulative("sum")(reader, equation, [exponentials])
    assert isinstance(total, View)
    return View(x.shape, x.dtype, lambda *place: build("log", total.at(*place)))


def _sort(reader: Reader, equation: JaxprEqn, operands: list[View]) -> View:
    if len(operands) > 1:
        raise not_supported("sort", "several arrays sorted by the order of the first")
    axis = equation.params["dimension"]
    (x,) = operands
    others = (*x.shape[:axis], *x.shape[axis + 1 :])
    last = View((*others, x.shape[axis]), x.dtype, lambda *place: x.at(*place[:axis], place[-1], *place[axis:-1]))
    rows = reader.named(last)
    sub = reader.new_index(x.shape[axis])

    def entry(*place: Node) -> Node:
        body = rows.at(*place[:axis], *place[axis + 1 :], sub)
        return build("call", body, place[axis], data=("sort", ((sub,),)))

    return moved(equation, entry)


RULES: dict[str, Rule] = {
    "argmax": _position("argmax"),
    "argmin": _position("argmin"),
    "cumlogsumexp": _cumulative_log_sum_exp,
    "cummax": _cumulative("maximum_over"),
    "cummin": _cumulative("minimum_over"),
    "cumprod": _cumulative("product"),
    "cumsum": _cumulative("sum"),
    "dot_general": _dot,
    "reduce_and": _reduction("all"),
    "reduce_max": _reduction("maximum_over"),
    "reduce_min": _reduction("minimum_over"),
    "reduce_or": _reduction("any"),
    "reduce_prod": _reduction("product"),
    "reduce_sum": _reduction("sum"),
    "sort": _sort,
}
