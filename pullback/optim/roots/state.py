"""What the methods of `find_root` share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

VectorFunction = Callable[[Float[Array, " n"]], Float[Array, " n"]]


class RootReason(eqx.Enumeration):
    """Why a search for a root ended.

    Examples
    --------
    >>> from pullback.optim import find_root
    >>> print(RootReason[find_root(lambda x: x**2 + 1, (-1.0, 2.0), method="bisection").reason])
    the function has one sign at both ends: there need be no root between them
    """

    running = "not ended yet"
    converged = "the distance to the root is within the tolerance"
    step_limit = "max_steps steps were made before the tolerance was reached"
    not_finite = "the function or the point became infinite or NaN; the last finite point is given"
    singular = "the slope or the Jacobian is singular: there is no step"
    no_sign_change = "the function has one sign at both ends: there need be no root between them"


class RootState(NamedTuple):
    r"""Where a method is.

    Parameters
    ----------
    x, value : the point and $F(x)$.
    error : estimate of its distance to the root: the last step, or half of the bracket.
    memory : of the method.
    evaluations : of $F$ so far.
    reason : `RootReason.running`, or why the method cannot go on.
    """

    x: Float[Array, " n"]
    value: Float[Array, " n"]
    error: Float[Array, ""]
    memory: Any
    evaluations: Int[Array, ""]
    reason: Any = RootReason.running


def count(number: int) -> Int[Array, ""]:
    """As an array."""
    return jnp.asarray(number, jnp.int32)
