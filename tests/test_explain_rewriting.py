"""The simplifier: passes one by one, and that none of them changes the value of an expression."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pullback.explain.constants import number
from pullback.explain.expression import FALSE, ONE, TRUE, ZERO, Node, index, is_number, node, number_node, walk
from pullback.explain.joined_axes import joined_subscripts
from pullback.explain.reader import Auxiliary
from pullback.explain.rewrite import build, finish, settings_first
from pullback.explain.rewrite_indices import bounds
from pullback.explain.sharing import shape_of, share


def array(name: str, *subscripts: Node) -> Node:
    return node("element", *subscripts, data=(name, None))


X, Y, Z = array("x"), array("y"), array("z")
FIRST, SECOND, THIRD = index("i", 3), index("j", 4), index("k", 5)
TWO, HALF = number_node(2), number_node(Fraction(1, 2))


def minus(a: Node, b: Node) -> Node:
    return build("add", a, build("neg", b))


PASSES = {
    "a sum of numbers": (build("add", TWO, HALF), number_node(Fraction(5, 2))),
    "opposite terms": (minus(build("add", X, Y), X), Y),
    "equal terms": (build("add", X, X), node("mul", TWO, X)),
    "a positive term first": (build("add", build("neg", X), Y), node("add", Y, node("neg", X))),
    "a double sign": (build("neg", build("neg", X)), X),
    "a turned difference": (build("neg", minus(X, Y)), node("add", Y, node("neg", X))),
    "a coefficient in front": (build("mul", X, HALF, Y), node("mul", HALF, X, Y)),
    "one quotient": (build("mul", X, build("div", Y, Z)), node("div", node("mul", X, Y), Z)),
    "a quotient of quotients": (build("div", build("div", X, Y), Z), node("div", X, node("mul", Y, Z))),
    "equal factors": (build("mul", X, X, X), node("pow", X, number_node(3))),
    "a cancelled factor": (build("div", build("mul", X, Y), X), Y),
    "a sign outside": (build("div", build("neg", X), Y), node("neg", node("div", X, Y))),
    "an absolute value": (build("mul", X, build("sign", X)), node("abs", X)),
    "a power of a root": (build("pow", build("sqrt", X), TWO), X),
    "a root as a power": (build("pow", X, HALF), node("sqrt", X)),
    "a negative power": (build("pow", X, number(-2)), node("div", ONE, node("pow", X, TWO))),
    "a logarithm undone": (build("exp", build("log", X)), X),
    "a power by logarithms": (build("exp", build("mul", build("log", X), Y)), node("pow", X, Y)),
    "a quotient by logarithms": (
        build("exp", minus(X, build("log", Y))),
        node("div", node("exp", X), Y),
    ),
    "log of one more": (build("log1p", X), node("log", node("add", ONE, X))),
    "the bias correction of Adam": (
        build("neg", build("div", ONE, build("expm1", build("mul", build("log", X), Y)))),
        node("div", ONE, node("add", ONE, node("neg", node("pow", X, Y)))),
    ),
    "a decided comparison": (build("lt", FIRST, number_node(3)), TRUE),
    "an impossible comparison": (build("eq", FIRST, number_node(7)), FALSE),
    "a guard against infinity": (build("eq", X, number(math.inf)), FALSE),
    "a number to the right": (build("lt", ZERO, X), node("gt", X, ZERO)),
    "the stronger of two bounds": (
        build("and", build("lt", X, ONE), build("lt", X, TWO)),
        node("lt", X, ONE),
    ),
    "bounds that exclude each other": (build("and", build("gt", X, TWO), build("lt", X, ONE)), FALSE),
    "a known case": (
        build("cases", build("gt", X, ZERO), X, build("cases", build("gt", X, ZERO), Y, Z)),
        node("cases", node("gt", X, ZERO), X, Z),
    ),
    "cases added": (
        build("add", build("bracket", build("gt", X, ZERO)), build("cases", build("gt", X, ZERO), Y, Z)),
        node("cases", node("gt", X, ZERO), node("add", ONE, Y), Z),
    ),
    "a whole quotient": (
        build("floor_div", build("add", build("mul", number_node(8), FIRST), SECOND), number_node(4)),
        node("mul", TWO, FIRST),
    ),
    "a remainder": (build("mod", build("add", build("mul", number_node(8), FIRST), SECOND), number_node(4)), SECOND),
    "a mean": (
        build("mul", number_node(Fraction(1, 3)), build("sum", array("x", FIRST), data=(FIRST,))),
        node("mean", array("x", FIRST), data=(FIRST,)),
    ),
    "a sum of sums": (
        build("sum", build("sum", array("x", FIRST, SECOND), data=(SECOND,)), data=(FIRST,)),
        node("sum", array("x", FIRST, SECOND), data=(FIRST, SECOND)),
    ),
    "a sign out of a sum": (
        build("sum", build("neg", array("x", FIRST)), data=(FIRST,)),
        node("neg", node("sum", array("x", FIRST), data=(FIRST,))),
    ),
    "a denominator out of a sum": (
        build("sum", build("div", array("x", FIRST), Y), data=(FIRST,)),
        node("div", node("sum", array("x", FIRST), data=(FIRST,)), Y),
    ),
    "a picked term": (
        build("sum", build("cases", build("eq", SECOND, FIRST), array("x", SECOND), ZERO), data=(SECOND,)),
        array("x", FIRST),
    ),
}


@pytest.mark.parametrize("name", PASSES)
def test_a_pass(name: str) -> None:
    found, expected = PASSES[name]
    assert found is expected


def test_an_index_out_of_range_is_not_picked() -> None:
    """x_k may be 4, which j never is: the sum is then zero and not the term."""
    expression = build("sum", build("cases", build("eq", FIRST, THIRD), array("x", FIRST), ZERO), data=(FIRST,))
    assert expression.op == "sum"


def test_the_shift_of_a_softmax_cancels() -> None:
    def shifted(place: Node) -> Node:
        largest = build("maximum_over", array("x", THIRD), data=(THIRD,))
        return build("exp", minus(array("x", place), largest))

    i, j = index("a", 5), index("b", 5)
    softmax = build("div", shifted(i), build("sum", shifted(j), data=(j,)))
    assert not any(part.op == "maximum_over" for part in walk(softmax))
    lonely = finish(shifted(i))
    assert any(part.op == "maximum_over" for part in walk(lonely))


def test_maxima_are_found_last() -> None:
    rectified = build("cases", build("le", X, ZERO), ZERO, X)
    assert rectified.op == "cases"
    assert finish(rectified) is node("max", ZERO, X)


def test_settings_stand_first() -> None:
    assert settings_first(node("mul", X, Y), {"y"}) is node("mul", Y, X)


CONSTANTS = {
    "half": (0.5, "1/2"),
    "third": (1 / 3, "1/3"),
    "typed": (0.044715, "0.044715"),
    "root of a half": (math.sqrt(0.5), "1/sqrt 2"),
    "gelu": (math.sqrt(2 / math.pi), "sqrt(2/pi)"),
    "error function": (2 / math.sqrt(math.pi), "2/sqrt pi"),
    "angle": (2 * math.pi, "2 pi"),
    "selu": (1.6732632423543772, "1.6732632423543772"),
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_a_constant_is_worth_what_it_was(name: str) -> None:
    value, _ = CONSTANTS[name]
    expression = number(value)
    assert float(worth(expression, {})) == pytest.approx(value, rel=4e-16)
    shown = sum(part.op == "number" and isinstance(part.data, float) for part in walk(expression))
    assert shown == (name in ("typed", "selu"))


BINARY = {
    "add": np.add,
    "mul": np.multiply,
    "max": np.maximum,
    "min": np.minimum,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
    "div": np.divide,
    "pow": np.power,
    "floor_div": lambda a, b: np.floor(a / b),
    "mod": np.mod,
}
UNARY = {
    "neg": np.negative,
    "abs": np.abs,
    "sign": np.sign,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "tanh": np.tanh,
    "expm1": np.expm1,
    "log1p": np.log1p,
    "bracket": lambda holds: np.asarray(holds, float),
    "not": np.logical_not,
}


def worth(expression: Node, values: dict[str, float]) -> Any:
    """The value of an expression without indices."""
    if expression.op == "number":
        return np.float64(expression.data)
    if expression.op == "pi":
        return np.float64(math.pi)
    if expression in (TRUE, FALSE):
        return expression is TRUE
    if expression.op == "element":
        return np.float64(values[expression.data[0]])
    parts = [worth(part, values) for part in expression.args]
    if expression.op == "cases":
        *pairs, otherwise = parts
        chosen = (value for condition, value in zip(pairs[::2], pairs[1::2], strict=True) if condition)
        return next(chosen, otherwise)
    if expression.op in ("and", "or"):
        return all(parts) if expression.op == "and" else any(parts)
    if expression.op in UNARY:
        return UNARY[expression.op](*parts)
    result = parts[0]
    for part in parts[1:]:
        result = BINARY[expression.op](result, part)
    return result


# Trees as tuples (operation, parts): what is checked at run time draws random numbers, which a strategy must not do.
LEAVES = {"x": X, "y": Y, "z": Z, "0": ZERO, "1": ONE, "2": TWO, "1/2": HALF, "-1": number(-1.0), "0.3": number(0.3)}


def composed(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Trees one level deeper."""
    one = st.tuples(st.sampled_from(["neg", "abs", "sign", "tanh", "expm1"]), inner)
    positive = inner.map(lambda a: ("log1p", ("exp", a)))
    two = st.tuples(st.sampled_from(["add", "mul", "max", "min"]), inner, inner)
    over = st.tuples(inner, inner).map(lambda pair: ("div", pair[0], ("add", "1", ("abs", pair[1]))))
    powers = st.tuples(st.just("pow"), inner, st.sampled_from(["1", "2"]))
    roots = inner.map(lambda a: ("sqrt", ("abs", a)))
    relation = st.tuples(st.sampled_from(["lt", "le", "gt", "ge"]), inner, inner)
    both = st.tuples(st.sampled_from(["and", "or"]), relation, relation)
    branches = st.tuples(st.just("cases"), st.one_of(relation, both), inner, inner)
    brackets = st.tuples(st.just("bracket"), relation)
    return st.one_of(one, positive, two, over, powers, roots, branches, brackets)


trees = st.recursive(st.sampled_from(sorted(LEAVES)), composed, max_leaves=8)


def raw(tree: Any) -> Node:
    """The tree as nodes, none of them simplified."""
    return LEAVES[tree] if isinstance(tree, str) else node(tree[0], *map(raw, tree[1:]))


def simplified(expression: Node) -> Node:
    """The expression rebuilt from its leaves, every pass run on the way, and the last passes at the end."""
    done: dict[Node, Node] = {}
    for part in walk(expression):
        done[part] = build(part.op, *(done[argument] for argument in part.args), data=part.data)
    return finish(done[expression])


@settings(max_examples=300)
@given(trees, st.tuples(*[st.floats(-2, 2).filter(lambda value: abs(value) > 1e-3)] * 3))
def test_simplifying_changes_no_value(tree: Any, point: tuple[float, float, float]) -> None:
    expression = raw(tree)
    values = dict(zip("xyz", point, strict=True))
    with np.errstate(all="ignore"):
        before = float(worth(expression, values))
        # Comparisons of numbers that are equal but for rounding may fall either way: the point is moved a little.
        moved = {name: value * (1 + 1e-9) for name, value in values.items()}
        if not math.isfinite(before) or abs(before - float(worth(expression, moved))) > 1e-6 * max(1, abs(before)):
            return
        after = float(worth(simplified(expression), values))
    assert after == pytest.approx(before, rel=1e-9, abs=1e-9)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(-3, 3), st.integers(1, 6))
def test_index_arithmetic(step: int, stride: int, shift: int, divisor: int) -> None:
    """Quotients, remainders and ranges of index expressions, against whole numbers."""
    terms = (
        build("mul", number_node(step), FIRST),
        build("mul", number_node(stride), SECOND),
        number_node(shift),
    )
    place = build("add", *terms)
    quotient = build("floor_div", place, number_node(divisor))
    rest = build("mod", place, number_node(divisor))
    limits = bounds(place)
    assert limits is not None
    for i in range(3):
        for j in range(4):
            exact = step * i + stride * j + shift
            assert limits[0] <= exact <= limits[1]
            assert at(quotient, i, j) == exact // divisor
            assert at(rest, i, j) == exact % divisor


def at(expression: Node, i: int, j: int) -> int:
    if expression.op == "index":
        return {FIRST: i, SECOND: j}[expression]
    if is_number(expression):
        return int(expression.data)
    parts = [at(part, i, j) for part in expression.args]
    if expression.op == "neg":
        return -parts[0]
    if expression.op == "floor_div":
        return parts[0] // parts[1]
    if expression.op == "mod":
        return parts[0] % parts[1]
    return sum(parts) if expression.op == "add" else math.prod(parts)


def test_joined_axes_become_subscripts_of_the_left_side() -> None:
    m = index("m", 12)
    body = array("x", build("floor_div", m, number_node(4)), build("mod", m, number_node(4)))
    found = joined_subscripts(Auxiliary((m,), body))
    assert found is not None
    result, (subscript,) = found
    first, second = result.indices
    assert result.body is array("x", first, second)
    assert subscript is build("add", build("mul", number_node(4), first), second)


def test_equal_pieces_at_other_indices_share_one_name() -> None:
    def long(place: Node) -> Node:
        return node("tanh", node("add", array("x", place), node("mul", array("y", place), Z, TWO)))

    assert shape_of(long(FIRST)).pattern is shape_of(long(index("other", 3))).pattern
    j = index("other", 3)
    results = {"=0": Auxiliary((FIRST,), node("mul", long(FIRST), node("sum", long(j), data=(j,))))}
    pieces: dict[str, Auxiliary] = {}
    share(results, pieces)
    assert list(pieces) == ["@0"]
    first, second = results["=0"].body.args
    assert first is array("@0", FIRST) and second.args[0] is array("@0", j)
