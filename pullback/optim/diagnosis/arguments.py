"""The function that is diagnosed, checked, as a function of one vector."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from pullback.core.errors import ConfigurationError, DerivativeError
from pullback.linalg.product import known
from pullback.optim.objective import Objective


def flat_objective(f: Callable[..., Any], x: Any, args: tuple[Any, ...], squares: bool = False) -> Objective:
    r"""`f` of one vector in the order of `x`; with `squares` it is $\tfrac12 \lVert f \rVert^2$ of residuals."""
    unravel = ravel_pytree(x)[1]
    if squares:
        return Objective(lambda vector: jnp.sum(jnp.ravel(f(unravel(vector), *args)) ** 2) / 2)
    return Objective(lambda vector: jnp.reshape(f(unravel(vector), *args), ()))


def check_scalar(f: Callable[..., Any], x: Any, args: tuple[Any, ...], squares: bool = False) -> None:
    """That `f` is a function with one real number as result, or with an array of residuals."""
    if not callable(f):
        raise ConfigurationError("f is not a function", expected="a function of x", got=repr(f), fix="pass a function")
    leaves = jax.tree.leaves(jax.eval_shape(f, x, *args))
    real = len(leaves) == 1 and jnp.issubdtype(leaves[0].dtype, jnp.floating)
    if not real or (leaves[0].size != 1 and not squares):
        raise DerivativeError(
            "f does not return what was minimized",
            expected="one array of residuals" if squares else "one real number",
            got=", ".join(f"{leaf.dtype} of shape {leaf.shape}" for leaf in leaves) or "nothing",
            fix="return the value alone; sum or average it if it is an array",
        )


def refuse_compiled(name: str, *values: Any) -> None:
    """What answers in words needs numbers, and a compiled program has none before it runs."""
    if not known(*values):
        raise ConfigurationError(
            f"{name} inside a compiled program",
            expected="numbers that are known",
            got="values that are computed when the program runs",
            fix=f"call {name} outside jit and vmap, on what they return",
        )
