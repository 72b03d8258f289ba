r"""Numbers that a program needs before it runs, found again in it: a setting stays a symbol although it was a number.

A setting that cannot be traced (a static argument of a compiled function, the \(\epsilon\) of a primitive, a number
whose logarithm is taken in Python) is given two odd values, one after the other. The numbers of the two programs that
differ come from it; if each is a known function of it (\(\epsilon\), \(1 - \epsilon\), \(\log\gamma\), ...), these
numbers are written with its symbol, and otherwise the setting is shown as the number it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

from pullback.autodiff import inner_jaxpr
from pullback.explain.expression import ONE, Node, node, number_node
from pullback.explain.rewrite import build

# Close to the given value, so that it is allowed where that is, and like no number that a program would hold itself.
ODD_FACTORS = (1 + 1.8361724983e-5, 1 + 3.1297718243e-5)
ODD_INSTEAD_OF_ZERO = (0.0718361724983, 0.0831297718243)
LARGEST_MULTIPLE = 64

FORMS: tuple[tuple[Callable[[float], float], Callable[[Node], Node]], ...] = (
    (lambda v: v, lambda s: s),
    (lambda v: -v, lambda s: build("neg", s)),
    (lambda v: 1 - v, lambda s: build("add", ONE, build("neg", s))),
    (lambda v: v - 1, lambda s: build("add", s, number_node(-1))),
    (lambda v: 1 + v, lambda s: build("add", ONE, s)),
    (lambda v: 1 / v, lambda s: build("div", ONE, s)),
    (lambda v: 1 / (1 - v), lambda s: build("div", ONE, build("add", ONE, build("neg", s)))),
    (lambda v: v * v, lambda s: build("pow", s, number_node(2))),
    (lambda v: math.sqrt(v), lambda s: build("sqrt", s)),
    (lambda v: math.log(v), lambda s: build("log", s)),
    *((lambda v, n=n: v / n, lambda s, n=n: build("div", s, number_node(n))) for n in range(2, LARGEST_MULTIPLE + 1)),
    *((lambda v, n=n: v * n, lambda s, n=n: build("mul", number_node(n), s)) for n in range(2, LARGEST_MULTIPLE + 1)),
)


def odd_values(value: float) -> tuple[float, float]:
    """Two values that stand for the setting."""
    if value == 0:
        return ODD_INSTEAD_OF_ZERO
    return value * ODD_FACTORS[0], value * ODD_FACTORS[1]


def numbers_from_setting(
    name: str, values: tuple[float, float], programs: tuple[ClosedJaxpr, ClosedJaxpr]
) -> dict[float, Node] | None:
    """What numbers of the first program are in terms of the setting, or None if one of them is not known.

    Parameters
    ----------
    values : of the setting in the two programs.
    """
    first, second = (list(_numbers(program)) for program in programs)
    if len(first) != len(second):
        return None
    symbol = node("element", data=(name, None))
    found: dict[float, Node] = {}
    for one, other in zip(first, second, strict=True):
        if one == other or (math.isnan(one) and math.isnan(other)):
            continue
        form = next((form for form in FORMS if _is(form[0], values, (one, other))), None)
        if form is None:
            return None
        found[one] = form[1](symbol)
    return found or None


def _is(function: Callable[[float], float], values: tuple[float, float], numbers: tuple[float, float]) -> bool:
    try:
        return all(function(value) == number for value, number in zip(values, numbers, strict=True))
    except (ValueError, ZeroDivisionError):
        return False


def _numbers(program: ClosedJaxpr | Jaxpr) -> Iterator[float]:
    """Every number in a program and in those inside it."""
    jaxpr = program.jaxpr if isinstance(program, ClosedJaxpr) else program
    for value in program.consts if isinstance(program, ClosedJaxpr) else ():
        yield from np.asarray(value, np.float64).ravel().tolist()
    for equation in jaxpr.eqns:
        yield from (float(atom.val) for atom in equation.invars if isinstance(atom, Literal) and np.ndim(atom.val) == 0)
        ours = inner_jaxpr(equation)
        if ours is not None:
            yield from _numbers(ours)
            continue
        for value in equation.params.values():
            for part in value if isinstance(value, tuple | list) else (value,):
                if isinstance(part, ClosedJaxpr | Jaxpr):
                    yield from _numbers(part)
    yield from (float(atom.val) for atom in jaxpr.outvars if isinstance(atom, Literal) and np.ndim(atom.val) == 0)
