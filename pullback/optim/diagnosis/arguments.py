"""The function that is diagnosed, checked, as a function of one vector."""

from __future__ import annotations

from typing import Any

from jax.flatten_util import ravel_pytree
from jaxtyping import Array

from pullback.core.errors import ConfigurationError
from pullback.linalg.product import known
from pullback.optim.minimize_arguments import check_function
from pullback.optim.objective import Objective


def checked_objective(f: Any, x: Any, args: Any, squares: bool = False) -> tuple[Objective, Array]:
    """`f`, or half the sum of its squares, as a function of one vector in the order of `x`, and `x` as that vector."""
    check_function(f, x, args, squares)
    vector, unravel = ravel_pytree(x)
    return Objective.of(f, unravel, args, squares=squares), vector


def refuse_compiled(name: str, *values: Any) -> None:
    """What answers in words needs numbers, and a compiled program has none before it runs."""
    if not known(*values):
        raise ConfigurationError(
            f"{name} inside a compiled program",
            expected="numbers that are known",
            got="values that are computed when the program runs",
            fix=f"call {name} outside jit and vmap, on what they return",
        )
