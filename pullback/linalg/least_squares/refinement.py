r"""Iterative refinement of least squares: residuals in twice the working precision.

The solution and its residual together solve

$$ \begin{pmatrix} I & A \\ A^\top W & 0 \end{pmatrix} \begin{pmatrix} r \\ x \end{pmatrix} =
   \begin{pmatrix} b \\ 0 \end{pmatrix} . $$

What is left of both equations, computed without cancellation, is solved for a correction with the factors that are
there already. The error falls by about the condition number times the rounding each time, until `x` and `r` are as
exact as the working precision can hold, even where $\kappa^2 \lVert r \rVert$ has eaten the digits of every direct
solution.

Björck, "Iterative refinement of linear least squares solutions I", BIT 7 (1967).
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Float

from pullback.linalg.least_squares.exact_product import (
    Pair,
    Pieces,
    add,
    bits_of_a_piece,
    cut,
    subtract_product,
    subtract_transposed_product,
    two_sum,
)
from pullback.linalg.least_squares.factored import column_lengths

MOST_STEPS = 10


class Refined(NamedTuple):
    """Solution (p, k), residual (n, k) without weights, and the number of corrections."""

    x: Array
    residual: Array
    steps: Array


class _State(NamedTuple):
    x: Array
    residual: Array
    change: Array
    steps: Array
    going_on: Array


@jax.jit
def refine(
    A: Float[Array, "n p"], b: Float[Array, "n k"], x: Float[Array, "p k"], weight: Float[Array, " n"] | None
) -> Refined:
    """`x` made exact to the working precision, for `A` of full column rank; corrections stop when they grow."""
    lengths = column_lengths(A)
    root_weight = jnp.ones_like(A[:, 0]) if weight is None else jnp.sqrt(weight)
    Q, R = jnp.linalg.qr(root_weight[:, None] * A / lengths)
    bits = bits_of_a_piece(max(A.shape), A.dtype)
    pieces = cut(A, bits)

    def correction(state: _State) -> tuple[Array, Array]:
        f = _first_equation(pieces, b, state, bits)
        g = _second_equation(A, pieces, state.residual, weight, bits) / lengths[:, None]
        bound = Q.T @ (root_weight[:, None] * f) - solve_triangular(R, g, trans="T")
        dx = solve_triangular(R, bound) / lengths[:, None]
        return dx, f - A @ dx

    def step(state: _State) -> _State:
        dx, dr = correction(state)
        change = jnp.linalg.norm(dx * lengths[:, None])
        better = change < state.change / 2
        moved = _State(state.x + dx, state.residual + dr, change, state.steps + 1, change > 0)
        stopped = state._replace(going_on=jnp.zeros_like(state.going_on))
        return jax.tree.map(lambda new, old: jnp.where(better, new, old), moved, stopped)

    start = _State(x, b - A @ x, jnp.asarray(jnp.inf, A.dtype), jnp.int32(0), jnp.bool_(True))
    found = jax.lax.while_loop(lambda state: state.going_on & (state.steps < MOST_STEPS), step, start)
    return Refined(found.x, found.residual, found.steps)


def _first_equation(pieces: Pieces, b: Array, state: _State, bits: int) -> Array:
    r"""$b - r - A x$."""
    left = subtract_product(two_sum(b, -state.residual), pieces, state.x, bits)
    return left.high + left.low


def _second_equation(A: Array, pieces: Pieces, r: Array, weight: Array | None, bits: int) -> Array:
    r"""$- A^\top W r$."""
    weighted = Pair(r, jnp.zeros_like(r)) if weight is None else _exact_multiple(weight[:, None], r)
    zero = jnp.zeros((A.shape[1], r.shape[1]), r.dtype)
    left = subtract_transposed_product(Pair(zero, zero), pieces, weighted.high, bits)
    return left.high + (left.low - A.T @ weighted.low)


def _exact_multiple(w: Array, r: Array) -> Pair:
    r"""$w r$ as a pair: halves of the significands have exact products."""
    (w_high, w_low), (r_high, r_low) = _halves(w), _halves(r)
    found = two_sum(w_high * r_high, w_high * r_low)
    found = add(found, w_low * r_high)
    return add(found, w_low * r_low)


def _halves(v: Array) -> tuple[Array, Array]:
    mantissa, exponent = jnp.frexp(v)
    bits = (jnp.finfo(v.dtype).nmant + 1) // 2
    high = jnp.ldexp(jnp.round(mantissa * 2.0**bits), exponent - bits)
    return high, v - high
