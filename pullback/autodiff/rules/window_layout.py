"""How a reduction over windows, along any axes of an array, becomes one over the spatial axes of an image."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import jax.numpy as jnp
from jax import lax
from jax.extend.core import JaxprEqn
from jaxtyping import Array

from pullback.autodiff.parameters import Windows, array_type, windows
from pullback.autodiff.platform import PLAIN, form

# Positions along an axis, or in a window, up to which one slice for each is worth its compile time.
UNROLLED_POSITIONS = 64


def takes_slices(equation: JaxprEqn, operation: str, count: int) -> bool:
    """Whether the windows of an equation are taken apart into `count` slices on this platform."""
    x, z = array_type(equation.invars[0]), array_type(equation.outvars[0])
    real = jnp.issubdtype(x.dtype, jnp.floating) and x.ndim > 0 and x.size > 0 and z.size > 0
    return real and form(operation) != PLAIN and count <= UNROLLED_POSITIONS


def spatial_axes(at: Windows) -> tuple[int, int]:
    """The first axis along which a window moves or has a size, and the one after the last such axis."""
    entries = zip(at.sizes, at.strides, at.padding, at.spacing, strict=True)
    axes = [axis for axis, entry in enumerate(entries) if entry != (1, 1, (0, 0), 1)] or [0]
    return axes[0], axes[-1] + 1


def spatial_settings(at: Windows) -> dict[str, Any]:
    """Window, stride and padding along the spatial axes."""
    first, last = spatial_axes(at)
    return dict(window=at.sizes[first:last], stride=at.strides[first:last], padding=at.padding[first:last])


def as_image(x: Any, at: Windows) -> Array:
    """The array as `(..., *spatial, channels)`; no element moves."""
    _, last = spatial_axes(at)
    return lax.reshape(x, (*x.shape[:last], math.prod(x.shape[last:])))


def spread_apart(x: Any, equation: JaxprEqn, fill: float) -> tuple[Array, Windows]:
    """The operand with its elements as far apart as the equation says, and the windows over that."""
    at = windows(equation)
    if all(space == 1 for space in at.spacing):
        return x, at
    apart = lax.pad(x, jnp.asarray(fill, x.dtype), [(0, 0, space - 1) for space in at.spacing])
    return apart, replace(at, spacing=(1,) * x.ndim)
