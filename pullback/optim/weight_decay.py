"""Parameters that shrink: through the gradient, or by themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
from jaxtyping import Array, Float

from pullback.core.errors import ConfigurationError
from pullback.optim.settings import Scalar

# A tree of booleans like the parameters, or a function from the parameters to one.
Mask = Any | Callable[[Any], Any]


def penalized_gradient(
    gradient: Float[Array, " *shape"], theta: Float[Array, " *shape"], weight_decay: Scalar
) -> Float[Array, " *shape"]:
    r"""$g' = g + \lambda \theta$, the gradient with that of the penalty $\frac{\lambda}{2} \lVert \theta \rVert^2$."""
    return gradient + weight_decay * theta


def decay_update(
    theta: Float[Array, " *shape"], learning_rate: Float[Array, ""], weight_decay: Scalar
) -> Float[Array, " *shape"]:
    r"""$\Delta\theta = -\alpha \lambda \theta$."""
    return -(learning_rate * weight_decay) * theta


@dataclass(frozen=True)
class Decay:
    """How the parameters of a method shrink: `decoupled` from the gradient or through it, and which of them."""

    decoupled: bool = False
    mask: Mask | None = None

    def of(self, params: Any) -> Any:
        """For each parameter whether it decays."""
        if self.mask is None:
            return jax.tree.map(lambda theta: True, params)
        decays = self.mask(params) if callable(self.mask) else self.mask
        if jax.tree.structure(decays) != jax.tree.structure(params):
            raise ConfigurationError(
                "the mask of the weight decay does not fit the parameters",
                expected=f"a tree of booleans like the parameters: {jax.tree.structure(params)}",
                got=str(jax.tree.structure(decays)),
                fix="make it of them: mask=lambda params: jax.tree.map(lambda theta: theta.ndim > 1, params)",
            )
        return decays
