r"""Rewriting of sums, products and quotients: signs, fractions, numbers, equal factors.

Normal form: a negative sign stands outside a product or quotient, a numerical coefficient in front of it, and a product
of quotients is one quotient.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any

from pullback.explain.constants import number
from pullback.explain.expression import ONE, ZERO, Node, is_number, node, number_node
from pullback.explain.rewrite_powers import is_shift


def signed(term: Node) -> tuple[int, Node]:
    """The term without its sign, and the sign."""
    if term.op == "neg":
        return -1, term.args[0]
    if is_number(term) and term.data < 0:
        return -1, number(-term.data)
    return 1, term


def _negative(sign: int, term: Node) -> Node:
    return term if sign > 0 else node("neg", term)


def add(expression: Node, build: Any) -> Node | None:
    """One flat sum: numbers added up, opposite terms gone, equal terms counted, a positive term first."""
    merged = _cases_added(expression.args, build) or _shift_outside(expression.args, build)
    if merged is not None:
        return merged
    terms = _flat_terms(expression.args)
    if not _meet(terms):
        # Where nothing cancels or adds up, a difference of a sum keeps its parentheses.
        terms = _flat_terms(expression.args, through_signs=False)
    constant = sum((sign * term.data for sign, term in terms if is_number(term)), Fraction(0))
    number_first = bool(terms) and is_number(terms[0][1])
    counts: Counter[Node] = Counter()
    for sign, term in terms:
        if not is_number(term):
            factor, rest = _integer_factor(term)
            counts[rest] += sign * factor
    kept = [
        (1 if count > 0 else -1, term if abs(count) == 1 else build("mul", number_node(abs(count)), term))
        for term, count in counts.items()
        if count
    ]
    if constant:
        place = 0 if number_first else len(kept)
        kept.insert(place, signed(number(constant)))
    first = next((position for position, (sign, _) in enumerate(kept) if sign > 0), None)
    if first is None and kept:
        return build("neg", build("add", *(term for _, term in kept)))
    if first:
        kept.insert(0, kept.pop(first))
    if len(kept) < 2:
        return _negative(*kept[0]) if kept else ZERO
    return node("add", *(_negative(sign, term) for sign, term in kept))


def _cases_added(args: tuple[Node, ...], build: Any) -> Node | None:
    """Two functions by the same cases are added case by case."""
    for position, one in enumerate(args):
        for other in args[position + 1 :]:
            if _conditions(one) and _conditions(one) == _conditions(other):
                values = [build("add", *pair) for pair in zip(_branches(one), _branches(other), strict=True)]
                pairs = [part for pair in zip(_conditions(one), values, strict=False) for part in pair]
                together = build("cases", *pairs, values[-1])
                return build("add", *(term for term in args if term not in (one, other)), together)
    return None


def _shift_outside(args: tuple[Node, ...], build: Any) -> Node | None:
    r"""\(a e^{-m} + b e^{-m} = (a + b) e^{-m}\) for a maximum \(m\), and in the same way over \(e^{-m}\)."""
    if len(args) < 2:
        return None
    sides = [_factors((term,))[2:] for term in args]
    for side in (0, 1):
        shifts = [factor for factor in sides[0][side] if is_shift(factor)]
        shared = [shift for shift in shifts if all(shift in factors[side] for factors in sides)]
        if shared:
            whole = build("mul", *shared)
            opposite, applied = ("div", "mul") if side == 0 else ("mul", "div")
            return build(applied, build("add", *(build(opposite, term, whole) for term in args)), whole)
    return None


def _conditions(term: Node) -> tuple[Node, ...]:
    inner = term.args[0] if term.op == "neg" else term
    return inner.args[:1] if inner.op == "bracket" else inner.args[:-1:2] if inner.op == "cases" else ()


def _branches(term: Node) -> list[Node]:
    sign, inner = (-1, term.args[0]) if term.op == "neg" else (1, term)
    values = [ONE, ZERO] if inner.op == "bracket" else [*inner.args[1:-1:2], inner.args[-1]]
    return [number(-value.data) if sign < 0 and is_number(value) else _negative(sign, value) for value in values]


def _meet(terms: list[tuple[int, Node]]) -> bool:
    """Whether two of the terms are numbers, or multiples of the same."""
    kinds = [None if is_number(term) else _integer_factor(term)[1] for _, term in terms]
    return len(set(kinds)) < len(kinds)


def _flat_terms(args: tuple[Node, ...], sign: int = 1, *, through_signs: bool = True) -> list[tuple[int, Node]]:
    terms = []
    for argument in args:
        own, term = signed(argument)
        if term.op == "add" and (through_signs or own > 0):
            terms += _flat_terms(term.args, sign * own, through_signs=through_signs)
        else:
            terms.append((sign * own, term))
    return terms


def _integer_factor(term: Node) -> tuple[int, Node]:
    """2 and x for 2x, so that x + 2x is 3x."""
    if term.op == "mul" and is_number(term.args[0]) and isinstance(term.args[0].data, Fraction):
        if term.args[0].data.denominator == 1 and len(term.args) == 2:
            return int(term.args[0].data), term.args[1]
    return 1, term


def negate(expression: Node, build: Any) -> Node | None:
    """No double sign; -(a - b) is b - a."""
    (inner,) = expression.args
    if inner.op == "neg":
        return inner.args[0]
    if is_number(inner):
        return number(-inner.data) if inner.data < 0 or not inner.data else None
    if inner.op == "add" and 2 * sum(term.op == "neg" for term in inner.args) >= len(inner.args):
        return build("add", *(build("neg", term) for term in inner.args))
    if inner.op == "div":
        above, below = inner.args
        for position, part in enumerate((above, below)):
            if part.op == "add" and len(part.args) == 2 and part.args[1].op == "neg":
                turned = build("neg", part)
                return build("div", *((turned, below) if position == 0 else (above, turned)))
    return None


def multiply(expression: Node, build: Any) -> Node | None:
    """One flat product: sign outside, one number in front, one quotient, equal factors as powers."""
    sign, coefficient, above, below = _factors(expression.args)
    if coefficient == 0:
        return ZERO
    above, below = _cancelled(above, below, build)
    above = _absolute_values(above, build)
    product = _product(above)
    if below:
        product = node("div", product, _product(below))
    return _with_coefficient(sign, coefficient, product)


def divide(expression: Node, build: Any) -> Node | None:
    """One quotient of products, its sign and its rational coefficient in front."""
    numerator, denominator = expression.args
    if is_number(denominator, 0):
        return None
    sign, coefficient, above, below = _factors((numerator,))
    other_sign, other, under, over = _factors((denominator,))
    if isinstance(other, Fraction):
        coefficient = coefficient / other
    elif not under and not over and not above and not below:
        coefficient = coefficient / other
    else:
        under = [number(other), *under]
    if coefficient == 0:
        return ZERO
    above, below = _cancelled(above + over, below + under, build)
    product = _product(above)
    if below:
        product = node("div", product, _product(below))
    return _with_coefficient(sign * other_sign, coefficient, product)


def _factors(args: tuple[Node, ...]) -> tuple[int, Any, list[Node], list[Node]]:
    """Sign, numerical coefficient, other factors, and factors of the denominator of a product."""
    sign, coefficient = 1, Fraction(1)
    above: list[Node] = []
    below: list[Node] = []
    for argument in args:
        own, factor = signed(argument)
        sign *= own
        if is_number(factor):
            coefficient = coefficient * factor.data
        elif factor.op in ("mul", "div"):
            parts = factor.args if factor.op == "mul" else factor.args[:1]
            inner_sign, inner, inner_above, inner_below = _factors(parts)
            sign, coefficient = sign * inner_sign, coefficient * inner
            above, below = above + inner_above, below + inner_below
            if factor.op == "div":
                inner_sign, inner, under, over = _factors(factor.args[1:])
                sign, above = sign * inner_sign, above + over
                if isinstance(inner, Fraction):
                    coefficient /= inner
                else:
                    below.append(number(inner))
                below += under
        else:
            above.append(factor)
    return sign, coefficient, above, below


def _cancelled(above: list[Node], below: list[Node], build: Any) -> tuple[list[Node], list[Node]]:
    """Equal factors as one power, on the side where they remain."""
    exponents: dict[Node, int] = {}
    for factors, side in ((above, 1), (below, -1)):
        for factor in factors:
            base, exponent = _base(factor)
            exponents[base] = exponents.get(base, 0) + side * exponent
    numerator = [_power(base, exponent, build) for base, exponent in exponents.items() if exponent > 0]
    denominator = [_power(base, -exponent, build) for base, exponent in exponents.items() if exponent < 0]
    return _one_root(numerator, build), _one_root(denominator, build)


def _one_root(factors: list[Node], build: Any) -> list[Node]:
    r"""\(\sqrt2 \sqrt\pi = \sqrt{2\pi}\)."""
    roots = [factor for factor in factors if factor.op == "sqrt" and _is_constant(factor)]
    if len(roots) < 2:
        return factors
    root = build("sqrt", build("mul", *(factor.args[0] for factor in roots)))
    return [root, *(factor for factor in factors if factor not in roots)]


def _is_constant(expression: Node) -> bool:
    return expression.op in ("number", "pi") or (bool(expression.args) and all(map(_is_constant, expression.args)))


def _base(factor: Node) -> tuple[Node, int]:
    if factor.op == "pow" and is_number(factor.args[1]):
        exponent = factor.args[1].data
        if isinstance(exponent, Fraction) and exponent.denominator == 1 and exponent > 0:
            return factor.args[0], int(exponent)
    return factor, 1


def _power(base: Node, exponent: int, build: Any) -> Node:
    return base if exponent == 1 else build("pow", base, number_node(exponent))


def _absolute_values(factors: list[Node], build: Any) -> list[Node]:
    """x sign(x) is |x|."""
    for factor in factors:
        if factor.op == "sign" and factor.args[0] in factors:
            rest = [other for other in factors if other not in (factor, factor.args[0])]
            return [*rest, build("abs", factor.args[0])]
    return factors


def _product(factors: list[Node]) -> Node:
    if not factors:
        return ONE
    # A power of roots may have left a number or a product behind.
    if any(factor.op in ("mul", "number", "div", "neg") for factor in factors) and len(factors) > 1:
        sign, coefficient, above, below = _factors(tuple(factors))
        inner = above[0] if len(above) == 1 else node("mul", *above) if above else ONE
        inner = node("div", inner, _product(below)) if below else inner
        return _with_coefficient(sign, coefficient, inner)
    return factors[0] if len(factors) == 1 else node("mul", *factors)


def _with_coefficient(sign: int, coefficient: Any, product: Node) -> Node:
    if coefficient < 0:
        sign, coefficient = -sign, -coefficient
    value = number(coefficient)
    if product is ONE:
        return _negative(sign, value)
    if is_number(value, 1):
        return _negative(sign, product)
    parts = product.args if product.op == "mul" else (product,)
    return _negative(sign, node("mul", value, *parts))
