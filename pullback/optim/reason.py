"""Why a minimization ended."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool


class Reason(eqx.Enumeration):
    """Why a minimization ended; the members are the messages, and arrays: they live in compiled programs.

    Examples
    --------
    >>> from pullback.optim import minimize
    >>> found = minimize(lambda x: x**2, 3.0, method="newton")
    >>> bool(found.reason == Reason.converged)
    True
    >>> print(Reason[found.reason])
    the gradient norm reached the tolerance
    """

    running = "not ended yet"
    converged = "the gradient norm reached the tolerance"
    stationary = "the measure of stationarity of the method reached the tolerance"
    saddle = (
        "the gradient norm reached the tolerance at a saddle point or a maximum: the Hessian has a negative eigenvalue"
    )
    step_limit = "max_steps steps were made before the tolerance was reached"
    plateau = "neither the value nor the gradient norm improved any more, beyond rounding"
    no_descent = "the direction of the method is not one of descent"
    line_search_failed = "no step length along the direction lowered the value enough"
    radius_collapsed = "the trust region shrank to nothing: the model no longer foretells the value"
    simplex_collapsed = "the simplex shrank below the tolerance"
    simplex_flat = "the simplex became flat before it became small: the point need not be stationary"
    infeasible = "the violation of the constraints no longer falls: perhaps no point fulfils them all"
    not_finite_at_start = "the value or the gradient at the start is not finite"
    not_finite = "the value or the gradient became infinite or NaN; the last finite point is given"
    diverging = "the value rose above its best and did not come back: the steps are too long"
    unbounded = "the value falls without bound along the steps; the last finite point is given"
    singular = "a linear system of the method is singular"


# Ends that say: this is a stationary point as far as the method can tell.
SUCCESSFUL = (Reason.converged, Reason.stationary, Reason.simplex_collapsed)


def ended_with(reason: Any, *members: Any) -> Bool[Array | np.ndarray, " *starts"]:
    """Whether the reason, or that of each start, is one of these members."""
    codes = _codes(reason)
    numbers = jnp if isinstance(codes, jax.core.Tracer) else np
    return numbers.isin(codes, np.stack([_codes(member) for member in members]))


def messages(kind: Any, reason: Any) -> list[str]:
    """The text of the reason, a member of the enumeration `kind`: one text for each start."""
    structure = jax.tree.structure(reason)
    codes = _codes(reason).reshape(-1)
    texts = {int(code): kind[jax.tree.unflatten(structure, [np.asarray(code)])] for code in np.unique(codes)}
    return [texts[int(code)] for code in codes]


def message(kind: Any, reason: Any) -> str:
    """The texts of the reasons, each once."""
    return "; ".join(dict.fromkeys(messages(kind, reason)))


def _codes(reason: Any) -> Any:
    """The numbers of the members: an enumeration holds nothing else."""
    (codes,) = jax.tree.leaves(reason)
    return codes if isinstance(codes, jax.core.Tracer) else np.asarray(codes)
