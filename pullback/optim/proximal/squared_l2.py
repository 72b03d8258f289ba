"""Half the sum of squares."""

from __future__ import annotations

from typing import Any, ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.core.checks import non_negative
from pullback.optim.proximal.proximal_function import ProximalFunction


class SquaredL2(ProximalFunction):
    r"""$h(x) = \tfrac12 \sum_i \lambda_i x_i^2$; its proximal map divides by $1 + t \lambda$.

    Parameters
    ----------
    weight : $\lambda$, a number or a vector.

    Examples
    --------
    >>> SquaredL2(1.0).proximal_map(jnp.array([2.0, -4.0]), jnp.array(1.0)).tolist()
    [1.0, -2.0]
    """

    separable: ClassVar[bool] = True
    weight: Any = 1.0

    def __check_init__(self) -> None:
        if isinstance(self.weight, float | int):
            non_negative("weight", self.weight)

    def value(self, x: Float[Array, " n"]) -> Float[Array, ""]:
        return jnp.sum(jnp.asarray(self.weight, x.dtype) * x**2) / 2

    def proximal_map(self, v: Float[Array, " n"], t: Float[Array, ""]) -> Float[Array, " n"]:
        return v / (1 + t * jnp.asarray(self.weight, v.dtype))
