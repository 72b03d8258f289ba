"""The sum of absolute values."""

from __future__ import annotations

from typing import Any, ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.core.checks import non_negative
from pullback.optim.proximal.proximal_function import ProximalFunction


def soft_threshold(v: Float[Array, " n"], t: Float[Array, " n"]) -> Float[Array, " n"]:
    r"""$\operatorname{sign}(v) \max(|v| - t, 0)$."""
    return jnp.sign(v) * jnp.maximum(jnp.abs(v) - t, 0)


class L1(ProximalFunction):
    r"""$h(x) = \sum_i \lambda_i |x_i|$; its proximal map is soft thresholding.

    Parameters
    ----------
    weight : $\lambda$, a number or a vector; zero for entries that are not penalized.

    Examples
    --------
    >>> L1(0.5).proximal_map(jnp.array([2.0, -0.25]), jnp.array(1.0)).tolist()
    [1.5, -0.0]

    References
    ----------
    Donoho, "De-noising by soft-thresholding", IEEE Transactions on Information Theory 41 (1995).
    """

    separable: ClassVar[bool] = True
    weight: Any = 1.0

    def __check_init__(self) -> None:
        if isinstance(self.weight, float | int):
            non_negative("weight", self.weight)

    def value(self, x: Float[Array, " n"]) -> Float[Array, ""]:
        return jnp.sum(jnp.asarray(self.weight, x.dtype) * jnp.abs(x))

    def proximal_map(self, v: Float[Array, " n"], t: Float[Array, ""]) -> Float[Array, " n"]:
        return soft_threshold(v, jnp.broadcast_to(t * jnp.asarray(self.weight, v.dtype), v.shape))
