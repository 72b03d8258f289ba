"""Rules of functions of each element: every check of `testing.derivatives`, kinks, ties, complex numbers, types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from rule_cases import checked

from pullback.testing.derivatives import Case

Random = np.random.Generator


def real(*shapes: tuple[int, ...]) -> Callable[[Random], tuple[Any, ...]]:
    """Normal numbers."""
    return lambda random: tuple(random.normal(size=shape) for shape in shapes)


def between(low: float, high: float, *shapes: tuple[int, ...]) -> Callable[[Random], tuple[Any, ...]]:
    """Numbers of an interval."""
    return lambda random: tuple(random.uniform(low, high, size=shape) for shape in shapes)


def planar(*shapes: tuple[int, ...]) -> Callable[[Random], tuple[Any, ...]]:
    """Complex numbers."""
    return lambda random: tuple(random.normal(size=s) + 1j * random.normal(size=s) for s in shapes)


def apart(random: Random) -> tuple[Any, ...]:
    """Two arrays whose elements keep away from each other, and from zero."""
    x = random.normal(size=(3, 2))
    return x + np.sign(x), x + np.sign(x) + random.choice([-0.3, 0.4], size=(3, 2))


def each(*functions: Callable[..., Any]) -> Callable[..., Any]:
    """All functions of the same arguments, so that one program checks a family."""
    return lambda *args: [function(*args) for function in functions]


FAMILIES: dict[str, tuple[Callable[..., Any], ...]] = {
    "arithmetic": (lax.neg, lax.abs, lambda x: lax.abs(-x), lax.square, jax.lax.copy_p.bind, jnp.real, jnp.positive),
    "powers": (
        lax.sqrt,
        lax.rsqrt,
        lax.cbrt,
        lambda x: lax.pow(x, 2.5),
        lambda x: lax.pow(2.5, x),
        *(lambda x, n=n: lax.integer_pow(x, n) for n in (-2, 0, 1, 2, 3, 7)),
    ),
    "exponentials": (lax.exp, lax.exp2, lax.expm1, lax.log, lax.log1p, lax.logistic, lambda x: jnp.logaddexp(x, 0.0)),
    "circular": (lax.sin, lax.cos, lax.tan, lax.asin, lax.acos, lax.atan, lambda x: lax.atan2(x, 2.0)),
    "hyperbolic": (lax.sinh, lax.cosh, lax.tanh, lax.asinh, lambda x: lax.acosh(1.2 + x), lax.atanh),
    "error functions": (lax.erf, lax.erfc, lax.erf_inv),
    "flat functions": (
        lambda x: x * lax.sign(x),
        lambda x: x * lax.floor(x),
        lambda x: x * lax.ceil(x),
        lambda x: x * lax.round(x),
        lambda x: x * lax.convert_element_type(lax.is_finite(x), x.dtype),
        lambda x: x * lax.convert_element_type(lax.lt(x, 0.0), x.dtype),
    ),
    "choices": (
        lambda x: lax.max(x, 0.1),
        lambda x: lax.min(x, 0.1),
        lambda x: lax.clamp(0.1, x, 0.9),
        lambda x: lax.rem(x, 0.15),
        lambda x: lax.rem(-0.9, x),
        lambda x: lax.reduce_precision(x, 11, 52),
        lambda x: lax.convert_element_type(x, x.dtype),
    ),
}

BINARY = each(lax.add, lax.sub, lax.mul, lax.div, lax.atan2, lax.pow)
SHAPES = {
    "matrices": ((2, 3), (2, 3)),
    "a number first": ((), (2, 3)),
    "a number last": ((2, 3), ()),
    "axes of size 1": ((1, 3), (2, 1)),
    "empty": ((0, 3), (0, 3)),
}
THREE = (np.array([2, 0, 1, 2], np.int32), np.array([-2, -0.3, 0.6, 2.0]))

CASES = [
    *(Case(family, each(*functions), between(0.32, 0.43, (2, 3))) for family, functions in FAMILIES.items()),
    *(Case(f"two operands, {kind}", BINARY, between(0.5, 2, *shapes)) for kind, shapes in SHAPES.items()),
    Case("larger and smaller", each(lax.max, lax.min), apart),
    Case("larger, axes of size 1", lax.max, real((1, 3), (2, 1))),
    Case("remainder", lax.rem, lambda random: (random.uniform(2.2, 2.8, (2, 3)), random.uniform(0.9, 1.1, (2, 3)))),
    Case("clamp", lax.clamp, lambda r: (r.uniform(-1.1, -0.9, 4), THREE[1], r.uniform(0.9, 1.1, 4))),
    Case("choice of two", lax.select, lambda r: (np.array([True, False]), *real((2,), (2,))(r))),
    Case("choice by one", lax.select, lambda r: (np.array(True), *real((2,), (2,))(r))),
    Case("choice of three", lax.select_n, lambda r: (THREE[0], *real((4,), (4,), (4,))(r))),
    Case("where", jnp.where, lambda r: (np.array([[True], [False]]), *real((2, 2), (1, 2))(r))),
]

HOLOMORPHIC = each(
    *(lax.exp, lax.log, lax.log1p, lax.expm1, lax.logistic, lax.sqrt, lax.rsqrt, lax.square),
    *(lax.sin, lax.cos, lax.tan, lax.asin, lax.acos, lax.atan),
    *(lax.sinh, lax.cosh, lax.tanh, lax.asinh, lax.atanh),
    lambda x: lax.integer_pow(x, 3),
)

COMPLEX = [
    Case("holomorphic", HOLOMORPHIC, planar((2, 2))),
    Case("complex arithmetic", each(lax.mul, lax.div, lax.pow, lax.add, lax.sub), planar((2,), (2,))),
    Case("complex times number", lax.mul, planar((2, 2), ())),
    Case("parts", each(lax.real, lax.imag, lax.conj, lax.abs, jnp.angle), planar((2, 2))),
    Case("conjugate of a real number", lambda x: lax.conj(x), real((2, 2))),
    Case("from parts", each(lax.complex, lambda x, y: lax.complex(x, 2.0 * x)), real((2, 2), (2, 2))),
    Case("between real and complex", lambda x: jnp.asarray(x, complex) * (1 + 2j), real((2,))),
    Case("choice of complex numbers", jnp.where, lambda r: (np.array([True, False]), *planar((2,), (2,))(r))),
]

# The compiler takes seconds for each of these.
HEAVY = [
    Case("gamma functions", each(lax.lgamma, lax.digamma), between(0.5, 3, (3,))),
    Case("polygamma", lambda x: lax.polygamma(lax.full_like(x, 2), x), between(0.5, 3, (3,))),
    Case("Bessel functions", each(lax.bessel_i0e, lax.bessel_i1e), between(0.4, 3, (3,))),
    Case(
        "incomplete beta",
        lambda x: lax.betainc(lax.full_like(x, 0.5), lax.full_like(x, 2.2), x),
        between(0.3, 0.6, (2,)),
    ),
    Case("incomplete gamma", each(lax.igamma, lax.igammac), between(0.7, 2, (2,), (2,)), second_order=False),
]


@checked(CASES + COMPLEX)
def test_rule(case, check):
    check(case)


@checked(HEAVY)
def test_rule_of_a_special_function(case, check):
    check(case)
