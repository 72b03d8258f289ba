r"""Sums over an epoch that keep their accuracy in float32.

A running sum is a two-float number: an array of shape (2,) whose entries high + low carry about 48 bits. Counts are
int32, exact up to 2,147,483,647. So an epoch in a thousand batches gives the number that one pass over all rows gives.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Shaped

# Rows added up plainly before partial sums are added: short enough that plain rounding stays near one unit.
BLOCK = 128


def zero_sum() -> Float[Array, " 2"]:
    """The two-float number zero."""
    return jnp.zeros(2, jnp.float32)


def zero_count() -> Int[Array, ""]:
    """The count zero."""
    return jnp.zeros((), jnp.int32)


def add(a: Float[Array, "*sums 2"], b: Float[Array, "*sums 2"]) -> Float[Array, "*sums 2"]:
    """Sum of two two-float numbers, elementwise over leading axes.

    References
    ----------
    Knuth, "The Art of Computer Programming" 2, section 4.2.2, theorem B; Dekker, Numerische Mathematik 18 (1971).
    """
    high, error = _two_sum(a[..., 0], b[..., 0])
    high, low = _quick_two_sum(high, error + a[..., 1] + b[..., 1])
    return jnp.stack([high, low], axis=-1)


def masked_sum(values: Float[Array, " *shape"], mask: Bool[Array, " *shape"]) -> Float[Array, " 2"]:
    """Two-float sum of the values where `mask` holds; what stands elsewhere, NaN included, does not count."""
    total = jnp.where(mask, values, jnp.zeros_like(values)).reshape(-1)
    while total.size > 1:
        width = min(BLOCK, total.size)
        total = jnp.pad(total, (0, -total.size % width)).reshape(-1, width).sum(1)
    return as_two_floats(total.sum())


def as_two_floats(value: Float[Array, " *shape"]) -> Float[Array, "*shape 2"]:
    """A float32 or float64 number as high + low."""
    high = value.astype(jnp.float32)
    return jnp.stack([high, (value - high.astype(value.dtype)).astype(jnp.float32)], axis=-1)


def count(mask: Bool[Array, " *shape"]) -> Int[Array, ""]:
    """Number of true entries, as int32 whatever the process-wide precision."""
    return jnp.sum(mask, dtype=jnp.int32)


def merge_sums(a: dict[str, Array], b: dict[str, Array]) -> dict[str, Array]:
    """Statistics of two disjoint sets of rows, put together entry by entry."""
    return jax.tree.map(_merge_entry, a, b)


def _merge_entry(a: Shaped[Array, " *shape"], b: Shaped[Array, " *shape"]) -> Shaped[Array, " *shape"]:
    return a + b if jnp.issubdtype(a.dtype, jnp.integer) else add(a, b)


def _two_sum(a: Float[Array, " *shape"], b: Float[Array, " *shape"]) -> tuple[Array, Array]:
    total = a + b
    b_part = total - a
    return total, (a - (total - b_part)) + (b - b_part)


def _quick_two_sum(a: Float[Array, " *shape"], b: Float[Array, " *shape"]) -> tuple[Array, Array]:
    total = a + b
    return total, b - (total - a)
