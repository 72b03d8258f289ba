r"""Reductions over windows by any function: \(z_n = x_{i_1} \oplus x_{i_2} \oplus \dots\), step by step.

The derivative is that of this sequence of steps, by the rules of the function inside.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend.core import JaxprEqn, jaxpr_as_fun
from jaxtyping import Array

from pullback.autodiff.parameters import Windows, aval_struct, window_reduction, windows
from pullback.autodiff.push import push
from pullback.autodiff.rule import Derivative, Point
from pullback.autodiff.rules.window_layout import UNROLLED_POSITIONS
from pullback.core.errors import DerivativeError

Join = Callable[..., Sequence[Any]]


def fold(at: Windows, join: Join, operands: Sequence[Array], starts: Sequence[Array]) -> Sequence[Array]:
    """The reduction written out; what lies outside of the operands is left out."""
    borders = [(low, high, space - 1) for (low, high), space in zip(at.padding, at.spacing, strict=True)]
    padded = [lax.pad(x, start, borders) for x, start in zip(operands, starts, strict=True)]
    inside = _inside(operands[0].shape, borders)
    count = [
        (size - spacing * (length - 1) - 1) // step + 1
        for size, length, step, spacing in zip(inside.shape, at.sizes, at.strides, at.dilation, strict=True)
    ]
    total: Sequence[Array] = [jnp.broadcast_to(start, count) for start in starts]
    for position in itertools.product(*map(range, at.sizes)):
        first = [place * spacing for place, spacing in zip(position, at.dilation, strict=True)]
        last = [f + (n - 1) * s + 1 for f, n, s in zip(first, count, at.strides, strict=True)]
        seen = inside[tuple(slice(f, e, s) for f, e, s in zip(first, last, at.strides, strict=True))]
        joined = join(*total, *(lax.slice(x, first, last, at.strides) for x in padded))
        total = joined if seen.all() else [jnp.where(seen, new, old) for new, old in zip(joined, total, strict=True)]
    return total


def _inside(shape: Sequence[int], borders: Sequence[tuple[int, int, int]]) -> np.ndarray:
    """Which elements of the padded array are elements of the operand."""
    sizes = [
        low + max(size + gap * (size - 1), 0) + high for size, (low, high, gap) in zip(shape, borders, strict=True)
    ]
    inside = np.ones(sizes, bool)
    for axis, (size, (low, _, gap)) in enumerate(zip(shape, borders, strict=True)):
        places = np.arange(sizes[axis]) - low
        along = (places >= 0) & (places <= (size - 1) * (gap + 1)) & (places % (gap + 1) == 0)
        inside &= along.reshape([-1 if axis == other else 1 for other in range(len(shape))])
    return inside


def by_folding(join_of: Callable[[JaxprEqn], Join], start_of: Callable[[Point], Sequence[Any]]) -> Derivative:
    """The rule of a reduction over windows whose steps are differentiated one by one."""

    def tangent(point: Point, tangents: Sequence[Any]) -> list[Any]:
        at, join = windows(point.equation), join_of(point.equation)
        _check_unrolled(point.equation, at)
        count = len(point.outputs)
        values = [*point.operands[:count], *start_of(point)]
        directions = [*tangents, *[None] * (len(values) - len(tangents))]
        program = jax.make_jaxpr(lambda *x: fold(at, join, x[:count], x[count:]))(
            *(aval_struct(jax.typeof(value)) for value in values)
        )
        return [direction for _, direction in push(point.table, program, values, directions)]

    return Derivative(tangent, None, r"\dot z = \partial(\dots \oplus x_i \oplus \dots)\, \dot x")


def _check_unrolled(equation: JaxprEqn, at: Windows) -> None:
    if math.prod(at.sizes) > UNROLLED_POSITIONS:
        raise DerivativeError(
            f"the derivative of {equation.primitive.name} is written out position by position",
            expected=f"a window of at most {UNROLLED_POSITIONS} elements",
            got=f"a window of {at.sizes}",
            fix="reduce one axis after another, or use a sum or an undilated maximum, which have rules for any window",
        )


def _program(equation: JaxprEqn) -> Join:
    return jaxpr_as_fun(window_reduction(equation))


def _given_starts(point: Point) -> Sequence[Any]:
    return point.operands[len(point.outputs) :]


FOLD = by_folding(_program, _given_starts)
