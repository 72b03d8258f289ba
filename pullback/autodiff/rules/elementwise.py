r"""Arithmetic, powers, exponentials, trigonometric and hyperbolic functions, each element by itself.

In each line \(z = f(x, y)\), and \(d\) is a direction: of an operand in forward mode, of the result in reverse mode.
All are holomorphic, and hold for complex numbers as they stand. What is computed on the way forward (\(z\)) is used
again rather than computed again. Outside the domain of \(f\) and at its poles a derivative is what its formula gives.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from pullback.autodiff.parameters import exponent, multiply
from pullback.autodiff.rule import (
    Derivative,
    Point,
    add,
    elementwise,
    elementwise_maps,
    multilinear,
    number,
    scale,
    shaped_like,
    stretched,
)


def product_by(position: int) -> Any:
    """The transpose of a product in one factor: times the factor at `position`."""

    def transpose(point: Point, cotangent: Array) -> Array:
        own = point.operands[1 - position]
        dtype = jax.typeof(own).dtype
        return shaped_like(multiply(point.equation, cotangent, point.operands[position], dtype), own)

    return transpose


def quotient_tangent(point: Point, tangents: Sequence[Any]) -> list[Any]:
    r"""\((\dot x - z\, \dot y) / y\), one division for both."""
    (_, y), (z,), (dx, dy) = point.operands, point.outputs, tangents
    change = None if dy is None else lax.neg(lax.mul(z, dy))
    return [lax.div(add(stretched(dx, z), change), y)]


def quotient_cotangent(point: Point, cotangents: Sequence[Any]) -> list[Any]:
    r"""\(\bar z / y\), and \(-z\) times it; for a divisor that is repeated, the sum over its copies is divided."""
    (x, y), (z,), (direction,) = point.operands, point.outputs, cotangents
    first = lax.div(direction, y)
    second = None
    if point.wanted[1]:
        repeated = jax.typeof(y).shape != z.shape
        second = lax.div(shaped_like(lax.mul(direction, z), y), y) if repeated else lax.mul(first, z)
    return [shaped_like(first, x) if point.wanted[0] else None, None if second is None else lax.neg(second)]


def integer_power(point: Point, directions: Sequence[Any]) -> list[Any]:
    r"""\(n\, x^{n-1}\, d\) for a number \(n\) that the program names; as any diagonal map its own transpose."""
    (x,), (direction,), n = point.operands, directions, exponent(point.equation)
    if n == 0:
        return [None]
    if n == 1:
        return [direction]
    return [scale(n, lax.mul(direction, x if n == 2 else lax.integer_pow(x, n - 1)))]


def power_in_base(z: Any, x: Any, y: Any) -> Array:
    r"""\(y\, x^{y-1}\); for integer exponents also at \(x = y = 0\), where it is 0."""
    if jnp.issubdtype(jax.typeof(y).dtype, jnp.inexact):
        return lax.mul(y, lax.pow(x, lax.sub(y, number(1, y))))
    constant = lax.eq(y, number(0, y))
    below = lax.sub(y, lax.convert_element_type(lax.bitwise_not(constant), jax.typeof(y).dtype))
    # With the exponent 0 in place of -1 the power is 1, and the factor in front makes the derivative 0.
    return lax.mul(lax.convert_element_type(y, jax.typeof(z).dtype), lax.pow(x, below))


def power_in_exponent(z: Any, x: Any, y: Any) -> Array:
    r"""\(z \ln x\); the logarithm is left out at \(x = 0\)."""
    return lax.mul(z, lax.log(lax.select(lax.eq(x, number(0, x)), lax.full_like(x, 1), x)))


def remainder_in_divisor(z: Any, x: Any, y: Any) -> Array:
    r"""\(-\lfloor x / y \rfloor\) towards zero: \(z = x - n y\) gives the whole number \(n\) back."""
    return lax.round(lax.div(lax.sub(z, x), y), lax.RoundingMethod.TO_NEAREST_EVEN)


def one_plus(value: Any) -> Array:
    """1 + v."""
    return lax.add(value, number(1, value))


def one_minus(value: Any) -> Array:
    """1 - v."""
    return lax.sub(number(1, value), value)


def one_minus_square(x: Any) -> Array:
    r"""\((1 - x)(1 + x)\), which keeps its digits where \(x^2\) is near 1."""
    return lax.mul(one_minus(x), one_plus(x))


def reciprocal_root(x: Any) -> Array:
    r"""\(1 / \sqrt{x^2 - 1}\) as two roots: on the complex plane one root of the product has the wrong sign."""
    return lax.mul(lax.rsqrt(lax.sub(x, number(1, x))), lax.rsqrt(one_plus(x)))


def over_squares(x: Any, y: Any) -> Array:
    r"""\(x^2 + y^2\)."""
    return lax.add(lax.square(x), lax.square(y))


ARITHMETIC = {
    "add": elementwise(lambda z, x, y: 1, lambda z, x, y: 1, equation=r"1,\ 1"),
    "add_any": elementwise(lambda z, x, y: 1, lambda z, x, y: 1, equation=r"1,\ 1"),
    "sub": elementwise(lambda z, x, y: 1, lambda z, x, y: -1, equation=r"1,\ -1"),
    "neg": elementwise(lambda z, x: -1, equation="-1"),
    "mul": multilinear(product_by(1), product_by(0), equation=r"y,\ x"),
    "div": Derivative(quotient_tangent, quotient_cotangent, r"\frac{1}{y},\ -\frac{z}{y}"),
    "rem": elementwise(
        lambda z, x, y: 1,
        remainder_in_divisor,
        equation=r"1,\ -\operatorname{trunc} \frac{x}{y}",
        convention="at the jumps, where x is a multiple of y, the derivative of the branch that z lies on",
    ),
}

POWERS = {
    "square": elementwise_maps(lambda d, z, x: scale(2, lax.mul(d, x)), equation="2x"),
    "integer_pow": Derivative(integer_power, integer_power, r"n\, x^{n-1}", "0 for n = 0, everywhere"),
    "pow": elementwise(
        power_in_base,
        power_in_exponent,
        equation=r"y\, x^{y-1},\ z \ln x",
        convention=(
            "in x at x = y = 0: 0 for integer y, NaN for real y; in y at x = 0: 0, and for negative x the NaN of the "
            "logarithm"
        ),
    ),
    "sqrt": elementwise_maps(
        lambda d, z, x: lax.div(scale(0.5, d), z),
        equation=r"\frac{1}{2z}",
        convention="infinite at 0, NaN in a direction 0",
    ),
    "rsqrt": elementwise(
        lambda z, x: lax.mul(lax.mul(z, number(-0.5, z)), lax.mul(z, z)), equation=r"-\frac{1}{2} z^3"
    ),
    "cbrt": elementwise_maps(
        lambda d, z, x: lax.div(d, scale(3, lax.mul(z, z))),
        equation=r"\frac{1}{3 z^2}",
        convention="infinite at 0, NaN in a direction 0",
    ),
}

EXPONENTIALS = {
    "exp": elementwise(lambda z, x: z, equation="z"),
    "exp2": elementwise(lambda z, x: scale(math.log(2), z), equation=r"z \ln 2"),
    "expm1": elementwise(lambda z, x: one_plus(z), equation="z + 1"),
    "log": elementwise_maps(lambda d, z, x: lax.div(d, x), equation=r"\frac{1}{x}"),
    "log1p": elementwise_maps(lambda d, z, x: lax.div(d, one_plus(x)), equation=r"\frac{1}{1 + x}"),
    "logistic": elementwise(lambda z, x: lax.mul(z, one_minus(z)), equation=r"z\,(1 - z)"),
}

CIRCULAR = {
    "sin": elementwise(lambda z, x: lax.cos(x), equation=r"\cos x"),
    "cos": elementwise(lambda z, x: lax.neg(lax.sin(x)), equation=r"-\sin x"),
    "tan": elementwise(lambda z, x: one_plus(lax.mul(z, z)), equation="1 + z^2"),
    "asin": elementwise(lambda z, x: lax.rsqrt(one_minus_square(x)), equation=r"\frac{1}{\sqrt{1 - x^2}}"),
    "acos": elementwise(lambda z, x: lax.neg(lax.rsqrt(one_minus_square(x))), equation=r"-\frac{1}{\sqrt{1 - x^2}}"),
    "atan": elementwise_maps(lambda d, z, x: lax.div(d, one_plus(lax.mul(x, x))), equation=r"\frac{1}{1 + x^2}"),
    "atan2": elementwise(
        lambda z, x, y: lax.div(y, over_squares(x, y)),
        lambda z, x, y: lax.neg(lax.div(x, over_squares(x, y))),
        equation=r"\frac{y}{x^2 + y^2},\ -\frac{x}{x^2 + y^2}",
        convention="NaN at the origin",
    ),
}

HYPERBOLIC = {
    "sinh": elementwise(lambda z, x: lax.cosh(x), equation=r"\cosh x"),
    "cosh": elementwise(lambda z, x: lax.sinh(x), equation=r"\sinh x"),
    "tanh": elementwise(lambda z, x: one_minus(lax.mul(z, z)), equation=r"1 - z^2"),
    "asinh": elementwise(lambda z, x: lax.rsqrt(one_plus(lax.mul(x, x))), equation=r"\frac{1}{\sqrt{1 + x^2}}"),
    "acosh": elementwise(
        lambda z, x: reciprocal_root(x),
        equation=r"\frac{1}{\sqrt{x - 1} \sqrt{x + 1}}",
        convention="for complex x with negative real part the sign of the principal branch, where JAX has the other",
    ),
    "atanh": elementwise_maps(lambda d, z, x: lax.div(d, one_minus_square(x)), equation=r"\frac{1}{1 - x^2}"),
}

ELEMENTWISE: dict[str, Derivative] = {**ARITHMETIC, **POWERS, **EXPONENTIALS, **CIRCULAR, **HYPERBOLIC}
