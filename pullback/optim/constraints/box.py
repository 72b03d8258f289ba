"""Lower and upper bounds."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from pullback.core.errors import ConfigurationError
from pullback.optim.constraints.constraint import Constraint


class Box(Constraint):
    r"""$\{x : l \le x \le u\}$.

    Parameters
    ----------
    lower, upper : each a number or a vector; infinite where there is no bound.

    Raises
    ------
    ConfigurationError
        for bounds that cross.

    Examples
    --------
    >>> Box(0.0, 1.0).project(jnp.array([-2.0, 0.25, 3.0])).tolist()
    [0.0, 0.25, 1.0]
    """

    lower: Any = -jnp.inf
    upper: Any = jnp.inf

    def __check_init__(self) -> None:
        if isinstance(self.lower, float | int | np.ndarray) and isinstance(self.upper, float | int | np.ndarray):
            if not np.all(np.asarray(self.lower) <= np.asarray(self.upper)):
                raise ConfigurationError(
                    "the bounds of the box cross",
                    expected="lower <= upper in every entry",
                    got=f"{self.lower} and {self.upper}",
                    fix="exchange or widen them",
                )

    def project(self, x: Float[Array, " n"]) -> Float[Array, " n"]:
        return jnp.clip(x, jnp.asarray(self.lower, x.dtype), jnp.asarray(self.upper, x.dtype))

    def linear_minimizer(self, gradient: Float[Array, " n"]) -> Float[Array, " n"]:
        lower, upper = jnp.asarray(self.lower, gradient.dtype), jnp.asarray(self.upper, gradient.dtype)
        # Where the gradient is zero any point of the interval will do.
        free = jnp.clip(jnp.zeros_like(gradient), lower, upper)
        return jnp.where(gradient > 0, lower, jnp.where(gradient < 0, upper, free))
