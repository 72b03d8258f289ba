"""What `throw=True` does: a search that ended without success becomes an error."""

from __future__ import annotations

from typing import Any

import jax
import jax.core
import numpy as np

from pullback.core.errors import ConfigurationError, ConvergenceError


def raise_unless_converged(found: Any, what: str, *, expected: str, fix: str) -> None:
    """Raise an error that carries the result, and says `what`, if it did not converge from every start.

    Inside a transformed function nothing can be raised, and asking for it is an error at once.
    """
    if any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(found)):
        raise ConfigurationError(
            "throw=True inside jit or vmap",
            expected="throw=False: the reason is a value there",
            got="throw=True",
            fix="look at result.reason after the call; minimize runs many starts, and can raise, with many=True",
        )
    if np.all(found.converged):
        return
    error = ConvergenceError(what, expected=expected, got=str(found), fix=f"look at error.result; {fix}")
    error.result = found
    raise error
