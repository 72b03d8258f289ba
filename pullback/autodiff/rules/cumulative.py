r"""Running sums, products, extrema and sums of exponentials along an axis.

But for the sum each is a linear recurrence in its tangents, and the way back is the recurrence from the other end:

\[ \dot z_i = a_i\, \dot z_{i-1} + b_i\, \dot x_i, \qquad s_i = \bar z_i + a_{i+1}\, s_{i+1}, \quad
   \bar x_i = b_i\, s_i . \]

Such a recurrence is a scan over pairs \((a, b)\) under \((a, b) \circ (a', b') = (a a', a' b + b')\), which is
associative (Blelloch, Prefix sums and their applications, 1990): of depth \(\log n\), and without a division.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend.core import JaxprEqn
from jaxtyping import Array

from pullback.autodiff.parameters import apply, axis, runs_backward
from pullback.autodiff.platform import PLAIN, form
from pullback.autodiff.rule import Derivative, Point, linear, number, zeros_like

Coefficients = Callable[[Point], tuple[Array, Array]]


def recurrence(decay: Array, terms: Array, along: int, backward: bool) -> Array:
    r"""\(h_i = a_i h_{i-1} + b_i\), or with \(h_{i+1}\)."""

    def joined(first: tuple[Array, Array], second: tuple[Array, Array]) -> tuple[Array, Array]:
        return lax.mul(first[0], second[0]), lax.add(lax.mul(second[0], first[1]), second[1])

    return lax.associative_scan(joined, (decay, terms), reverse=backward, axis=along)[1]


@jax.custom_jvp
def log_add(left: Any, right: Any) -> Array:
    r"""\(\ln(e^x + e^y)\)."""
    return jnp.logaddexp(left, right)


@log_add.defjvp
def _log_add_tangent(primals: tuple[Any, Any], tangents: tuple[Any, Any]) -> tuple[Array, Array]:
    total = log_add(*primals)
    safe = finite(total)
    left, right = (lax.mul(lax.exp(lax.sub(x, safe)), t) for x, t in zip(primals, tangents, strict=True))
    return total, lax.add(left, right)


def finite(logarithm: Any) -> Array:
    """A logarithm that may stand in a difference: 0 in place of that of an empty sum."""
    return lax.select(lax.eq(logarithm, number(-np.inf, logarithm)), zeros_like(logarithm), logarithm)


def joined_by(join: Callable[[Any, Any], Array]) -> Callable[[JaxprEqn, Sequence[Any]], list[Any]]:
    """The operation as it is, or as a tree of joins, which has the same derivatives of every order."""

    def evaluate(equation: JaxprEqn, operands: Sequence[Any]) -> list[Any]:
        if form("running") == PLAIN:
            return apply(equation, operands)
        backward, along = runs_backward(equation), axis(equation)
        return [lax.associative_scan(join, operands[0], reverse=backward, axis=along)]

    return evaluate


def before(values: Array, along: int, backward: bool, first: float) -> Array:
    """For each place the value one step before it in the order of the operation."""
    edges = [(0, 0, 0)] * values.ndim
    edges[along] = (-1, 1, 0) if backward else (1, -1, 0)
    return lax.pad(values, number(first, values), edges)


def product_coefficients(point: Point) -> tuple[Array, Array]:
    r"""\(z_i = x_i z_{i-1}\)."""
    (x,), (z,), setting = point.operands, point.outputs, point.equation
    return x, before(z, axis(setting), runs_backward(setting), 1)


def exponential_coefficients(point: Point) -> tuple[Array, Array]:
    r"""\(e^{z_i} = e^{z_{i-1}} + e^{x_i}\), divided by \(e^{z_i}\)."""
    (x,), (z,), setting = point.operands, point.outputs, point.equation
    safe = finite(z)
    previous = before(z, axis(setting), runs_backward(setting), -np.inf)
    return lax.exp(lax.sub(previous, safe)), lax.exp(lax.sub(x, safe))


def extremum_coefficients(point: Point) -> tuple[Array, Array]:
    """Whether a place continues the run of one extremum, and whether its element attains it."""
    (x,), (z,), setting = point.operands, point.outputs, point.equation
    along, backward, dtype = axis(setting), runs_backward(setting), jax.typeof(x).dtype
    # No value lies before the first place: it starts a run, whatever the number is that stands for it.
    inside = before(lax.full_like(z, 1), along, backward, 0)
    same = lax.convert_element_type(lax.eq(z, before(z, along, backward, 0)), dtype)
    return lax.mul(same, inside), lax.convert_element_type(lax.eq(x, z), dtype)


def forward(point: Point, decay: Array, factors: Array, direction: Array) -> Array:
    r"""\(\dot z_i = a_i \dot z_{i-1} + b_i \dot x_i\)."""
    return recurrence(decay, lax.mul(factors, direction), axis(point.equation), runs_backward(point.equation))


def back(point: Point, decay: Array, factors: Array, direction: Array) -> Array:
    r"""\(\bar x_i = b_i s_i\) with \(s_i = \bar z_i + a_{i+1} s_{i+1}\)."""
    along, backward = axis(point.equation), runs_backward(point.equation)
    following = before(decay, along, not backward, 0)
    return lax.mul(factors, recurrence(following, direction, along, not backward))


def recurrent(
    coefficients: Coefficients, join: Callable[[Any, Any], Array], equation: str, convention: str = ""
) -> Derivative:
    """The rule of an operation that is a recurrence in its tangents."""
    return Derivative(
        lambda point, tangents: [forward(point, *coefficients(point), tangents[0])],
        lambda point, cotangents: [back(point, *coefficients(point), cotangents[0])],
        equation,
        convention,
        evaluate=joined_by(join),
    )


def attained(point: Point, decay: Array, hits: Array) -> Array:
    """How many elements so far attain the extremum; 1 where it is NaN, which none attains."""
    counted = recurrence(decay, hits, axis(point.equation), runs_backward(point.equation))
    return lax.max(counted, number(1, counted))


def extremum_tangent(point: Point, tangents: Sequence[Any]) -> list[Any]:
    """The mean of the tangents of the elements that attain the extremum so far."""
    found = extremum_coefficients(point)
    return [lax.div(forward(point, *found, tangents[0]), attained(point, *found))]


def extremum_cotangent(point: Point, cotangents: Sequence[Any]) -> list[Any]:
    """To each element that attains the extremum so far an equal share."""
    found = extremum_coefficients(point)
    return [back(point, *found, lax.div(cotangents[0], attained(point, *found)))]


def extremum(name: str) -> Derivative:
    """The rule of the running maximum or minimum."""
    equation = rf"\frac{{[j \le i][x_j = z_i]}}{{\#\{{k \le i : x_k = z_i\}}}} \quad (z_i = \{name}_{{j \le i}} x_j)"
    convention = (
        "equal shares at a tie, as of the extremum of the elements so far (JAX's shares depend on the order in "
        "which its scan joins them); 0 from a NaN element on"
    )
    return Derivative(extremum_tangent, extremum_cotangent, equation, convention)


def added_up(point: Point, cotangent: Array) -> Array:
    """The transpose of a running sum: the running sum from the other end."""
    return lax.cumsum(cotangent, axis(point.equation), reverse=not runs_backward(point.equation))


CUMULATIVE: dict[str, Derivative] = {
    "cumsum": linear(added_up, equation=r"\bar x_j = \sum_{i \ge j} \bar z_i"),
    "cumprod": recurrent(
        product_coefficients,
        lax.mul,
        r"\dot z_i = x_i\, \dot z_{i-1} + z_{i-1}\, \dot x_i",
        "exact where elements are zero",
    ),
    "cumlogsumexp": recurrent(
        exponential_coefficients,
        log_add,
        r"\dot z_i = e^{z_{i-1} - z_i}\, \dot z_{i-1} + e^{x_i - z_i}\, \dot x_i",
        "0 where a sum is empty so far, that is where z is minus infinity (NaN in JAX); NaN at plus infinity",
    ),
    "cummax": extremum("max"),
    "cummin": extremum("min"),
}
