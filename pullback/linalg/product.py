"""The two ways to give a symmetric matrix: its entries, or its product with a vector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.tree_util import Partial
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from pullback.core.errors import DataError, ShapeError

Vector = ArrayLike | Sequence[Any]
Product = Callable[[Any], Any] | Vector


def known(*values: Any) -> bool:
    """Whether the entries can be looked at now, outside a compiled program."""
    return not any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(values))


def as_real(name: str, value: Any) -> Array:
    """A real floating array; integers become the default floating type."""
    array = jnp.asarray(value)
    if jnp.issubdtype(array.dtype, jnp.complexfloating):
        raise DataError(
            f"{name} is complex", expected="real numbers", got=str(array.dtype), fix="pass the real and imaginary parts"
        )
    return array if jnp.issubdtype(array.dtype, jnp.floating) else array.astype(jnp.result_type(float))


def as_vector(name: str, value: Any, size: int | None = None) -> Float[Array, " n"]:
    """A real vector of finite entries, of `size` where that is given."""
    vector = as_real(name, value)
    if vector.ndim != 1 or (size is not None and vector.size != size):
        raise ShapeError(
            f"{name} is not a vector of this problem",
            expected=f"shape ({'n' if size is None else size},)",
            got=str(vector.shape),
            fix=f"flatten {name} with jax.flatten_util.ravel_pytree",
        )
    check_finite(name, vector)
    return vector


def check_finite(name: str, array: Array | np.ndarray) -> None:
    """DataError that names the first entry that is not finite, where the entries are known."""
    # The search for the place is slow, and a table of finite numbers is the rule.
    if not known(array) or np.isfinite(np.asarray(array)).all():
        return
    bad = np.argwhere(~np.isfinite(np.asarray(array)))
    index = tuple(bad[0].tolist())
    place = f"{name}{list(index)}" if index else name
    raise DataError(
        f"{name} is not finite",
        expected="finite numbers",
        got=f"{np.asarray(array)[index]} at {place} ({len(bad)} of {np.size(array)} entries)",
        fix=f"look for an overflow or a division by zero where {name} is made",
    )


def symmetric_matrix(name: str, value: Any) -> Float[Array, "n n"]:
    """A real square matrix; where the entries are known they must be finite and symmetric to rounding."""
    matrix = as_real(name, value)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.size == 0:
        raise ShapeError(
            f"{name} is not a square matrix", expected="shape (n, n)", got=str(matrix.shape), fix="pass one matrix"
        )
    check_finite(name, matrix)
    if known(matrix):
        entries = np.asarray(matrix)
        gap = np.abs(entries - entries.T)
        if gap.max() > 100 * len(entries) * np.finfo(entries.dtype).eps * np.abs(entries).max():
            row, column = (int(place) for place in np.unravel_index(gap.argmax(), gap.shape))
            raise DataError(
                f"{name} is not symmetric",
                expected=f"equal entries at [{row}, {column}] and [{column}, {row}]",
                got=f"{entries[row, column]} and {entries[column, row]}",
                fix="for least squares pass A.T @ A; otherwise use a method for general matrices",
            )
    return matrix


def matrix_product(matrix: Array, v: Array) -> Array:
    """$A v$."""
    return matrix @ v


def as_product(product: Product, dtype: Any, size: int) -> Callable[[Array], Array]:
    """`product` as a function of a vector of that type and size, checked without running it."""
    if not callable(product):
        matrix = symmetric_matrix("product", product)
        if matrix.shape[0] != size:
            raise ShapeError(
                "the matrix and the vector do not fit",
                expected=f"shape ({size}, {size})",
                got=str(matrix.shape),
                fix="pass a vector with one entry a row of the matrix",
            )
        return Partial(matrix_product, matrix.astype(dtype))
    return checked_map("product", product, dtype, size)


def checked_map(name: str, function: Callable[[Any], Any], dtype: Any, size: int) -> Callable[[Any], Any]:
    """`function` itself, if it takes vectors of that type and size to such vectors."""
    vector = jax.ShapeDtypeStruct((size,), dtype)
    result = jax.eval_shape(function, vector)
    shape, kind = getattr(result, "shape", None), getattr(result, "dtype", None)
    if shape != vector.shape or kind != vector.dtype:
        raise ShapeError(
            f"{name} does not return a vector like the one it is given",
            expected=f"shape {vector.shape}, {vector.dtype}",
            got=f"shape {shape}, {kind}" if shape is not None else type(result).__name__,
            fix=f"let {name}(v) return one array of the shape and type of v",
        )
    return function


def matrix_size(product: Product) -> int | None:
    """The number of rows where the matrix itself is given."""
    return None if callable(product) else symmetric_matrix("product", product).shape[0]
