r"""Reductions over axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from pullback.autodiff.parameters import axes
from pullback.autodiff.rule import Derivative, Point, constant, linear


def spread(point: Point, cotangent: Any) -> Array:
    r"""The transpose of a sum: each term receives the cotangent of the sum."""
    shape = point.operands[0].shape
    kept = [position for position in range(len(shape)) if position not in axes(point.equation)]
    return lax.broadcast_in_dim(cotangent, shape, kept)


def attained(point: Point) -> tuple[Array, Array]:
    """1 where an element is the extremum and 0 elsewhere, and the number of such elements."""
    (x,), (z,) = point.operands, point.outputs
    # As numbers, not as a choice: where an element is NaN none is attained, and 0/0 carries the NaN on.
    hits = lax.convert_element_type(lax.eq(x, spread(point, z)), jax.typeof(x).dtype)
    return hits, lax.reduce_sum(hits, axes(point.equation))


def extremum_tangent(point: Point, tangents: Sequence[Any]) -> list[Any]:
    """The mean of the tangents of the elements that attain it."""
    hits, count = attained(point)
    return [lax.div(lax.reduce_sum(lax.mul(tangents[0], hits), axes(point.equation)), count)]


def extremum_cotangent(point: Point, cotangents: Sequence[Any]) -> list[Any]:
    """To each element that attains it an equal share."""
    hits, count = attained(point)
    return [lax.mul(spread(point, lax.div(cotangents[0], count)), hits)]


def products_of_others(factors: Array) -> Array:
    r"""\(\prod_{j \ne i} x_j\) along the first axis, by products of pairs, of pairs of pairs, and so on.

    No factor is divided by, so that zeros are nothing special, for derivatives of this function neither.
    """
    count = factors.shape[0]
    if count == 1:
        return jnp.ones_like(factors)
    half = count // 2
    left, right, rest = factors[:half], factors[half : 2 * half], factors[2 * half :]
    if count == 2:
        return lax.concatenate([right, left], 0)
    outer = products_of_others(lax.concatenate([lax.mul(left, right), rest], 0))
    around = outer[:half]
    return lax.concatenate([lax.mul(right, around), lax.mul(left, around), outer[half:]], 0)


def other_factors(point: Point) -> Array:
    """For each element the product of the others that are reduced with it."""
    x, reduced = point.operands[0], axes(point.equation)
    kept = [axis for axis in range(x.ndim) if axis not in reduced]
    order = (*reduced, *kept)
    front = lax.transpose(x, order)
    count = math.prod(front.shape[: len(reduced)])
    if x.size == 0:
        return jnp.ones_like(x)
    found = products_of_others(lax.reshape(front, (count, *front.shape[len(reduced) :])))
    back = [order.index(axis) for axis in range(x.ndim)]
    return lax.transpose(lax.reshape(found, front.shape), back)


def product_tangent(point: Point, tangents: Sequence[Any]) -> list[Any]:
    """Each tangent times the other factors, added up."""
    return [lax.reduce_sum(lax.mul(tangents[0], other_factors(point)), axes(point.equation))]


def product_cotangent(point: Point, cotangents: Sequence[Any]) -> list[Any]:
    """To each factor the cotangent times the other factors."""
    return [lax.mul(spread(point, cotangents[0]), other_factors(point))]


def extremum(name: str) -> Derivative:
    """The rule of the largest or the smallest element."""
    equation = rf"\frac{{[x_i = z]}}{{\#\{{j : x_j = z\}}}} \quad (z = \{name}_j x_j)"
    return Derivative(
        extremum_tangent, extremum_cotangent, equation, "equal shares at a tie, as in JAX; NaN where an element is NaN"
    )


REDUCTIONS: dict[str, Derivative] = {
    "reduce_sum": linear(spread, equation=r"\bar x_i = \bar z"),
    "reduce_prod": Derivative(
        product_tangent, product_cotangent, r"\prod_{j \ne i} x_j", "exact where factors are zero, of any order"
    ),
    "reduce_max": extremum("max"),
    "reduce_min": extremum("min"),
    **{name: constant("a place has no derivative") for name in ("argmax", "argmin")},
    **{name: constant() for name in ("reduce_and", "reduce_or", "reduce_xor")},
}
