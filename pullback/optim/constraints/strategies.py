"""How the weight of the violation and the multipliers change from one unconstrained problem to the next."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.core.checks import positive
from pullback.core.errors import ConfigurationError, unknown_name


class ConstrainedMethod(eqx.Module):
    """A way of turning a constrained problem into a sequence of unconstrained ones; a frozen dataclass of options."""

    # Whether the multipliers enter the function that is minimized.
    keeps_multipliers: ClassVar[bool] = True
    penalty: Any = 10.0
    growth: Any = 10.0

    @abstractmethod
    def grows(self, violation: Float[Array, ""], before: Float[Array, ""]) -> Array:
        """Whether the penalty grows after the violation came down from `before`."""


class AugmentedLagrangian(ConstrainedMethod):
    r"""The augmented Lagrangian, or method of multipliers.

    $$ x_{k+1} = \arg\min_x\ f - \lambda_k^\top g + \frac{\rho_k}{2} \lVert g \rVert^2 + \frac{1}{2 \rho_k} \sum_i
       \left( \max(0, \mu_{k,i} - \rho_k h_i)^2 - \mu_{k,i}^2 \right), \quad
       \lambda_{k+1} = \lambda_k - \rho_k g, \quad \mu_{k+1} = \max(0, \mu_k - \rho_k h) $$

    The penalty stays moderate: it grows only where the violation did not fall enough.

    Parameters
    ----------
    penalty : $\rho_0$.
    growth : factor on it.
    reduction : factor by which the violation has to fall for the penalty to stay.

    References
    ----------
    Hestenes, Journal of Optimization Theory and Applications 4 (1969); Powell (1969); Birgin, Martínez, "Practical
    Augmented Lagrangian Methods for Constrained Optimization", SIAM (2014), algorithm 4.1.

    Examples
    --------
    >>> AugmentedLagrangian(penalty=100.0).growth
    10.0
    """

    penalty: Any = 10.0
    growth: Any = 10.0
    reduction: Any = 0.5

    def __check_init__(self) -> None:
        _check(self.penalty, self.growth)

    def grows(self, violation: Float[Array, ""], before: Float[Array, ""]) -> Array:
        return violation > self.reduction * before


class QuadraticPenalty(ConstrainedMethod):
    r"""The quadratic penalty.

    $$ x_{k+1} = \arg\min_x\ f + \frac{\rho_k}{2} \lVert g \rVert^2 + \frac{\rho_k}{2} \sum_i \max(0, -h_i)^2, \qquad
       \rho_{k+1} = \gamma \rho_k $$

    The violation falls as $1 / \rho$, the problems become ill-conditioned as $\rho$: for a start, or a few digits.

    Parameters
    ----------
    penalty : $\rho_0$.
    growth : $\gamma$.

    References
    ----------
    Courant, Bulletin of the AMS 49 (1943); Nocedal, Wright, "Numerical Optimization" (2006), section 17.1.

    Examples
    --------
    >>> QuadraticPenalty().penalty
    1.0
    """

    keeps_multipliers: ClassVar[bool] = False
    penalty: Any = 1.0
    growth: Any = 10.0

    def __check_init__(self) -> None:
        _check(self.penalty, self.growth)

    def grows(self, violation: Float[Array, ""], before: Float[Array, ""]) -> Array:
        del before
        return jnp.ones_like(violation, dtype=bool)


CONSTRAINED_METHODS: dict[str, type[ConstrainedMethod]] = {
    "augmented_lagrangian": AugmentedLagrangian,
    "penalty": QuadraticPenalty,
}


def get_constrained_method(method: str | ConstrainedMethod) -> ConstrainedMethod:
    """The method of that name with its default options, or the method itself.

    Examples
    --------
    >>> get_constrained_method("penalty").growth
    10.0
    """
    if isinstance(method, ConstrainedMethod):
        return method
    if method not in CONSTRAINED_METHODS:
        raise unknown_name("constrained method", str(method), CONSTRAINED_METHODS)
    return CONSTRAINED_METHODS[method]()


def _check(penalty: Any, growth: Any) -> None:
    if isinstance(penalty, float | int):
        positive("penalty", penalty)
    if isinstance(growth, float | int) and growth <= 1:
        raise ConfigurationError("growth must exceed one", expected="a number > 1", got=repr(growth), fix="choose 10.0")
