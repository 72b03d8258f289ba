r"""Reductions over axes."""

from __future__ import annotations

from jax import lax
from jaxtyping import Array

from pullback.autodiff.parameters import axes
from pullback.autodiff.rule import Point, linear


def spread(point: Point, cotangent: Array) -> Array:
    r"""The transpose of a sum: each term receives the cotangent of the sum."""
    shape = point.operands[0].shape
    kept = [position for position in range(len(shape)) if position not in axes(point.equation)]
    return lax.broadcast_in_dim(cotangent, shape, kept)


REDUCTIONS = {
    "reduce_sum": linear(spread, equation=r"\bar x_i = \bar z"),
}
