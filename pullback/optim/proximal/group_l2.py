"""The sum of the norms of groups of entries."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from pullback.core.checks import non_negative
from pullback.core.errors import ConfigurationError
from pullback.optim.proximal.proximal_function import ProximalFunction


def block_soft_threshold(v: Float[Array, " n"], norm: Float[Array, " n"], t: Float[Array, " n"]) -> Float[Array, " n"]:
    r"""$\max(\lVert v \rVert - t, 0)\, v / \lVert v \rVert$, with the norm of the group of each entry."""
    return jnp.maximum(norm - t, 0) * v / norm


class GroupL2(ProximalFunction):
    r"""$h(x) = \lambda \sum_g \lVert x_g \rVert_2$, which makes whole groups zero.

    Parameters
    ----------
    groups : for each entry the number of its group, from 0; or one integer, the length of consecutive groups.
    weight : $\lambda$, a number or one for each group.

    Examples
    --------
    >>> GroupL2((0, 0, 1), 1.0).proximal_map(jnp.array([3.0, 4.0, 0.5]), jnp.array(2.5)).tolist()
    [1.5, 2.0, 0.0]

    References
    ----------
    Yuan, Lin, "Model selection and estimation in regression with grouped variables", Journal of the Royal Statistical
    Society B 68 (2006).
    """

    groups: int | tuple[int, ...]
    weight: Any = 1.0

    def __check_init__(self) -> None:
        if isinstance(self.weight, float | int):
            non_negative("weight", self.weight)
        numbers = (self.groups,) if isinstance(self.groups, int) else self.groups
        least = 1 if isinstance(self.groups, int) else 0
        if not numbers or min(numbers) < least:
            raise ConfigurationError(
                "groups are neither a length nor numbers of groups",
                expected="an integer >= 1, or for each entry an integer >= 0",
                got=repr(self.groups),
                fix="pass groups=(0, 0, 1, 1, 1) for a group of two and one of three",
            )

    def value(self, x: Float[Array, " n"]) -> Float[Array, ""]:
        norms, _ = self._norms(x)
        return jnp.sum(jnp.asarray(self.weight, x.dtype) * norms)

    def proximal_map(self, v: Float[Array, " n"], t: Float[Array, ""]) -> Float[Array, " n"]:
        norms, labels = self._norms(v)
        thresholds = jnp.broadcast_to(t * jnp.asarray(self.weight, v.dtype), norms.shape)
        return block_soft_threshold(v, jnp.where(norms > 0, norms, 1)[labels], thresholds[labels])

    def _norms(self, x: Float[Array, " n"]) -> tuple[Float[Array, " groups"], Int[Array, " n"]]:
        labels = np.arange(x.size) // self.groups if isinstance(self.groups, int) else np.asarray(self.groups)
        if labels.size != x.size:
            raise ConfigurationError(
                "groups does not fit the variable",
                expected=f"{x.size} numbers of groups",
                got=f"{labels.size}",
                fix="pass the group of each entry",
            )
        squares = jax.ops.segment_sum(x**2, jnp.asarray(labels), num_segments=int(labels.max()) + 1)
        return jnp.sqrt(squares), jnp.asarray(labels)
