r"""Operations that choose between values, or are constant between jumps.

A choice passes the direction on to what was chosen and 0, not 0 times the direction, to the rest: an infinite or NaN
cotangent reaches only the operand that the result came from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from pullback.autodiff.rule import (
    Derivative,
    Point,
    constant,
    elementwise_maps,
    instantiate,
    number,
    scale,
    zeros_like,
)


def where(choice: Array, direction: Array, otherwise: Array | None = None) -> Array:
    """The direction where the choice holds, something else or zeros where it does not."""
    if choice.shape not in ((), direction.shape):
        choice = jnp.broadcast_to(choice, direction.shape)
    return lax.select(choice, direction, zeros_like(direction) if otherwise is None else otherwise)


def share(direction: Array, wins: Array, ties: Array) -> Array:
    """The direction where an operand wins, half of it where two tie."""
    return where(wins, direction, where(ties, scale(0.5, direction)))


def absolute(direction: Array, z: Any, x: Any) -> Array:
    r"""\(d\) for \(x \ge 0\), else \(-d\)."""
    return where(lax.ge(x, number(0, x)), direction, lax.neg(direction))


def unit(point: Point) -> Array:
    r"""\(\bar x / |x|\) of a complex number, 0 at 0."""
    (x,), (z,) = point.operands, point.outputs
    safe = lax.select(lax.eq(z, number(0, z)), lax.full_like(z, 1), z)
    return lax.div(lax.conj(x), lax.complex(safe, lax.full_like(safe, 0)))


def _is_complex(value: Any) -> bool:
    return jnp.issubdtype(jax.typeof(value).dtype, jnp.complexfloating)


REAL_ABSOLUTE = elementwise_maps(absolute)


def absolute_tangent(point: Point, tangents: Sequence[Any]) -> Sequence[Any]:
    """The tangent of |x|; of a complex number the part along it."""
    if not _is_complex(point.operands[0]):
        return REAL_ABSOLUTE.tangent(point, tangents)  # pyright: ignore[reportOptionalCall]
    return [lax.real(lax.mul(tangents[0], unit(point)))]


def absolute_cotangent(point: Point, cotangents: Sequence[Any]) -> Sequence[Any]:
    """The transpose of `absolute_tangent`."""
    if not _is_complex(point.operands[0]):
        return REAL_ABSOLUTE.cotangent(point, cotangents)  # pyright: ignore[reportOptionalCall]
    (direction,) = cotangents
    return [lax.mul(lax.complex(direction, lax.full_like(direction, 0)), unit(point))]


def select_tangent(point: Point, tangents: Sequence[Any]) -> list[Any]:
    """The same choice between the tangents."""
    cases = [instantiate(tangent, value) for tangent, value in zip(tangents[1:], point.operands[1:], strict=True)]
    return [lax.select_n(point.operands[0], *cases)]


def select_cotangent(point: Point, cotangents: Sequence[Any]) -> list[Any]:
    """To each case the cotangent where it was chosen."""
    which, (direction,) = point.operands[0], cotangents
    zeros = zeros_like(direction)
    count = len(point.operands) - 1
    found: list[Any] = [None]
    for case, wanted in enumerate(point.wanted[1:]):
        slots = [direction if place == case else zeros for place in range(count)]
        found.append(lax.select_n(which, *slots) if wanted else None)
    return found


CHOICES = {
    "max": elementwise_maps(
        lambda d, z, x, y: share(d, lax.gt(x, y), lax.eq(x, y)),
        lambda d, z, x, y: share(d, lax.gt(y, x), lax.eq(x, y)),
        equation=r"[x > y],\ [y > x]",
        convention="1/2 each at a tie, as in JAX; 0 where an operand is NaN",
    ),
    "min": elementwise_maps(
        lambda d, z, x, y: share(d, lax.lt(x, y), lax.eq(x, y)),
        lambda d, z, x, y: share(d, lax.lt(y, x), lax.eq(x, y)),
        equation=r"[x < y],\ [y < x]",
        convention="1/2 each at a tie, as in JAX; 0 where an operand is NaN",
    ),
    "clamp": elementwise_maps(
        lambda d, z, low, x, high: where(lax.bitwise_and(lax.lt(x, low), lax.lt(low, high)), d),
        lambda d, z, low, x, high: where(lax.bitwise_and(lax.gt(x, low), lax.lt(x, high)), d),
        lambda d, z, low, x, high: where(lax.gt(x, high), d),
        equation=r"[y < x < t],\ [x < y < t],\ [y > t] \quad (x \le y \le t)",
        convention="0 in all three operands at a bound, as in JAX",
    ),
    "abs": Derivative(
        absolute_tangent,
        absolute_cotangent,
        r"[x \ge 0] - [x < 0],\ \text{complex: } \Re\Big(\frac{\bar x}{|x|}\, \dot x\Big)",
        "1 at a real 0, as in JAX; 0 at a complex 0",
    ),
    "select_n": Derivative(
        select_tangent,
        select_cotangent,
        r"[i = 0],\ [i = 1],\ \dots",
        "a case that was not chosen has derivative 0, whatever its value is",
    ),
    "nextafter": elementwise_maps(
        lambda d, z, x, y: d,
        lambda d, z, x, y: zeros_like(d),
        equation=r"1,\ 0",
        convention="z moves with x and only points to y; JAX has no derivative of this function",
    ),
}

JUMPS = {
    name: constant("0 at the jumps too, as in JAX")
    for name in ("sign", "floor", "ceil", "round", "is_finite", "eq", "ne", "lt", "le", "gt", "ge")
}
COMPARISONS = {name: constant() for name in ("eq_to", "lt_to", "le_to", "not", "and", "or", "xor")}
STOPS = {
    "stop_gradient": constant("zero by definition"),
    "bitcast_convert_type": constant("bits read as another type have no derivative, as in JAX"),
}

CHOOSING: dict[str, Derivative] = {**CHOICES, **JUMPS, **COMPARISONS, **STOPS}
