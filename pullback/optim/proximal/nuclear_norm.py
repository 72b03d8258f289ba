"""The sum of the singular values of a matrix."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.core.checks import non_negative
from pullback.optim.proximal.l1 import soft_threshold
from pullback.optim.proximal.proximal_function import ProximalFunction


class NuclearNorm(ProximalFunction):
    r"""$h(X) = \lambda \sum_i \sigma_i(X)$, which lowers the rank; its proximal map thresholds the singular values.

    Parameters
    ----------
    shape : of the matrix whose rows follow one another in the vector.
    weight : $\lambda$.

    Examples
    --------
    >>> shrunk = NuclearNorm((2, 2), 1.0).proximal_map(jnp.array([3.0, 0.0, 0.0, 0.5]), jnp.array(1.0))
    >>> shrunk.round(5).tolist()
    [2.0, 0.0, 0.0, 0.0]

    References
    ----------
    Cai, Candès, Shen, "A singular value thresholding algorithm for matrix completion", SIAM Journal on Optimization 20
    (2010).
    """

    shape: tuple[int, int]
    weight: Any = 1.0

    def __check_init__(self) -> None:
        if isinstance(self.weight, float | int):
            non_negative("weight", self.weight)

    def value(self, x: Float[Array, " n"]) -> Float[Array, ""]:
        return self.weight * jnp.sum(jnp.linalg.svd(x.reshape(self.shape), compute_uv=False))

    def proximal_map(self, v: Float[Array, " n"], t: Float[Array, ""]) -> Float[Array, " n"]:
        left, singular, right = jnp.linalg.svd(v.reshape(self.shape), full_matrices=False)
        kept = soft_threshold(singular, jnp.broadcast_to(t * self.weight, singular.shape))
        return ((left * kept) @ right).reshape(-1)
