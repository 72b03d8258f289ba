"""Writing an expression down: parentheses, fractions, the letters of indices; the style does the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from pullback.autodiff.notation import (
    ATOM,
    CONJUNCTION,
    CONNECTIVES,
    FUNCTIONS,
    POWER,
    PRODUCT,
    REDUCTIONS,
    RELATION,
    RELATIONS,
    SUM,
)
from pullback.explain.expression import Node, is_number, node, number_node, tree_size, walk
from pullback.explain.styles import Style
from pullback.explain.symbols import INDEX_LETTERS, Symbol, function_symbol
from pullback.explain.view import Shape

# A numerator of more nodes than this is written behind its fraction: 1/2 (...), not (...)/2.
LONG_NUMERATOR = 4
# An exponent of more nodes is written exp(...).
LONG_EXPONENT = 12


@dataclass
class Writer:
    """Writes expressions of one equation.

    Parameters
    ----------
    symbols : of every array by name.
    shapes : sizes of the written axes (those longer than one) of every array by name.
    repeated : leading axes that are not written, by name.
    function_shapes : sizes of the written axes of the results of named functions.
    """

    style: Style
    symbols: Mapping[str, Symbol]
    shapes: Mapping[str, Shape]
    repeated: Mapping[str, int]
    function_shapes: Mapping[str, Shape] = field(default_factory=dict)
    letters: dict[Node, str] = field(default_factory=dict)

    def declare(self, indices: Sequence[Node], wished: Sequence[str] = ()) -> None:
        """Letters for indices from here on; those wished for if they are free and all different."""
        symbols = {symbol.latex for symbol in self.symbols.values()}
        if len(set(wished)) == len(indices) and symbols.isdisjoint(wished):
            self.letters.update(zip(indices, wished, strict=True))
            return
        for bound in indices:
            reserved = symbols | set(self.letters.values())
            self.letters[bound] = next(letter for letter in INDEX_LETTERS if letter not in reserved)

    def forget(self, indices: Sequence[Node]) -> None:
        """Their letters are free again."""
        for bound in indices:
            del self.letters[bound]

    def array(self, name: str, subscripts: Sequence[Node]) -> str:
        """An array with its written subscripts."""
        written = [self.write(sub) for sub in subscripts[self.repeated.get(name, 0) :]]
        return self.style.subscripted(self.style.symbol(self.symbols[name]), written)

    def write(self, expression: Node, precedence: int = 0) -> str:
        """The expression, in parentheses if it binds less tightly than is asked."""
        text, own = self._written(expression)
        return self.style.parentheses(text) if own < precedence else text

    def _written(self, expression: Node) -> tuple[str, int]:
        op, args = expression.op, expression.args
        if op in RELATIONS:
            left, right = (self.write(argument, SUM) for argument in args)
            return f"{left} {self.style.sign(RELATIONS[op])} {right}", RELATION
        if op in CONNECTIVES:
            return self._connected(expression), CONNECTIVES[op].precedence
        if op in REDUCTIONS:
            return self._reduction(expression), PRODUCT
        if op in FORMS:
            return FORMS[op](self, expression)
        return self._applied(self.style.sign(FUNCTIONS[op]), args), ATOM

    def _applied(self, name: str, args: Sequence[Node]) -> str:
        return name + self.style.parentheses(", ".join(self.write(argument) for argument in args))

    def _number(self, expression: Node) -> tuple[str, int]:
        value = expression.data
        whole = isinstance(value, Fraction) and value.denominator == 1
        text = self.style.number(value)
        if value < 0:
            return text, SUM
        return text, ATOM if whole or not isinstance(value, Fraction) and "10^" not in text else PRODUCT

    def _pi(self, expression: Node) -> tuple[str, int]:
        return self.style.constant("pi"), ATOM

    def _true(self, expression: Node) -> tuple[str, int]:
        return self.style.constant("true"), ATOM

    def _false(self, expression: Node) -> tuple[str, int]:
        return self.style.constant("false"), ATOM

    def _index(self, expression: Node) -> tuple[str, int]:
        return self.letters[expression], ATOM

    def _element(self, expression: Node) -> tuple[str, int]:
        text = self.array(expression.data[0], expression.args)
        return text, POWER if "^" in self.symbols[expression.data[0]].latex else ATOM

    def _add(self, expression: Node) -> tuple[str, int]:
        text = self.write(expression.args[0], SUM)
        for term in expression.args[1:]:
            sign, inner = (self.style.minus(), term.args[0]) if term.op == "neg" else ("+", term)
            text += f" {sign} {self.write(inner, PRODUCT)}"
        return text, SUM

    def _neg(self, expression: Node) -> tuple[str, int]:
        return self.style.minus() + self.write(expression.args[0], PRODUCT), SUM

    def _mul(self, expression: Node) -> tuple[str, int]:
        first, *rest = expression.args
        if not (is_number(first) and isinstance(first.data, Fraction)):
            return self._product(expression.args), PRODUCT
        above, below = first.data.numerator, first.data.denominator
        if len(rest) == 1 and rest[0].op == "div":
            over, under = rest[0].args
            return self._quotient(_times(above, over), _times(below, under))
        if below == 1:
            return self._product(expression.args), PRODUCT
        inner = node("mul", *rest) if len(rest) > 1 else rest[0]
        if tree_size(inner) <= LONG_NUMERATOR and inner.op not in ("add", "cases"):
            return self._quotient(_times(above, inner), number_node(below))
        return f"{self.style.number(first.data)} {self._product(rest)}", PRODUCT

    def _product(self, factors: Sequence[Node]) -> str:
        text = ""
        for position, factor in enumerate(factors):
            last = position == len(factors) - 1
            opened = factor.op in REDUCTIONS or factor.op == "cumulative"
            piece = self.write(factor, PRODUCT if last and opened else POWER)
            if not text:
                text = piece
            else:
                text += (self.style.times() if piece[0].isdigit() else " ") + piece
        return text

    def _div(self, expression: Node) -> tuple[str, int]:
        return self._quotient(*expression.args)

    def _quotient(self, above: Node, below: Node) -> tuple[str, int]:
        texts = [self._written(part) for part in (above, below)]
        grouped = (texts[0][1] < PRODUCT, texts[1][1] <= PRODUCT)
        return self.style.fraction(texts[0][0], texts[1][0], grouped), PRODUCT if self._is_flat() else POWER

    def _is_flat(self) -> bool:
        return "frac" not in self.style.fraction("", "", (False, False))

    def _pow(self, expression: Node) -> tuple[str, int]:
        base, exponent = expression.args
        power, simple = self._written(exponent)
        if base.op in FUNCTIONS and base.op not in ("max", "min", "exp", "erf_inv") and is_number(exponent):
            sign = self.style.power(self.style.sign(FUNCTIONS[base.op]), power, simple == ATOM)
            return self._applied(sign, base.args), ATOM
        return self.style.power(self.write(base, ATOM), power, simple == ATOM), POWER

    def _exp(self, expression: Node) -> tuple[str, int]:
        (exponent,) = expression.args
        text, simple = self._written(exponent)
        taken = any(symbol.latex == "e" for symbol in self.symbols.values()) or "e" in self.letters.values()
        tall = tree_size(exponent) > LONG_EXPONENT or any(
            part.op in ("cases", "exp", "call", *REDUCTIONS) for part in walk(exponent)
        )
        if tall or taken or r"\frac" in text:
            return self._applied(self.style.sign(FUNCTIONS["exp"]), expression.args), ATOM
        return self.style.power(self.style.constant("e"), text, simple == ATOM), POWER

    def _sqrt(self, expression: Node) -> tuple[str, int]:
        return self.style.root(self.write(expression.args[0])), ATOM

    def _cbrt(self, expression: Node) -> tuple[str, int]:
        return self.style.root(self.write(expression.args[0]), 3), ATOM

    def _abs(self, expression: Node) -> tuple[str, int]:
        return self.style.absolute(self.write(expression.args[0])), ATOM

    def _floor(self, expression: Node) -> tuple[str, int]:
        return self.style.floor(self.write(expression.args[0])), ATOM

    def _ceil(self, expression: Node) -> tuple[str, int]:
        return self.style.ceiling(self.write(expression.args[0])), ATOM

    def _floor_div(self, expression: Node) -> tuple[str, int]:
        return self.style.floor(self._quotient(*expression.args)[0]), ATOM

    def _mod(self, expression: Node) -> tuple[str, int]:
        return self.style.modulo().join(self.write(argument, POWER) for argument in expression.args), SUM

    def _bracket(self, expression: Node) -> tuple[str, int]:
        return self.style.bracket(self.write(expression.args[0])), ATOM

    def _not(self, expression: Node) -> tuple[str, int]:
        return self.style.no(self.write(expression.args[0], ATOM)), ATOM

    def _connected(self, expression: Node) -> str:
        sign = self.style.sign(CONNECTIVES[expression.op])
        parts = list(expression.args)
        if expression.op == "and" and len(parts) == 2 and _is_interval(*parts):
            low, high = parts
            relation = self.style.sign(RELATIONS["le" if low.op == "ge" else "lt"])
            return (
                f"{self.write(low.args[1], SUM)} {relation} {self.write(low.args[0], SUM)} "
                f"{self.style.sign(RELATIONS[high.op])} {self.write(high.args[1], SUM)}"
            )
        return f" {sign} ".join(self.write(part, CONJUNCTION + 1) for part in parts)

    def _cases(self, expression: Node) -> tuple[str, int]:
        *pairs, otherwise = expression.args
        branches = [
            (self.write(condition), self.write(value)) for condition, value in zip(pairs[::2], pairs[1::2], strict=True)
        ]
        return self.style.cases(branches, self.write(otherwise)), ATOM if self._is_flat() else PRODUCT

    def _reduction(self, expression: Node) -> str:
        bound, (body,) = expression.data, expression.args
        self.declare(bound)
        sign = self.style.sign(REDUCTIONS[expression.op])
        open_ended = [sub for sub in bound if self.is_evident(sub, [body])]
        text = ""
        for sub in bound:
            if sub not in open_ended:
                below = f"{self.letters[sub]} = 0"
                text += self.style.reduction(sign, below, str(sub.data[1] - 1)) + " "
        if open_ended or not bound:
            text += self.style.reduction(sign, ", ".join(self.letters[sub] for sub in open_ended), "") + " "
        text += self.write(body, PRODUCT)
        self.forget(bound)
        return text

    def _cumulative(self, expression: Node) -> tuple[str, int]:
        (kind, bound), (body, last) = expression.data, expression.args
        above = self.write(last)
        self.declare([bound])
        sign = self.style.sign(REDUCTIONS[kind])
        text = f"{self.style.reduction(sign, f'{self.letters[bound]} = 0', above)} {self.write(body, PRODUCT)}"
        self.forget([bound])
        return text, PRODUCT

    def _call(self, expression: Node) -> tuple[str, int]:
        name, bounds = expression.data
        symbol = Symbol(*FUNCTIONS[name][:2]) if name in FUNCTIONS else function_symbol(name)
        texts = [self._whole(body, bound) for body, bound in zip(expression.args[: len(bounds)], bounds, strict=True)]
        text = self.style.symbol(symbol) + self.style.parentheses(", ".join(texts))
        return self.style.subscripted(text, [self.write(sub) for sub in expression.args[len(bounds) :]]), ATOM

    def _whole(self, body: Node, bound: tuple[Node, ...]) -> str:
        """An argument of a function: a number, or an array whose last axes are handed over whole."""
        if not bound:
            return self.write(body)
        name = body.data[0]
        before = body.args[self.repeated.get(name, 0) : len(body.args) - len(bound)]
        written = [*(self.write(sub) for sub in before), *(self.style.every() for _ in bound)]
        return self.style.subscripted(self.style.symbol(self.symbols[name]), written if before else [])

    def is_evident(self, bound: Node, bodies: Sequence[Node]) -> bool:
        """Whether the arrays that the index stands at say how far it runs."""
        parts = [part for body in bodies for part in walk(body)]
        sizes = {
            self.shapes[part.data[0]][position]
            for part in parts
            if part.op == "element"
            for position, sub in enumerate(part.args)
            if sub is bound and position >= self.repeated.get(part.data[0], 0)
        }
        sizes |= {
            self.function_shapes[part.data[0]][position]
            for part in parts
            if part.op == "call" and part.data[0] in self.function_shapes
            for position, sub in enumerate(part.args[len(part.data[1]) :])
            if sub is bound
        }
        return sizes == {bound.data[1]}


FORMS: dict[str, Callable[[Writer, Node], tuple[str, int]]] = {
    "abs": Writer._abs,
    "add": Writer._add,
    "bracket": Writer._bracket,
    "call": Writer._call,
    "cases": Writer._cases,
    "cbrt": Writer._cbrt,
    "ceil": Writer._ceil,
    "cumulative": Writer._cumulative,
    "div": Writer._div,
    "element": Writer._element,
    "exp": Writer._exp,
    "false": Writer._false,
    "floor": Writer._floor,
    "floor_div": Writer._floor_div,
    "index": Writer._index,
    "mod": Writer._mod,
    "mul": Writer._mul,
    "neg": Writer._neg,
    "not": Writer._not,
    "number": Writer._number,
    "pi": Writer._pi,
    "pow": Writer._pow,
    "sqrt": Writer._sqrt,
    "true": Writer._true,
}


def _times(factor: int, inner: Node) -> Node:
    """A whole multiple, as a product that is not simplified."""
    if factor == 1:
        return inner
    if is_number(inner, 1):
        return number_node(factor)
    return node("mul", number_node(factor), *(inner.args if inner.op == "mul" else (inner,)))


def _is_interval(low: Node, high: Node) -> bool:
    both = low.op in ("ge", "gt") and high.op in ("le", "lt")
    return both and low.args[0] is high.args[0]
