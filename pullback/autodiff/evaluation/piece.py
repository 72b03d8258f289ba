"""Pieces of an expression, in LaTeX and in plain text at once; what needs parentheses is decided here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from pullback.autodiff.evaluation.digits import number_text
from pullback.autodiff.notation import ATOM, POWER, PRODUCT, SUM, Notation

_GREEK = frozenset(
    """
    alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau phi chi psi omega
    """.split()
)
_SPECIAL = {"\\": r"\backslash ", "{": r"\{", "}": r"\}", **{sign: f"\\{sign}" for sign in "_$%&#"}}


class Piece(NamedTuple):
    """A part of an expression.

    Parameters
    ----------
    latex, text : the part in LaTeX and in plain text.
    precedence : how tightly it binds, as in `notation.py`.
    negated : for a part with a minus sign in front, what stands behind the sign.
    """

    latex: str
    text: str
    precedence: int = ATOM
    negated: Any = None

    def within(self, precedence: int) -> Piece:
        """The part, in parentheses where something that binds at least so tightly is asked for."""
        return self if self.precedence >= precedence else Piece(rf"\left({self.latex}\right)", f"({self.text})")


def upright(name: str) -> str:
    """A name of several letters in LaTeX."""
    return rf"\mathrm{{{''.join(_SPECIAL.get(sign, sign) for sign in name)}}}"


def variable(name: str) -> Piece:
    r"""An argument by its name.

    Examples
    --------
    >>> variable("t1").latex, variable("theta").latex, variable("x[0]").latex, variable("my_rate").text
    ('t_{1}', '\\theta', 'x_{0}', 'my_rate')
    """
    numbered = re.fullmatch(r"([A-Za-z]+)(?:_?(\d+)|\[(\d+)\])?", name)
    if numbered is None:
        return Piece(upright(name), name)
    word, digits = numbered[1], numbered[2] or numbered[3]
    base = rf"\{word}" if word in _GREEK else word if len(word) == 1 else upright(word)
    return Piece(base + (f"_{{{digits}}}" if digits else ""), name)


def intermediate(number: str) -> Piece:
    """An intermediate value by its number."""
    return Piece(f"v_{{{number}}}", f"v_{number}")


def number(value: Any) -> Piece:
    """A known number."""
    text = number_text(value, 6)
    positive = text.removeprefix("-")
    piece = Piece(number_latex(positive), positive, PRODUCT if "10^" in number_latex(positive) else ATOM)
    return negative(piece) if text.startswith("-") else piece


def number_latex(text: str) -> str:
    r"""A printed number in LaTeX.

    Examples
    --------
    >>> number_latex("1.5e-8"), number_latex("inf"), number_latex("true")
    ('1.5 \\cdot 10^{-8}', '\\infty', '\\mathrm{true}')
    """
    scientific = re.fullmatch(r"(-?[\d.]+)e(-?\d+)", text)
    if scientific is not None:
        return rf"{scientific[1]} \cdot 10^{{{scientific[2]}}}"
    return {"inf": r"\infty", "-inf": r"-\infty"}.get(text, upright(text) if text.isalpha() else text)


def listed(parts: Sequence[Piece], opening: str = "(", closing: str = ")") -> Piece:
    """Parts with commas between, in brackets."""
    latex, text = ", ".join(part.latex for part in parts), ", ".join(part.text for part in parts)
    return Piece(rf"\left{opening}{latex}\right{closing}", f"{opening}{text}{closing}")


def applied(notation: Notation, *arguments: Piece) -> Piece:
    """A function with a sign of its own."""
    inside = listed(arguments)
    return Piece(f"{notation.latex} {inside.latex}", f"{notation.unicode}{inside.text}")


def call(name: str, *arguments: Piece) -> Piece:
    """A function by its name."""
    escaped = "".join(_SPECIAL.get(sign, sign) for sign in name).replace(" ", r"\ ")
    return applied(Notation(rf"\operatorname{{{escaped}}}", name), *arguments)


def negative(inner: Piece) -> Piece:
    """A part with a minus sign."""
    shown = inner.within(PRODUCT)
    return Piece(f"-{shown.latex}", f"-{shown.text}", SUM, shown)


def plus(left: Piece, right: Piece) -> Piece:
    """A sum; a negative term is subtracted."""
    if right.negated is not None:
        return minus(left, right.negated)
    return Piece(f"{left.latex} + {right.latex}", f"{left.text} + {right.text}", SUM)


def minus(left: Piece, right: Piece) -> Piece:
    """A difference; a negative term is added."""
    if right.negated is not None:
        return plus(left, right.negated)
    inner = right.within(PRODUCT)
    return Piece(f"{left.latex} - {inner.latex}", f"{left.text} - {inner.text}", SUM)


def times(left: Piece, right: Piece, *, entrywise: bool = False) -> Piece:
    """A product, of arrays entry by entry; a minus sign stands in front of all of it."""
    for first, second, order in ((left, right, 1), (right, left, -1)):
        if first.negated is not None:
            return negative(times(*(first.negated, second)[::order], entrywise=entrywise))
    if "1" in (left.text, right.text):
        return right if left.text == "1" else left
    a, b = left.within(PRODUCT), right.within(PRODUCT)
    if entrywise:
        return Piece(rf"{a.latex} \odot {b.latex}", f"{a.text} ⊙ {b.text}", PRODUCT)
    between = r" \cdot " if b.latex[:1].isdigit() else r" \, "
    return Piece(f"{a.latex}{between}{b.latex}", f"{a.text} · {b.text}", PRODUCT)


def matrix_product(left: Piece, right: Piece) -> Piece:
    """A product of matrices."""
    a, b = left.within(PRODUCT), right.within(PRODUCT)
    return Piece(rf"{a.latex} \, {b.latex}", f"{a.text} @ {b.text}", PRODUCT)


def over(above: Piece, below: Piece) -> Piece:
    """A quotient."""
    a, b = above.within(PRODUCT), below.within(POWER)
    return Piece(rf"\frac{{{above.latex}}}{{{below.latex}}}", f"{a.text} / {b.text}", PRODUCT)


def power(base: Piece, exponent: Piece) -> Piece:
    """A power."""
    shown = base.within(ATOM)
    below = exponent.text if exponent.negated is not None else exponent.within(ATOM).text
    return Piece(f"{{{shown.latex}}}^{{{exponent.latex}}}", f"{shown.text}^{below}", POWER)


def root(inner: Piece) -> Piece:
    """A square root."""
    return Piece(rf"\sqrt{{{inner.latex}}}", f"√{inner.within(ATOM).text}", POWER)


def transposed(inner: Piece) -> Piece:
    """A transposed matrix."""
    shown = inner.within(ATOM)
    return Piece(rf"{shown.latex}^{{\top}}", f"{shown.text}ᵀ")


def indexed(inner: Piece, subscripts: str) -> Piece:
    """Entries of an array."""
    shown = inner.within(ATOM)
    return Piece(rf"{{{shown.latex}}}_{{[{subscripts}]}}", f"{shown.text}[{subscripts}]")


def compared(left: Piece, right: Piece, notation: Notation) -> Piece:
    """A comparison or a connective."""
    a, b = left.within(notation.precedence + 1), right.within(notation.precedence + 1)
    return Piece(f"{a.latex} {notation.latex} {b.latex}", f"{a.text} {notation.unicode} {b.text}", notation.precedence)


def chosen(condition: Piece, yes: Piece, no: Piece) -> Piece:
    """One of two, by a condition."""
    if condition.text in ("true", "false"):
        return yes if condition.text == "true" else no
    latex = (
        rf"\begin{{cases}} {yes.latex} & \text{{if }} {condition.latex} \\ "
        rf"{no.latex} & \text{{otherwise}} \end{{cases}}"
    )
    return Piece(latex, f"{yes.text} if {condition.text} else {no.text}", -1)
