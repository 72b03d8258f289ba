"""The simplifier: a literal table of small passes, run on every expression as it is built."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Hashable
from typing import Any

from pullback.explain import rewrite_arithmetic as arithmetic
from pullback.explain import rewrite_conditions as conditions
from pullback.explain import rewrite_indices as indices
from pullback.explain import rewrite_powers as powers
from pullback.explain import rewrite_reductions as reductions
from pullback.explain.expression import Node, node, rebuild, walk

Pass = Callable[[Node, Any], Node | None]

PASSES: dict[str, tuple[Pass, ...]] = {
    "abs": (powers.absolute_value,),
    "add": (arithmetic.add,),
    "all": (reductions.reduction, reductions.extremum),
    "and": (conditions.conjunction,),
    "any": (reductions.reduction, reductions.extremum),
    "bracket": (conditions.bracket,),
    "cases": (conditions.cases,),
    "div": (arithmetic.divide, powers.inverse_exponential),
    "eq": (conditions.compare,),
    "exp": (powers.exponential,),
    "expm1": (powers.exponential_less_one,),
    "floor_div": (indices.whole_quotient,),
    "ge": (conditions.compare,),
    "gt": (conditions.compare,),
    "le": (conditions.compare,),
    "log": (powers.logarithm,),
    "log1p": (powers.logarithm_of_one_more,),
    "logaddexp": (powers.log_add_exp,),
    "lt": (conditions.compare,),
    "max": (conditions.largest,),
    "maximum_over": (reductions.reduction, reductions.extremum),
    "mean": (reductions.reduction, reductions.average),
    "min": (conditions.largest,),
    "minimum_over": (reductions.reduction, reductions.extremum),
    "mod": (indices.remainder,),
    "mul": (arithmetic.multiply, reductions.mean_of_sum),
    "ne": (conditions.compare,),
    "neg": (arithmetic.negate,),
    "not": (conditions.negate_condition,),
    "or": (conditions.disjunction,),
    "pow": (powers.power,),
    "product": (reductions.reduction,),
    "rsqrt": (powers.inverse_root,),
    "sqrt": (powers.square_root,),
    "sum": (reductions.reduction, reductions.total),
}
# Passes that would hide the parts of an expression from the others, run once over the whole.
LAST: dict[str, tuple[Pass, ...]] = {
    "add": (reductions.sum_over_window,),
    "cases": (conditions.maximum_by_cases,),
    "mul": (powers.product_of_exponentials,),
}


@functools.lru_cache(maxsize=65536)
def _simplified(expression: Node) -> Node:
    for rewrite in PASSES.get(expression.op, ()):
        found = rewrite(expression, build)
        if found is not None and found is not expression:
            return _simplified(found)
    return expression


def build(op: str, *args: Node, data: Hashable = ()) -> Node:
    """The simplest form known of an operation on arguments that are simple already.

    Examples
    --------
    >>> from pullback.explain.expression import index, number_node
    >>> i = index("i", 3)
    >>> build("add", i, build("neg", i)), build("mul", i, number_node(1)) is i
    (number(Fraction(0, 1)), True)
    """
    return _simplified(node(op, *args, data=data))


def finish(expression: Node) -> Node:
    """The last passes, from the leaves up."""
    done: dict[Node, Node] = {}
    for part in walk(expression):
        found = rebuild(part, tuple(done[argument] for argument in part.args), build)
        for rewrite in LAST.get(found.op, ()):
            found = rewrite(found, build) or found
        done[part] = found
    return done[expression]


def settings_first(expression: Node, settings: Collection[str]) -> Node:
    """In every product, numbers stand first, then settings, then the rest; nothing else is changed.

    Examples
    --------
    >>> x, s = node("element", data=("x", None)), node("element", data=("s", None))
    >>> settings_first(node("mul", x, s), {"s"}).args == (s, x)
    True
    """
    done: dict[Node, Node] = {}
    for part in walk(expression):
        args = tuple(done[argument] for argument in part.args)
        if part.op == "mul":
            args = tuple(sorted(args, key=lambda factor: _rank(factor, settings)))
        done[part] = rebuild(part, args, node)
    return done[expression]


def _rank(factor: Node, settings: Collection[str]) -> int:
    if factor.op in ("number", "pi"):
        return 0 if factor.op == "number" else 1
    return 2 if factor.op == "element" and factor.data[0] in settings else 3
