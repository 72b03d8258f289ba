"""The two ways of setting a formula: LaTeX, and plain text in Unicode. Neither decides what is in parentheses."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Protocol, runtime_checkable

from pullback.autodiff.notation import Notation
from pullback.explain.symbols import Symbol, superscript

ROW_END = r" \\ "
Lines = Sequence[tuple[str, str]]


@runtime_checkable
class Style(Protocol):
    """How the pieces of a formula are put on paper."""

    def symbol(self, symbol: Symbol) -> str: ...
    def sign(self, notation: Notation) -> str: ...
    def number(self, value: Fraction | float) -> str: ...
    def constant(self, name: str) -> str: ...
    def parentheses(self, inner: str) -> str: ...
    def fraction(self, above: str, below: str, grouped: tuple[bool, bool]) -> str: ...
    def power(self, base: str, exponent: str, simple: bool) -> str: ...
    def root(self, inner: str, degree: int = 2) -> str: ...
    def absolute(self, inner: str) -> str: ...
    def floor(self, inner: str) -> str: ...
    def ceiling(self, inner: str) -> str: ...
    def bracket(self, inner: str) -> str: ...
    def times(self) -> str: ...
    def minus(self) -> str: ...
    def modulo(self) -> str: ...
    def no(self, inner: str) -> str: ...
    def subscripted(self, base: str, subscripts: Sequence[str]) -> str: ...
    def reduction(self, sign: str, below: str, above: str) -> str: ...
    def cases(self, branches: Sequence[tuple[str, str]], otherwise: str) -> str: ...
    def every(self) -> str: ...
    def range(self, letter: str, last: int) -> str: ...
    def remark(self, array: str, outside: str) -> str: ...
    def lines(self, results: Lines, pieces: Lines, remarks: Sequence[str]) -> str: ...


class Latex:
    """LaTeX, in the subset that `pullback.testing.equations` reads back."""

    def symbol(self, symbol: Symbol) -> str:
        return symbol.latex

    def sign(self, notation: Notation) -> str:
        return notation.latex

    def number(self, value: Fraction | float) -> str:
        if isinstance(value, Fraction):
            return (
                str(value.numerator)
                if value.denominator == 1
                else (rf"\frac{{{value.numerator}}}{{{value.denominator}}}")
            )
        digits, _, exponent = repr(value).partition("e")
        if not exponent:
            return {"inf": r"\infty", "-inf": r"-\infty", "nan": r"\mathrm{NaN}"}.get(digits, digits)
        return f"10^{{{int(exponent)}}}" if digits == "1" else rf"{digits} \cdot 10^{{{int(exponent)}}}"

    def constant(self, name: str) -> str:
        return {"pi": r"\pi", "e": "e", "true": r"\mathrm{true}", "false": r"\mathrm{false}"}[name]

    def parentheses(self, inner: str) -> str:
        return rf"\left( {inner} \right)" if _is_tall(inner) else f"({inner})"

    def fraction(self, above: str, below: str, grouped: tuple[bool, bool]) -> str:
        return rf"\frac{{{above}}}{{{below}}}"

    def power(self, base: str, exponent: str, simple: bool) -> str:
        return f"{base}^{{{exponent}}}"

    def root(self, inner: str, degree: int = 2) -> str:
        return rf"\sqrt{{{inner}}}" if degree == 2 else rf"\sqrt[{degree}]{{{inner}}}"

    def absolute(self, inner: str) -> str:
        return rf"\left| {inner} \right|"

    def floor(self, inner: str) -> str:
        return rf"\left\lfloor {inner} \right\rfloor"

    def ceiling(self, inner: str) -> str:
        return rf"\left\lceil {inner} \right\rceil"

    def bracket(self, inner: str) -> str:
        return rf"\left[ {inner} \right]"

    def times(self) -> str:
        return r" \cdot "

    def minus(self) -> str:
        return "-"

    def modulo(self) -> str:
        return r" \bmod "

    def no(self, inner: str) -> str:
        return rf"\lnot {inner}"

    def subscripted(self, base: str, subscripts: Sequence[str]) -> str:
        if not subscripts:
            return base
        plain = all(len(text) == 1 and text.isalpha() or text == r"\cdot" for text in subscripts)
        return f"{base}_{{{(' ' if plain else ', ').join(subscripts)}}}"

    def reduction(self, sign: str, below: str, above: str) -> str:
        return f"{sign}_{{{below}}}" + (f"^{{{above}}}" if above else "")

    def cases(self, branches: Sequence[tuple[str, str]], otherwise: str) -> str:
        lines = [rf"{value} & \text{{if }} {condition}" for condition, value in branches]
        body = ROW_END.join([*lines, rf"{otherwise} & \text{{otherwise}}"])
        return rf"\begin{{cases}} {body} \end{{cases}}"

    def every(self) -> str:
        return r"\cdot"

    def range(self, letter: str, last: int) -> str:
        return rf", \quad {letter} = 0, \dots, {last}"

    def remark(self, array: str, outside: str) -> str:
        return rf"{array} = {outside} \text{{ outside}}"

    def lines(self, results: Lines, pieces: Lines, remarks: Sequence[str]) -> str:
        if len(results) == 1 and not pieces and not remarks:
            return " = ".join(results[0])
        rows = [f"{left} &= {right}" for left, right in results]
        rows += [rf"\text{{where }} {left} &= {right}" for left, right in pieces]
        rows += [rf"& \text{{with }} {remark}" for remark in remarks]
        return rf"\begin{{aligned}} {ROW_END.join(rows)} \end{{aligned}}"


class Unicode:
    """One line of plain text."""

    def symbol(self, symbol: Symbol) -> str:
        return symbol.unicode

    def sign(self, notation: Notation) -> str:
        return notation.unicode

    def number(self, value: Fraction | float) -> str:
        if isinstance(value, Fraction):
            return str(value)
        return {"inf": "∞", "-inf": "-∞", "nan": "NaN"}.get(repr(value), repr(value))

    def constant(self, name: str) -> str:
        return {"pi": "π"}.get(name, name)

    def parentheses(self, inner: str) -> str:
        return f"({inner})"

    def fraction(self, above: str, below: str, grouped: tuple[bool, bool]) -> str:
        over = f"({above})" if grouped[0] else above
        return f"{over} / {f'({below})' if grouped[1] else below}"

    def power(self, base: str, exponent: str, simple: bool) -> str:
        return (
            base + superscript(exponent) if exponent.isdigit() else f"{base}^{exponent if simple else f'({exponent})'}"
        )

    def root(self, inner: str, degree: int = 2) -> str:
        sign = "√" if degree == 2 else f"{superscript(str(degree))}√"
        return f"{sign}{inner}" if inner.isalnum() else f"{sign}({inner})"

    def absolute(self, inner: str) -> str:
        return f"|{inner}|"

    def floor(self, inner: str) -> str:
        return f"⌊{inner}⌋"

    def ceiling(self, inner: str) -> str:
        return f"⌈{inner}⌉"

    def bracket(self, inner: str) -> str:
        return f"[{inner}]"

    def times(self) -> str:
        return " · "

    def minus(self) -> str:
        return "-"

    def modulo(self) -> str:
        return " mod "

    def no(self, inner: str) -> str:
        return f"¬{inner}"

    def subscripted(self, base: str, subscripts: Sequence[str]) -> str:
        if not subscripts:
            return base
        plain = all(len(text) == 1 for text in subscripts)
        return f"{base}_{''.join(subscripts)}" if plain else f"{base}[{', '.join(subscripts)}]"

    def reduction(self, sign: str, below: str, above: str) -> str:
        start, _, _ = below.partition(" = ")
        if above:
            return f"{sign}_({start} ≤ {above})" if below.endswith(" = 0") else f"{sign}_({below}..{above})"
        return f"{sign}_{below}" if len(below) == 1 else f"{sign}_({below})"

    def cases(self, branches: Sequence[tuple[str, str]], otherwise: str) -> str:
        lines = [f"{value} if {condition}" for condition, value in branches]
        return f"{{ {'; '.join([*lines, f'{otherwise} otherwise'])} }}"

    def every(self) -> str:
        return "·"

    def range(self, letter: str, last: int) -> str:
        return f", {letter} = 0, ..., {last}"

    def remark(self, array: str, outside: str) -> str:
        return f"{array} = {outside} outside"

    def lines(self, results: Lines, pieces: Lines, remarks: Sequence[str]) -> str:
        rows = [f"{left} = {right}" for left, right in results]
        rows += [f"where {left} = {right}" for left, right in pieces]
        return "\n".join([*rows, *(f"with {remark}" for remark in remarks)])


def _is_tall(text: str) -> bool:
    return any(part in text for part in (r"\frac", r"\sum", r"\prod", r"\begin", r"\max_", r"\min_", r"mean}_"))
