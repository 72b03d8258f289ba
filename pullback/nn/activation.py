"""A function of one array as a layer."""

from __future__ import annotations

from collections.abc import Callable

import equinox as eqx
from jaxtyping import Array

from pullback.nn.activations import get_activation


class Activation(eqx.Module):
    r"""The layer \(y = \phi(x)\) for a function \(\phi\) without parameters.

    Parameters
    ----------
    function : a name from the table of activations, or a function of one array; the shape is the function's affair.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> Activation("relu")(jnp.array([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """

    function: Callable[..., Array] = eqx.field(static=True)

    def __init__(self, function: str | Callable[..., Array]) -> None:
        self.function = get_activation(function)

    @property
    def label(self) -> str:
        """Name of the function, for tables and messages."""
        inner = getattr(self.function, "func", self.function)
        return f"Activation({getattr(inner, '__name__', type(inner).__name__)})"

    def __call__(self, x: Array, *, key: Array | None = None, training: bool = False) -> Array:
        return self.function(x)
