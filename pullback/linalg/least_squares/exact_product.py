r"""Products of matrices to twice the working precision, by pieces whose products are exact.

Each factor is cut into integers of so few bits that a sum of their products fits the significand: then the ordinary
matrix product of two pieces is exact, in whatever order it is summed and however multiplications and additions are
fused by a compiler. Only the few sums over pieces need two-sums, which hold additions alone.

Ozaki, Ogita, Oishi, Rump, "Error-free transformations of matrix multiplication by using fast routines of matrix
multiplication and its applications", Numerical Algorithms 59 (2012).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


class Pair(NamedTuple):
    """A number as an unevaluated sum of two, the second below the rounding of the first."""

    high: Array
    low: Array


def two_sum(a: Array, b: Array) -> Pair:
    r"""$a + b$ exactly: the rounded sum and its rounding error (Knuth)."""
    total = a + b
    share = total - a
    return Pair(total, (a - (total - share)) + (b - share))


def add(pair: Pair, term: Array) -> Pair:
    """A pair plus one more number, to twice the working precision."""
    high, error = two_sum(pair.high, term)
    low = pair.low + error
    return two_sum(high, low)


class Pieces(NamedTuple):
    r"""$v = \sum_j 2^{e - b (j + 1)} v_j$ with integers $v_j$, stacked along the first axis; $e$ of the last."""

    integers: Float[Array, "pieces n k"]
    exponent: Array


def bits_of_a_piece(terms: int, dtype: jnp.dtype) -> int:
    """Bits of the integers such that a sum of `terms` products of two of them is exact."""
    return (_significand(dtype) - math.ceil(math.log2(max(terms, 1))) - 1) // 2


def cut(v: Float[Array, "n k"], bits: int) -> Pieces:
    """The leading bits of each column, twice the significand below its largest entry and more."""
    largest = jnp.max(jnp.abs(v), axis=0)
    _, exponent = jnp.frexp(jnp.where(largest > 0, largest, 1.0))
    rest = jnp.ldexp(v, -exponent[None, :])
    integers = []
    for _ in range(math.ceil(1.5 * _significand(v.dtype) / bits)):
        # A power of two and a difference from the nearest integer: nothing here rounds.
        rest = rest * 2.0**bits
        integers.append(jnp.round(rest))
        rest = rest - integers[-1]
    return Pieces(jnp.stack(integers), exponent)


def subtract_product(start: Pair, A: Pieces, x: Float[Array, "p k"], bits: int) -> Pair:
    r"""$s - A x$ to twice the working precision; `A` was cut by its columns into pieces of `bits` bits."""
    # The exponents of the columns of A belong to the rows of x.
    right = cut(jnp.ldexp(x, A.exponent[:, None]), bits)
    return _subtract(start, A.integers, right, bits)


def subtract_transposed_product(start: Pair, A: Pieces, r: Float[Array, "n k"], bits: int) -> Pair:
    r"""$s - A^\top r$ to twice the working precision."""
    right = cut(r, bits)
    found = _subtract(
        Pair(*(jnp.ldexp(part, -A.exponent[:, None]) for part in start)), jnp.swapaxes(A.integers, 1, 2), right, bits
    )
    return Pair(*(jnp.ldexp(part, A.exponent[:, None]) for part in found))


def _subtract(start: Pair, left: Float[Array, "pieces n p"], right: Pieces, bits: int) -> Pair:
    # The largest products first; those below the last piece kept are not needed.
    pairs = [(place, total - place) for total in range(len(left)) for place in range(total + 1)]

    def subtract(found: Pair, pair: Array) -> tuple[Pair, None]:
        product = jnp.matmul(left[pair[0]], right.integers[pair[1]], precision=jax.lax.Precision.HIGHEST)
        shift = right.exponent - bits * (pair[0] + pair[1] + 2)
        return add(found, -jnp.ldexp(product, shift[None, :])), None

    return jax.lax.scan(subtract, start, jnp.asarray(pairs, dtype=jnp.int32))[0]


def _significand(dtype: jnp.dtype) -> int:
    return jnp.finfo(dtype).nmant + 1
