"""Where an iteration on a symmetric matrix starts: a given vector, or a random one of the right size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.core.checks import positive_integer
from pullback.core.errors import ConfigurationError, DataError
from pullback.core.random import stream
from pullback.linalg.product import Product, as_product, as_real, as_vector, known, matrix_size


def as_key(key: Any, purpose: str) -> Array:
    """A random key: the stream of that purpose under an integer seed, or the key that was given."""
    return stream(key, purpose) if isinstance(key, int) else key


def size_and_type(product: Product, start: Any) -> tuple[int, Any]:
    """How many entries a vector has, and their type, from the matrix or from the start."""
    size = matrix_size(product)
    if isinstance(start, int) and not isinstance(start, bool):
        if size is not None and size != start:
            raise ConfigurationError(
                "the matrix and the size do not fit", expected=str(size), got=str(start), fix="leave the size out"
            )
        return positive_integer("start", start), _type(product)
    if start is not None:
        vector = as_vector("start", start, size)
        return vector.size, vector.dtype
    if size is None:
        raise ConfigurationError(
            "a function does not tell the size of its vectors",
            expected="start: a vector, or the number of entries",
            got="None",
            fix="pass the number of rows of the matrix as start",
        )
    return size, _type(product)


def _type(product: Product) -> Any:
    return jnp.zeros(()).dtype if callable(product) else as_real("product", product).dtype


def begin(product: Product, start: Any, key: Any, purpose: str) -> tuple[Callable[[Any], Any], Float[Array, " n"]]:
    """The product as a function, and a unit vector to start from."""
    size, dtype = size_and_type(product, start)
    if start is None or isinstance(start, int):
        vector = jax.random.normal(as_key(key, purpose), (size,), dtype)
    else:
        vector = as_vector("start", start)
    largest = jnp.max(jnp.abs(vector))
    if known(largest) and not bool(largest > 0):
        raise DataError(
            "start is zero", expected="a vector with a direction", got="0", fix="pass the size for a random start"
        )
    # In two steps, so that no square leaves the range of the type.
    vector = vector / largest
    return as_product(product, dtype, size), vector / jnp.linalg.norm(vector)
