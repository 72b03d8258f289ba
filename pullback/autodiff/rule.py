r"""What a rule of differentiation is, and the forms in which the tables of `rules` write one.

For an operation \(y = f(x_1, \dots, x_n)\) a rule holds two maps, both linear in what they carry:

\[ \dot y = \sum_i \partial_i f(x)\, \dot x_i, \qquad \bar x_i = (\partial_i f(x))^\top\, \bar y. \]

The first pushes tangents forward, the second pulls cotangents back. A tangent or cotangent that is known to be zero is
`None`. Most operations need one line: an elementwise function names its partial derivatives, a linear one its
transpose, and both maps follow. A rule that names only its tangent map is transposed by the program (`record.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend.core import JaxprEqn
from jaxtyping import Array

from pullback.autodiff.parameters import apply


@dataclass(frozen=True)
class Point:
    """An operation where it is differentiated.

    Parameters
    ----------
    equation : the operation with its settings; `parameters.py` reads them.
    operands, outputs : values there.
    wanted : for each operand, whether its derivative is asked for.
    residuals : what the rule's own `augmented` kept for the way back.
    table : all rules, for an operation with programs inside.
    """

    equation: JaxprEqn
    operands: tuple[Any, ...]
    outputs: tuple[Any, ...]
    wanted: tuple[bool, ...]
    residuals: Any
    table: Mapping[str, Derivative]

    def again(self, *operands: Any) -> Any:
        """The same operation on other operands; its only result, or all of them."""
        outputs = apply(self.equation, operands)
        return outputs if self.equation.primitive.multiple_results else outputs[0]


Tangent = Callable[[Point, Sequence[Any]], Sequence[Any]]
Cotangent = Callable[[Point, Sequence[Any]], Sequence[Any]]


@dataclass(frozen=True)
class Derivative:
    r"""The rule of one operation.

    Parameters
    ----------
    tangent : `(point, tangents of operands) -> tangents of outputs`.
    cotangent : `(point, cotangents of outputs) -> cotangents of operands`; without it the tangent map is transposed.
    equation : the derivative in LaTeX, in the operation's operands \(x, y\) and its result \(z\).
    convention : what holds where the operation has no derivative.
    augmented : `(table, equation, operands, wanted) -> (outputs, residuals)`, the evaluation in reverse mode.
    forward : `(table, equation, operands, tangents) -> (output, tangent) pairs`, where both come from one loop.
    evaluate : `(equation, operands) -> outputs`, a form that is faster than the primitive; see `platform.py`.
    reaches : `(table, equation, active operands) -> active outputs` where not every output depends on every operand.
    """

    tangent: Tangent | None = None
    cotangent: Cotangent | None = None
    equation: str = ""
    convention: str = ""
    augmented: Callable[..., tuple[Sequence[Any], Any]] | None = None
    forward: Callable[..., list[tuple[Any, Any]]] | None = None
    evaluate: Callable[[JaxprEqn, Sequence[Any]], Sequence[Any]] | None = None
    reaches: Callable[..., Sequence[bool]] | None = None


def add(left: Any, right: Any) -> Any:
    """The sum of two tangents or cotangents, of which `None` is zero."""
    if left is None:
        return right
    return left if right is None else lax.add(left, right)


def zeros_like(value: Any) -> Array:
    """Zeros in the shape and type of a value."""
    aval = jax.typeof(value)
    return jnp.zeros(aval.shape, aval.dtype)


def instantiate(cotangent: Any, like: Any) -> Array:
    """A cotangent in full, where `None` would not do."""
    return zeros_like(like) if cotangent is None else cotangent


def number(value: complex, like: Any) -> np.ndarray:
    """A number in the type of an array; every operation repeats it to the array's shape."""
    return np.asarray(value, jax.typeof(like).dtype)


def scale(partial: Any, direction: Array) -> Array:
    """A direction times a partial derivative; the numbers 1 and -1 cost nothing."""
    if isinstance(partial, int | float):
        if partial == 1:
            return direction
        return lax.neg(direction) if partial == -1 else lax.mul(direction, number(partial, direction))
    return lax.mul(direction, partial)


def shaped_like(cotangent: Array, operand: Any) -> Array:
    """The cotangent of an operand that was repeated to the shape of the result, as a scalar or along axes of size 1."""
    shape = jax.typeof(operand).shape
    if cotangent.shape == shape:
        return cotangent
    missing = cotangent.ndim - len(shape)
    full = (*(1,) * missing, *shape)
    repeated = tuple(
        axis
        for axis, (size, own) in enumerate(zip(cotangent.shape, full, strict=True))
        if axis < missing or size != own
    )
    return lax.reshape(lax.reduce_sum(cotangent, repeated), shape)


def elementwise(*partials: Callable[..., Any], equation: str = "", convention: str = "") -> Derivative:
    r"""An operation on each element by itself; one function `(z, x, y, ...) -> \partial z / \partial x_i` an operand.

    Examples
    --------
    >>> sine = elementwise(lambda z, x: lax.cos(x), equation=r"\\cos x")
    >>> sine.equation
    '\\\\cos x'
    """
    return elementwise_maps(*map(times, partials), equation=equation, convention=convention)


def times(partial: Callable[..., Any]) -> Callable[..., Array]:
    r"""The map \(d \mapsto \partial_i f \cdot d\) of a partial derivative that is written as a factor."""
    return lambda direction, *values: scale(partial(*values), direction)


def elementwise_maps(*maps: Callable[..., Array], equation: str = "", convention: str = "") -> Derivative:
    r"""As `elementwise`, by functions `(d, z, x, y, ...) -> \partial z / \partial x_i \cdot d`.

    For a derivative that is cheaper, or safer at infinities, as a map than as a factor: a division, a choice. Each is
    its own transpose, so the same map serves both modes.
    """

    def tangent(point: Point, tangents: Sequence[Any]) -> list[Any]:
        total = None
        for along, direction in zip(maps, tangents, strict=True):
            if direction is not None:
                full = stretched(direction, point.outputs[0])
                total = add(total, along(full, point.outputs[0], *point.operands))
        return [total]

    def cotangent(point: Point, cotangents: Sequence[Any]) -> list[Any]:
        (direction,) = cotangents
        return [
            shaped_like(along(direction, point.outputs[0], *point.operands), operand) if wanted else None
            for along, operand, wanted in zip(maps, point.operands, point.wanted, strict=True)
        ]

    return Derivative(tangent, cotangent, equation, convention)


def stretched(direction: Any, output: Any) -> Any:
    """The direction of an operand that is repeated, in the shape of the result."""
    if direction is None or direction.shape == output.shape:
        return direction
    return jnp.broadcast_to(direction, output.shape)


def linear(
    transpose: Callable[[Point, Array], Array], *, operand: int = 0, equation: str = "", convention: str = ""
) -> Derivative:
    r"""An operation that is linear in one operand: \(\dot z = f(\dot x)\) and \(\bar x = f^\top(\bar z)\)."""

    def tangent(point: Point, tangents: Sequence[Any]) -> list[Any]:
        operands = list(point.operands)
        operands[operand] = tangents[operand]
        return [point.again(*operands)]

    def cotangent(point: Point, cotangents: Sequence[Any]) -> list[Any]:
        result: list[Any] = [None] * len(point.operands)
        result[operand] = transpose(point, cotangents[0])
        return result

    return Derivative(tangent, cotangent, equation, convention)


def multilinear(*transposes: Callable[[Point, Array], Array], equation: str = "") -> Derivative:
    r"""Linear in each of several operands: \(\dot z = \sum_i f(\dots, \dot x_i, \dots)\), a transpose for each."""

    def tangent(point: Point, tangents: Sequence[Any]) -> list[Any]:
        total = None
        for position, direction in enumerate(tangents):
            if direction is not None:
                operands = list(point.operands)
                operands[position] = direction
                total = add(total, point.again(*operands))
        return [total]

    def cotangent(point: Point, cotangents: Sequence[Any]) -> list[Any]:
        return [
            transpose(point, cotangents[0]) if wanted else None
            for transpose, wanted in zip(transposes, point.wanted, strict=True)
        ]

    return Derivative(tangent, cotangent, equation)


def tangent_only(tangent: Tangent, *, equation: str = "", convention: str = "") -> Derivative:
    """A rule whose way back is the transpose of its tangent map, found by the program."""
    return Derivative(tangent, None, equation, convention)


def constant(convention: str = "") -> Derivative:
    """An operation through which nothing is differentiated: its derivative is zero wherever it has one."""

    def reaches(table: Mapping[str, Derivative], equation: JaxprEqn, active: Sequence[bool]) -> list[bool]:
        return [False] * len(equation.outvars)

    return Derivative(lambda point, tangents: [None] * len(point.outputs), None, "0", convention, reaches=reaches)
