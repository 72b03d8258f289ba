"""Absolute error."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.nn.losses.targets import aligned, example_mean


@jax.jit
def absolute_error(y_hat: Float[Array, "*shape"], y: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""\(|\hat y - y|\); derivative 0 where the two are equal, as in PyTorch."""
    r = y_hat - y
    # JAX takes 1 for the derivative of |r| at 0; r sign(r) has 0 there.
    return r * jnp.sign(r)


@dataclasses.dataclass(frozen=True)
class AbsoluteError:
    r"""\(\frac1d\sum_{j=1}^d |\hat y_j - y_j|\): the negative log-likelihood of Laplace noise, up to constants.

    Call
    ----
    `loss(prediction, target)`: shapes as for `SquaredError`.

    Examples
    --------
    >>> AbsoluteError()(jnp.array([1.0, 2.0]), jnp.array([0.0, 4.0])).tolist()
    [1.0, 2.0]

    Source: Boscovich, 1757; Laplace, 1774.
    """

    name: ClassVar[str] = "absolute_error"
    target_kind: ClassVar[str] = "real"
    expects_logits: ClassVar[bool] = False

    def __call__(self, prediction: Array, target: Array) -> Array:
        return example_mean(absolute_error(*aligned("absolute_error", prediction, target)))
