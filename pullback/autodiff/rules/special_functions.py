r"""The error function, the gamma and beta functions, Bessel functions: each element by itself.

The derivatives are those of Abramowitz and Stegun, Handbook of Mathematical Functions (1964): 7.1.19 (error function),
6.3.1 and 6.4.1 (polygamma), 6.5.25 (incomplete gamma), 26.5 (incomplete beta), 9.6.27 (Bessel); the derivative of the
incomplete gamma function in its parameter has no closed form and is a primitive of JAX.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from jax import lax
from jaxtyping import Array

from pullback.autodiff.rule import elementwise, elementwise_maps, number, scale, times
from pullback.core.errors import DerivativeError


def gauss(x: Any) -> Array:
    r"""\(2 e^{-x^2} / \sqrt{\pi}\), the slope of the error function."""
    return scale(2 / math.sqrt(math.pi), lax.exp(lax.neg(lax.square(x))))


def gamma_density(a: Any, x: Any) -> Array:
    r"""\(x^{a-1} e^{-x} / \Gamma(a)\)."""
    logarithm = lax.mul(lax.sub(a, number(1, a)), lax.log(x))
    return lax.exp(lax.sub(lax.sub(logarithm, x), lax.lgamma(a)))


def beta_density(a: Any, b: Any, x: Any) -> Array:
    r"""\(x^{a-1} (1-x)^{b-1} / B(a, b)\)."""
    powers = lax.add(
        lax.mul(lax.sub(a, number(1, a)), lax.log(x)), lax.mul(lax.sub(b, number(1, b)), lax.log1p(lax.neg(x)))
    )
    beta = lax.sub(lax.add(lax.lgamma(a), lax.lgamma(b)), lax.lgamma(lax.add(a, b)))
    return lax.exp(lax.sub(powers, beta))


def scaled_bessel_slope(z: Any, x: Any) -> Array:
    r"""\(e^{-|x|} I_0(x) - z\,(\operatorname{sign} x + 1/x)\), and its limit \(1/2\) at 0."""
    tiny = lax.eq(x, number(0, x))
    safe = lax.select(tiny, lax.full_like(x, 1), x)
    slope = lax.sub(lax.bessel_i0e(x), lax.add(lax.mul(z, lax.sign(x)), lax.div(z, safe)))
    return lax.select(tiny, lax.full_like(x, 0.5), slope)


def unknown(function: str, operand: str) -> Callable[..., Any]:
    """The partial derivative in an operand for which there is no formula."""

    def refuse(direction: Array, *values: Any) -> Array:
        raise DerivativeError(
            f"the derivative of {function} in {operand} has no formula",
            expected=f"{operand} that does not depend on the variables",
            got=f"{operand} that does",
            fix=f"hold {operand} fixed with stop_gradient, or use differences (autodiff.numerical)",
        )

    return refuse


ERROR_FUNCTIONS = {
    "erf": elementwise(lambda z, x: gauss(x), equation=r"\frac{2}{\sqrt{\pi}} e^{-x^2}"),
    "erfc": elementwise(lambda z, x: lax.neg(gauss(x)), equation=r"-\frac{2}{\sqrt{\pi}} e^{-x^2}"),
    "erf_inv": elementwise(
        lambda z, x: scale(math.sqrt(math.pi) / 2, lax.exp(lax.square(z))),
        equation=r"\frac{\sqrt{\pi}}{2} e^{z^2}",
        convention="infinite at -1 and 1",
    ),
}

GAMMA_FUNCTIONS = {
    "lgamma": elementwise(lambda z, x: lax.digamma(x), equation=r"\psi(x)"),
    "digamma": elementwise(lambda z, x: lax.polygamma(lax.full_like(x, 1), x), equation=r"\psi^{(1)}(x)"),
    "polygamma": elementwise_maps(
        unknown("polygamma", "its order"),
        times(lambda z, n, x: lax.polygamma(lax.add(n, number(1, n)), x)),
        equation=r"\text{refused},\ \psi^{(x+1)}(y)",
    ),
    "zeta": elementwise_maps(
        unknown("zeta", "its exponent"),
        times(lambda z, s, q: lax.neg(lax.mul(s, lax.zeta(lax.add(s, number(1, s)), q)))),
        equation=r"\text{refused},\ -x\, \zeta(x + 1, y)",
        convention="JAX has no derivative of this function",
    ),
    "igamma": elementwise(
        lambda z, a, x: lax.igamma_grad_a(a, x),
        lambda z, a, x: gamma_density(a, x),
        equation=r"\frac{\partial P(x, y)}{\partial x},\ \frac{y^{x-1} e^{-y}}{\Gamma(x)}",
        convention="NaN in y at x = 1, y = 0",
    ),
    "igammac": elementwise(
        lambda z, a, x: lax.neg(lax.igamma_grad_a(a, x)),
        lambda z, a, x: lax.neg(gamma_density(a, x)),
        equation=r"-\frac{\partial P(x, y)}{\partial x},\ -\frac{y^{x-1} e^{-y}}{\Gamma(x)}",
    ),
    "igamma_grad_a": elementwise_maps(
        unknown("the incomplete gamma function, a second time,", "its parameter"),
        times(lambda z, a, x: lax.mul(gamma_density(a, x), lax.sub(lax.log(x), lax.digamma(a)))),
        equation=r"\text{refused},\ \frac{y^{x-1} e^{-y}}{\Gamma(x)} (\ln y - \psi(x))",
        convention="JAX has no derivative of this function",
    ),
    "regularized_incomplete_beta": elementwise_maps(
        unknown("the incomplete beta function", "its first parameter"),
        unknown("the incomplete beta function", "its second parameter"),
        times(lambda z, a, b, x: beta_density(a, b, x)),
        equation=r"\text{refused},\ \text{refused},\ \frac{t^{x-1} (1 - t)^{y-1}}{B(x, y)}",
    ),
}

BESSEL_FUNCTIONS = {
    "bessel_i0e": elementwise(
        lambda z, x: lax.sub(lax.bessel_i1e(x), lax.mul(lax.sign(x), z)),
        equation=r"e^{-|x|} I_1(x) - z \operatorname{sign} x",
        convention="0 at 0, the mean of the slopes on both sides",
    ),
    "bessel_i1e": elementwise(
        lambda z, x: scaled_bessel_slope(z, x),
        equation=r"e^{-|x|} I_0(x) - z \left(\operatorname{sign} x + \frac{1}{x}\right)",
        convention="1/2 at 0",
    ),
}

SPECIAL_FUNCTIONS = {**ERROR_FUNCTIONS, **GAMMA_FUNCTIONS, **BESSEL_FUNCTIONS}
