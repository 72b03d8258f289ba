r"""The largest or smallest element of each window, and what is selected by it.

On a CPU reverse mode keeps one byte a window, the number of the position that was chosen, where XLA's own form searches
every window a second time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import jax.numpy as jnp
from jax import lax
from jax.extend.core import JaxprEqn
from jaxtyping import Array

from pullback.autodiff import fallback
from pullback.autodiff.kernels.max_pool import max_pool_p, place_p, select_p
from pullback.autodiff.parameters import apply, array_type, pick_selected, place_selected, windows
from pullback.autodiff.record import Table, pulled
from pullback.autodiff.rule import Derivative, Point, linear
from pullback.autodiff.rules.window_fold import Join, by_folding
from pullback.autodiff.rules.window_layout import as_image, spatial_axes, spatial_settings, spread_apart, takes_slices

FIRST = "the first of equal elements in row-major order"


def _dilated(equation: JaxprEqn) -> bool:
    return set(windows(equation).dilation) != {1}


def _by_index(equation: JaxprEqn) -> bool:
    count = math.prod(windows(equation).sizes)
    return not _dilated(equation) and takes_slices(equation, "window maximum", count)


def _extreme_and_index(equation: JaxprEqn, x: Any, sign: int) -> tuple[Array, Array]:
    apart, at = spread_apart(x if sign > 0 else lax.neg(x), equation, -math.inf)
    largest, index = max_pool_p.bind(as_image(apart, at), **spatial_settings(at))
    largest = lax.reshape(largest, array_type(equation.outvars[0]).shape)
    return (largest if sign > 0 else lax.neg(largest)), index


def _selected(equation: JaxprEqn, values: Any, index: Array) -> Array:
    """From each window the element that `index` names."""
    apart, at = spread_apart(values, equation, 0.0)
    first, last = spatial_axes(at)
    found = select_p.bind(as_image(apart, at), index, sizes=apart.shape[first:last], **spatial_settings(at))
    return lax.reshape(found, array_type(equation.outvars[0]).shape)


def _placed(equation: JaxprEqn, values: Any, index: Array) -> Array:
    """The transpose: each value where `index` says, values that meet added up."""
    at, shape = windows(equation), array_type(equation.invars[0]).shape
    apart = tuple((size - 1) * space + 1 for size, space in zip(shape, at.spacing, strict=True))
    first, last = spatial_axes(at)
    found = place_p.bind(as_image(values, at), index, sizes=apart[first:last], **spatial_settings(at))
    return lax.slice(lax.reshape(found, apart), (0,) * len(shape), apart, at.spacing)


def _first_largest(sign: int) -> Callable[[JaxprEqn], Join]:
    """The larger of two, the first where they are equal; a NaN is larger than all."""

    def join(before: Any, element: Any) -> list[Array]:
        larger = element > before if sign > 0 else element < before
        return [jnp.where(larger | (element != element), element, before)]

    return lambda equation: join


def _start(sign: int) -> Callable[[Point], Sequence[Any]]:
    return lambda point: [jnp.asarray(-sign * math.inf, point.operands[0].dtype)]


def extreme(sign: int) -> Derivative:
    """The rule of the largest element (`sign` 1) or the smallest (-1)."""
    dilated = by_folding(_first_largest(sign), _start(sign))

    def evaluate(equation: JaxprEqn, operands: Sequence[Any]) -> list[Any]:
        if _by_index(equation):
            return [_extreme_and_index(equation, operands[0], sign)[0]]
        return apply(equation, operands)

    def forward(table: Table, equation: JaxprEqn, operands: Sequence[Any], tangents: Sequence[Any]) -> list[Any]:
        if _by_index(equation):
            value, index = _extreme_and_index(equation, operands[0], sign)
            return [(value, _selected(equation, tangents[0], index))]
        outputs = tuple(apply(equation, operands))
        point = Point(equation, tuple(operands), outputs, (True,), None, table)
        return list(zip(outputs, tangent(point, tangents), strict=True))

    def tangent(point: Point, tangents: Sequence[Any]) -> Sequence[Any]:
        rule = dilated if _dilated(point.equation) else fallback.FALLBACK
        assert rule.tangent is not None
        return rule.tangent(point, tangents)

    def augmented(table: Table, equation: JaxprEqn, operands: Sequence[Any], active: Sequence[bool]) -> Any:
        if _by_index(equation):
            value, index = _extreme_and_index(equation, operands[0], sign)
            return [value], index
        return apply(equation, operands), None

    def cotangent(point: Point, cotangents: Sequence[Any]) -> Sequence[Any]:
        if point.residuals is not None:
            return [_placed(point.equation, cotangents[0], point.residuals)]
        return pulled(dilated if _dilated(point.equation) else fallback.FALLBACK, point, cotangents)

    equation = r"\bar x_j = \sum_{n : j(n) = j} \bar z_n,\ j(n) = \arg\max_i x_{n s + i - p}"
    if sign < 0:
        equation = equation.replace("max", "min")
    return Derivative(tangent, cotangent, equation, FIRST, augmented=augmented, forward=forward, evaluate=evaluate)


def _moved_by_the_first(table: Table, equation: JaxprEqn, active: Sequence[bool]) -> list[bool]:
    return [active[0]]


WINDOW_MAXIMUM = {
    "reduce_window_max": extreme(1),
    "reduce_window_min": extreme(-1),
    # Linear in what is selected, constant in what selects.
    "select_and_scatter_add": replace(
        linear(
            lambda at, ct: pick_selected(at.equation, ct, at.operands[1]),
            equation=r"\bar x_n = \bar z_{j(n)}",
            convention=FIRST,
        ),
        reaches=_moved_by_the_first,
    ),
    "select_and_gather_add": replace(
        linear(
            lambda at, ct: place_selected(at.equation, ct, at.operands[1]),
            equation=r"\bar x_j = \sum_{n : j(n) = j} \bar z_n",
            convention=FIRST,
        ),
        reaches=_moved_by_the_first,
    ),
}
