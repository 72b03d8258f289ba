r"""Rewriting of powers, roots, exponentials and logarithms."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from pullback.explain.constants import number
from pullback.explain.expression import ONE, Node, is_number, node, number_node, walk

HALF = number_node(Fraction(1, 2))


def power(expression: Node, build: Any) -> Node | None:
    r"""\(a^1 = a\), \(a^{1/2} = \sqrt a\), \(a^{-n} = 1/a^n\), \((a^m)^n = a^{mn}\), \(\sqrt a^2 = a\)."""
    base, exponent = expression.args
    if is_number(exponent, 0):
        return ONE
    if is_number(exponent, 1):
        return base
    if exponent is HALF:
        return build("sqrt", base)
    if exponent.op == "neg" and is_number(exponent.args[0]):
        return build("div", ONE, build("pow", base, exponent.args[0]))
    if not is_number(exponent):
        return None
    if exponent.data < 0:
        return build("div", ONE, build("pow", base, number(-exponent.data)))
    whole = isinstance(exponent.data, Fraction) and exponent.data.denominator == 1
    if is_number(base) and whole:
        return number(base.data ** int(exponent.data))
    if base.op == "sqrt" and whole:
        return build("pow", base.args[0], number_node(exponent.data / 2))
    if base.op == "pow" and whole and is_number(base.args[1]) and _is_whole(base.args[1]):
        return build("pow", base.args[0], number_node(base.args[1].data * exponent.data))
    if base.op == "neg" and whole:
        inner = build("pow", base.args[0], exponent)
        return build("neg", inner) if exponent.data % 2 else inner
    if base.op == "abs" and whole and not exponent.data % 2:
        return build("pow", base.args[0], exponent)
    if base.op == "div" and whole and (base.args[0] is ONE or _has_root(base.args[1])):
        return build("div", *(build("pow", part, exponent) for part in base.args))
    if base.op == "mul" and whole and (is_number(base.args[0]) or any(map(is_shift, base.args))):
        return build("mul", *(build("pow", factor, exponent) for factor in base.args))
    return None


def _has_root(below: Node) -> bool:
    return below.op == "sqrt" or (below.op == "mul" and any(factor.op == "sqrt" for factor in below.args))


def _is_whole(value: Node) -> bool:
    return isinstance(value.data, Fraction) and value.data.denominator == 1


def square_root(expression: Node, build: Any) -> Node | None:
    r"""The root of a number, and \(\sqrt{a^2} = |a|\)."""
    (inner,) = expression.args
    if is_number(inner) and inner.data >= 0:
        root = number(math.sqrt(inner.data))
        return root if root is not expression else None
    if inner.op == "pow" and is_number(inner.args[1], 2):
        return build("abs", inner.args[0])
    if inner.op == "mul" and is_number(inner.args[0]) and _is_whole(inner.args[0]):
        root = math.isqrt(int(inner.args[0].data))
        if root * root == inner.args[0].data:
            return build("mul", number_node(root), build("sqrt", build("mul", *inner.args[1:])))
    return None


def holds_maximum(term: Node) -> bool:
    """Whether a maximum over an index occurs in it."""
    return any(part.op == "maximum_over" for part in walk(term))


def is_shift(factor: Node) -> bool:
    r"""Whether it is \(e^{-m}\) with a maximum \(m\): a factor that keeps numbers small and cancels in the end."""
    base = factor.args[0] if factor.op == "pow" else factor
    return base.op == "exp" and base.args[0].op == "neg" and holds_maximum(base.args[0])


def exponential(expression: Node, build: Any) -> Node | None:
    r"""\(e^0 = 1\), \(e^{\log a} = a\), \(e^{b \log a} = a^b\), \(e^{a - \log b} = e^a / b\).

    In \(e^{x - m} = e^x e^{-m}\) a maximum \(m\) becomes a factor of its own, so that it can cancel.
    """
    (exponent,) = expression.args
    if exponent.op == "neg" and exponent.args[0].op == "add":
        exponent = node("add", *(build("neg", term) for term in exponent.args[0].args))
    if is_number(exponent, 0):
        return ONE
    if exponent.op == "log":
        return exponent.args[0]
    if exponent.op == "neg" and exponent.args[0].op == "log":
        return build("div", ONE, exponent.args[0].args[0])
    if exponent.op == "mul":
        logarithm = next((factor for factor in exponent.args if factor.op == "log"), None)
        if logarithm is not None:
            rest = [factor for factor in exponent.args if factor is not logarithm]
            return build("pow", logarithm.args[0], build("mul", *rest))
    if exponent.op == "add":
        logarithms = [term for term in exponent.args if term.op == "neg" and term.args[0].op == "log"]
        if logarithms:
            rest = [term for term in exponent.args if term not in logarithms]
            below = [term.args[0].args[0] for term in logarithms]
            return build("div", build("exp", build("add", *rest)), build("mul", *below))
        shifts = [term for term in exponent.args if term.op == "neg" and holds_maximum(term)]
        if shifts and len(shifts) < len(exponent.args):
            rest = build("exp", build("add", *(term for term in exponent.args if term not in shifts)))
            return build("mul", rest, *(build("exp", term) for term in shifts))
    return None


def logarithm(expression: Node, build: Any) -> Node | None:
    r"""\(\log 1 = 0\), \(\log e^a = a\); a common factor \(e^{-m}\) comes out of \(\log \sum_k e^{x_k - m}\)."""
    (inner,) = expression.args
    if is_number(inner, 1):
        return number_node(0)
    if inner.op == "exp":
        return inner.args[0]
    if inner.op == "mul":
        outside = [factor for factor in inner.args if factor.op == "exp"]
        if outside:
            rest = [factor for factor in inner.args if factor.op != "exp"]
            return build("add", build("log", build("mul", *rest)), *(factor.args[0] for factor in outside))
    if inner.op == "div" and inner.args[1].op == "exp":
        return build("add", build("log", inner.args[0]), build("neg", inner.args[1].args[0]))
    return None


def product_of_exponentials(expression: Node, build: Any) -> Node | None:
    r"""\(e^a e^{-m} = e^{a - m}\), where the factor did not cancel. Asked for at the end."""
    shifts = [factor for factor in expression.args if is_shift(factor) and factor.op == "exp"]
    other = next((factor for factor in expression.args if factor.op == "exp" and factor not in shifts), None)
    if not shifts or other is None:
        return None
    exponent = build("add", other.args[0], *(shift.args[0] for shift in shifts))
    rest = [factor for factor in expression.args if factor not in (*shifts, other)]
    together = node("exp", exponent)
    return node("mul", *rest, together) if rest else together


def exponential_less_one(expression: Node, build: Any) -> Node | None:
    r"""\(e^a - 1\), which a program writes in one piece for its accuracy."""
    return build("add", build("exp", expression.args[0]), number_node(-1))


def logarithm_of_one_more(expression: Node, build: Any) -> Node | None:
    r"""\(\log(1 + a)\), which a program writes in one piece for its accuracy."""
    return build("log", build("add", ONE, expression.args[0]))


def log_add_exp(expression: Node, build: Any) -> Node | None:
    r"""\(\log(e^a + e^b)\), with a number in front."""
    first, second = (build("exp", argument) for argument in expression.args)
    return build("log", build("add", *((second, first) if is_number(second) else (first, second))))


def inverse_root(expression: Node, build: Any) -> Node | None:
    r"""\(1/\sqrt a\)."""
    return build("div", ONE, build("sqrt", expression.args[0]))


def absolute_value(expression: Node, build: Any) -> Node | None:
    r"""\(|-a| = |a|\), \(|a|^2\) and \(\sqrt a\) are not negative."""
    (inner,) = expression.args
    if is_number(inner):
        return number(abs(inner.data))
    if inner.op == "neg":
        return build("abs", inner.args[0])
    even = inner.op == "pow" and is_number(inner.args[1]) and _is_whole(inner.args[1]) and not inner.args[1].data % 2
    return inner if even or inner.op in ("abs", "sqrt", "exp") else None


def inverse_exponential(expression: Node, build: Any) -> Node | None:
    r"""\(e^{-m}\) in a denominator is not turned over, \(1 / e^{x}\) is \(e^{-x}\)."""
    above, below = expression.args
    return build("exp", build("neg", below.args[0])) if above is ONE and below.op == "exp" else None
