"""Checks of what comes into a layer; each raises a `ShapeError` in the layer's own words."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array

from pullback.core.errors import ShapeError


def describe(x: Array) -> str:
    """Shape and dtype as one reads them: `(2, 3) float32`."""
    return f"{tuple(x.shape)} {x.dtype}"


def typed_key(key: Array) -> Array:
    """A key of the old style, `jax.random.PRNGKey`, as a typed one; a typed key as it is."""
    return key if jnp.issubdtype(key.dtype, jax.dtypes.prng_key) else jax.random.wrap_key_data(key)


def check_features(layer: str, x: Array, features: int, dtype: DTypeLike) -> None:
    """The last axis of `x` holds `features` numbers of the dtype of the layer's parameters."""
    if x.ndim < 1 or x.shape[-1] != features:
        found = x.shape[-1] if x.ndim else "none"
        raise ShapeError(
            f"{layer} takes {features} features on the last axis, not {found}",
            expected=f"(..., {features})",
            got=describe(x),
            fix=f"give {layer} in_features={found} or change what comes before it"
            if x.ndim
            else f"pass an array whose last axis has {features} features",
        )
    if x.dtype != jnp.dtype(dtype):
        raise ShapeError(
            f"{layer} has {jnp.dtype(dtype)} parameters and cannot take {x.dtype}",
            expected=f"(..., {features}) {jnp.dtype(dtype)}",
            got=describe(x),
            fix=f"convert the input with x.astype('{jnp.dtype(dtype)}')",
        )
