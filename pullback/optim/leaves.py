"""One pass over the leaves of several trees of the same structure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from pullback.core.errors import ConfigurationError


def map_leaves(function: Callable[..., tuple[Any, ...]], tree: Any, *others: Any) -> tuple[Any, ...]:
    """Trees of the first, second, ... results of `function`, which sees each leaf once.

    Moments and update come from one visit of a parameter, so XLA can write them in one loop.

    Examples
    --------
    >>> map_leaves(lambda a, b: (a + b, a - b), {"x": 3}, {"x": 1})
    ({'x': 4}, {'x': 2})
    """
    leaves, structure = jax.tree.flatten(tree)
    columns = [structure.flatten_up_to(other) for other in others]
    results = [function(*row) for row in zip(leaves, *columns, strict=True)]
    return tuple(structure.unflatten(column) for column in zip(*results, strict=True))


def zeros_like(params: Any) -> Any:
    """A zero for every parameter, in its shape and dtype."""
    return jax.tree.map(jnp.zeros_like, params)


def no_steps() -> jax.Array:
    """Number of updates made so far: none."""
    return jnp.zeros((), jnp.int32)


def required(params: Any, method: str) -> Any:
    """The parameters, for a method whose update depends on them.

    Raises
    ------
    ConfigurationError
        if the caller left them out.
    """
    if params is None:
        raise ConfigurationError(
            f"{method} needs the parameters to compute an update",
            expected="update(gradient, state, params)",
            got="update(gradient, state)",
            fix="pass the parameters as the third argument",
        )
    return params
