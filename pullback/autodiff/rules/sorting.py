r"""Sorting and the choice of the largest: permutations of the elements, held fixed while these move.

\[ z_i = x_{\pi(i)}, \qquad \dot z_i = \dot x_{\pi(i)}, \qquad \bar x_{\pi(i)} = \bar z_i . \]

The numbers of the places are sorted along with the operands, so that \(\pi\) comes from the one sort that is done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
from jax import lax
from jax.extend.core import JaxprEqn
from jaxtyping import Array

from pullback.autodiff.parameters import apply, array_type, axis
from pullback.autodiff.rule import Derivative, Point, zeros_like


def others(rank: int, along: int) -> tuple[int, ...]:
    """All axes but one."""
    return tuple(place for place in range(rank) if place != along)


def taken(values: Array, places: Array, along: int) -> Array:
    """The elements at given places along an axis."""
    rest = others(values.ndim, along)
    numbers = lax.GatherDimensionNumbers(
        offset_dims=(),
        collapsed_slice_dims=(along,),
        start_index_map=(along,),
        operand_batching_dims=rest,
        start_indices_batching_dims=rest,
    )
    where = lax.expand_dims(places, [places.ndim])
    return lax.gather(values, where, numbers, (1,) * values.ndim, unique_indices=True, mode="promise_in_bounds")


def placed(values: Array, places: Array, along: int, like: Any) -> Array:
    """Zeros, and the values at given places along an axis: the transpose of `taken`."""
    rest = others(values.ndim, along)
    numbers = lax.ScatterDimensionNumbers(
        update_window_dims=(),
        inserted_window_dims=(along,),
        scatter_dims_to_operand_dims=(along,),
        operand_batching_dims=rest,
        scatter_indices_batching_dims=rest,
    )
    where = lax.expand_dims(places, [places.ndim])
    # No place is taken twice, and an addition has the simpler derivative.
    return lax.scatter_add(zeros_like(like), where, values, numbers, unique_indices=True, mode="promise_in_bounds")


def sorted_with_places(equation: JaxprEqn, operands: Sequence[Any]) -> tuple[list[Any], Array]:
    """The sorted operands, and for each place where its elements came from."""
    shape = array_type(equation.invars[0]).shape
    *outputs, places = apply(equation, [*operands, lax.broadcasted_iota(jnp.int32, shape, axis(equation))])
    return outputs, places


def sort_forward(table: Any, equation: JaxprEqn, operands: Sequence[Any], tangents: Sequence[Any]) -> list[Any]:
    """The sorted operands with their tangents."""
    outputs, places = sorted_with_places(equation, operands)
    along = axis(equation)
    moved = [None if tangent is None else taken(tangent, places, along) for tangent in tangents]
    return list(zip(outputs, moved, strict=True))


def sort_augmented(table: Any, equation: JaxprEqn, operands: Sequence[Any], active: Sequence[bool]) -> tuple[Any, Any]:
    """The sorted operands, and where their elements came from."""
    return sorted_with_places(equation, operands)


def sort_cotangent(point: Point, cotangents: Sequence[Any]) -> list[Any]:
    """Each cotangent back to the place that its element came from."""
    triples = zip(cotangents, point.operands, point.wanted, strict=True)
    along = axis(point.equation)
    return [
        placed(cotangent, point.residuals, along, operand) if wanted and cotangent is not None else None
        for cotangent, operand, wanted in triples
    ]


def sort_reaches(table: Mapping[str, Derivative], equation: JaxprEqn, active: Sequence[bool]) -> list[bool]:
    """Each result depends on its own operand; the order in which they stand has no derivative."""
    return list(active)


def chosen_tangent(point: Point, tangents: Sequence[Any]) -> list[Any]:
    """The tangents of the elements that were chosen."""
    return [taken(tangents[0], point.outputs[1], axis(point.equation)), None]


def chosen_cotangent(point: Point, cotangents: Sequence[Any]) -> list[Any]:
    """To the elements that were chosen their cotangents."""
    return [placed(cotangents[0], point.outputs[1], axis(point.equation), point.operands[0])]


def chosen_reaches(table: Mapping[str, Derivative], equation: JaxprEqn, active: Sequence[bool]) -> list[bool]:
    """The values, not their places."""
    return [active[0], False]


TIES = "the elements keep their derivatives in the order in which the sort left them"
LARGEST = Derivative(
    chosen_tangent,
    chosen_cotangent,
    r"\dot z_i = \dot x_{\pi(i)},\ \bar x_{\pi(i)} = \bar z_i",
    "at a tie the elements that were chosen; the places have no derivative",
    reaches=chosen_reaches,
)

SORTING: dict[str, Derivative] = {
    "sort": Derivative(
        None,
        sort_cotangent,
        r"\dot z_i = \dot x_{\pi(i)},\ \bar x_{\pi(i)} = \bar z_i",
        TIES,
        augmented=sort_augmented,
        forward=sort_forward,
        reaches=sort_reaches,
    ),
    "top_k": LARGEST,
    "approx_top_k": LARGEST,
}
