"""Nonnegative vectors of a given sum."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.core.checks import positive
from pullback.optim.constraints.constraint import Constraint


class Simplex(Constraint):
    r"""$\{x : x \ge 0, \ \sum_i x_i = s\}$; with $s = 1$ the probability vectors.

    The projection is $\max(x - \theta, 0)$, with $\theta$ found in the sorted entries.

    Parameters
    ----------
    total : $s$.

    Examples
    --------
    >>> Simplex().project(jnp.array([0.5, 1.0, -3.0])).tolist()
    [0.25, 0.75, 0.0]

    References
    ----------
    Held, Wolfe, Crowder, "Validation of subgradient optimization", Mathematical Programming 6 (1974); Duchi et al.,
    "Efficient projections onto the l1-ball", ICML (2008).
    """

    total: Any = 1.0

    def __check_init__(self) -> None:
        if isinstance(self.total, float | int):
            positive("total", self.total)

    def project(self, x: Float[Array, " n"]) -> Float[Array, " n"]:
        return jnp.maximum(x - _threshold(x, jnp.asarray(self.total, x.dtype)), 0)

    def linear_minimizer(self, gradient: Float[Array, " n"]) -> Float[Array, " n"]:
        return jnp.zeros_like(gradient).at[jnp.argmin(gradient)].set(self.total)


def _threshold(x: Float[Array, " n"], total: Float[Array, ""]) -> Float[Array, ""]:
    """The number whose subtraction leaves positive parts of that sum."""
    descending = jnp.sort(x)[::-1]
    counts = jnp.arange(1, x.size + 1, dtype=x.dtype)
    candidates = (jnp.cumsum(descending) - total) / counts
    kept = jnp.sum(descending > candidates)
    return candidates[jnp.maximum(kept - 1, 0)]
