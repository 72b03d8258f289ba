"""Squared error."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
from jaxtyping import Array, Float

from pullback.nn.losses.targets import aligned, example_mean


@jax.jit
def squared_error(y_hat: Float[Array, "*shape"], y: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""\((\hat y - y)^2\), without the factor 1/2, as in PyTorch."""
    return (y_hat - y) ** 2


@dataclasses.dataclass(frozen=True)
class SquaredError:
    r"""\(\frac1d\sum_{j=1}^d (\hat y_j - y_j)^2\): the negative log-likelihood of normal noise, up to constants.

    Call
    ----
    `loss(prediction, target)`: both of shape `(n, ...)`; the mean runs over all axes but the first and gives `(n,)`.
    A prediction `(n, 1)` with a target `(n,)` loses its last axis; every other difference is a `ShapeError`.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> SquaredError()(jnp.array([[1.0, 2.0]]), jnp.array([[0.0, 4.0]])).tolist()
    [2.5]

    Source: Gauss, 1809.
    """

    name: ClassVar[str] = "squared_error"
    target_kind: ClassVar[str] = "real"
    expects_logits: ClassVar[bool] = False

    def __call__(self, prediction: Array, target: Array) -> Array:
        return example_mean(squared_error(*aligned("squared_error", prediction, target)))
