r"""Numbers of a program as a textbook writes them: 1/3, \(\sqrt{2/\pi}\), 0.044715."""

from __future__ import annotations

import math
from fractions import Fraction

from pullback.explain.expression import ONE, Node, node, number_node

LARGEST_DENOMINATOR = 64
# Decimals up to this many characters are what a person typed: 0.1, 0.044715, 1e-05.
TYPED_CHARACTERS = 8
# How far a double may be from the closed form that it was computed from: two roundings.
ROUNDING = 4e-16
PI = node("pi")


def number(value: int | float | Fraction) -> Node:
    r"""The expression of a number: a fraction, a typed decimal, one with \(\sqrt{}\) and \(\pi\), or the double itself.

    Examples
    --------
    >>> number(0.5), number(0.1), number(math.pi / 3)
    (number(Fraction(1, 2)), number(0.1), mul(number(Fraction(1, 3)), pi()))
    """
    if isinstance(value, int | Fraction) or not math.isfinite(value):
        return number_node(value)
    if value.is_integer() and abs(value) < 1e15:
        return number_node(int(value))
    if value < 0:
        return node("neg", number(-value))
    fraction = Fraction(value).limit_denominator(LARGEST_DENOMINATOR)
    exact = float(fraction) == value
    if exact and fraction.denominator in (2, 4, 8):
        return number_node(fraction)
    if len(repr(value)) <= TYPED_CHARACTERS:
        return number_node(value)
    return number_node(fraction) if exact else _closed_form(value) or number_node(value)


def _closed_form(value: float) -> Node | None:
    """The number as a multiple of pi, or as the root of a fraction, of a multiple of pi or of 1/pi."""
    multiple = Fraction(value / math.pi).limit_denominator(LARGEST_DENOMINATOR)
    if math.isclose(multiple * math.pi, value, rel_tol=ROUNDING):
        return _times(multiple, PI)
    for constant, symbol in ((1.0, ONE), (math.pi, PI), (1 / math.pi, node("div", ONE, PI))):
        square = Fraction(value * value / constant).limit_denominator(LARGEST_DENOMINATOR)
        if math.isclose(math.sqrt(square * constant), value, rel_tol=ROUNDING):
            return _root(square, symbol)
    return None


def _root(square: Fraction, symbol: Node) -> Node:
    """The root of `square` times `symbol`, with squares taken out."""
    above, below = math.isqrt(square.numerator), math.isqrt(square.denominator)
    if below * below == square.denominator and above * above == square.numerator:
        inverse = symbol.op == "div"
        root = node("sqrt", PI) if symbol is not ONE else ONE
        return _times(Fraction(above, below), node("div", ONE, root) if inverse else root)
    if symbol is ONE and above * above == square.numerator:
        return _times(Fraction(above), node("div", ONE, node("sqrt", number_node(square.denominator))))
    if symbol is ONE:
        return node("sqrt", number_node(square))
    return node("sqrt", _times(square, symbol))


def _times(factor: Fraction, term: Node) -> Node:
    if factor == 1:
        return term
    return number_node(factor) if term is ONE else node("mul", number_node(factor), term)
