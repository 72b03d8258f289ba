r"""Parts of complex numbers, and changes of number type.

These maps are linear over the real numbers only. The pairing is JAX's, \(\langle a, b \rangle = \Re \sum_i a_i b_i\)
without conjugation: the gradient of a real function of \(x = u + i v\) is \(\partial f/\partial u - i\,
\partial f/\partial v\), the conjugate of the direction of steepest ascent. A holomorphic function then has its complex
derivative, and all rules of `elementwise.py` hold as they stand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from pullback.autodiff.rule import Derivative, Point, instantiate, linear, shaped_like


def as_complex(real: Array) -> Array:
    """A real number as a complex one."""
    return lax.complex(real, lax.full_like(real, 0))


def minus_imaginary(value: Any) -> Array:
    r"""\(\Re(i c) = -\Im c\)."""
    return lax.neg(lax.imag(value))


def converted_back(point: Point, cotangent: Array) -> Array:
    """A cotangent in the number type of the operand; of a complex one for a real operand the real part."""
    dtype = jax.typeof(point.operands[0]).dtype
    if jnp.iscomplexobj(cotangent) and not jnp.issubdtype(dtype, jnp.complexfloating):
        cotangent = lax.real(cotangent)
    return lax.convert_element_type(cotangent, dtype)


def conjugated(point: Point, cotangent: Array) -> Array:
    r"""\(\bar c\), of which a real operand takes the real part."""
    return lax.conj(cotangent) if jnp.iscomplexobj(point.operands[0]) else lax.real(cotangent)


def parts_tangent(point: Point, tangents: Sequence[Any]) -> list[Any]:
    r"""\(\dot x + i \dot y\)."""
    pairs = zip(tangents, point.operands, strict=True)
    shape = point.outputs[0].shape
    return [lax.complex(*(jnp.broadcast_to(instantiate(tangent, value), shape) for tangent, value in pairs))]


def parts_cotangent(point: Point, cotangents: Sequence[Any]) -> list[Any]:
    """The real part, and minus the imaginary part."""
    (direction,) = cotangents
    found = []
    for part, operand, wanted in zip((lax.real, minus_imaginary), point.operands, point.wanted, strict=True):
        found.append(shaped_like(part(direction), operand) if wanted else None)
    return found


COMPLEX_NUMBERS: dict[str, Derivative] = {
    "real": linear(lambda at, ct: as_complex(ct), equation=r"\Re \dot x,\ \bar x = \bar z"),
    "imag": linear(
        lambda at, ct: lax.complex(lax.full_like(ct, 0), lax.neg(ct)), equation=r"\Im \dot x,\ \bar x = -i \bar z"
    ),
    "complex": Derivative(parts_tangent, parts_cotangent, r"1,\ i"),
    "conj": linear(conjugated, equation=r"\text{the conjugate of } \dot x"),
    "convert_element_type": linear(
        converted_back,
        equation="1",
        convention="0 to and from integers and booleans; from complex to real the real part",
    ),
    "reduce_precision": linear(
        lambda at, ct: at.again(ct), equation="1", convention="tangents and cotangents are rounded as values are"
    ),
    "copy": linear(lambda at, ct: ct, equation="1"),
    "name": linear(lambda at, ct: ct, equation="1"),
}
