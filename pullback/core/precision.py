"""Double precision where the caller brought double precision, without touching the process-wide switch."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from pullback.core.errors import ConfigurationError

Parameters = ParamSpec("Parameters")


def double_precision(function: Callable[Parameters, Any]) -> Callable[Parameters, Any]:
    """Run `function` wholly in float64 when its arrays come from the host, and return NumPy.

    NumPy arrays, Python numbers and sequences of them are host data: the call runs inside `jax.enable_x64(True)` and
    every array of the result is NumPy, so that no float64 JAX array leaves while the switch is off. If any argument
    is a JAX array, the call follows that array's precision and is left alone; a random key has no precision and
    decides nothing.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> @double_precision
    ... def third(x):
    ...     return jnp.asarray(x) / 3
    >>> third(1.0).dtype
    dtype('float64')
    >>> third(jnp.float32(1.0)).dtype
    dtype('float32')
    """

    @functools.wraps(function)
    def wrapped(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Any:
        if any(_decides(leaf) for leaf in jax.tree.leaves((args, kwargs))):
            return function(*args, **kwargs)
        with jax.enable_x64(True):
            result = function(*args, **kwargs)
            return jax.tree.map(lambda leaf: _to_host(leaf, function), result)

    return wrapped


def _to_host(leaf: Any, function: Callable[..., Any]) -> Any:
    if isinstance(leaf, Tracer):
        raise ConfigurationError(
            f"{function.__name__} cannot return NumPy inside a compiled program",
            expected="a JAX array among its arguments there",
            got="only NumPy arrays and Python numbers, and a function that uses values of the program",
            fix="pass one argument through jnp.asarray, or a key from jax.random.key",
        )
    return np.asarray(leaf) if isinstance(leaf, jax.Array) else leaf


def _decides(leaf: Any) -> bool:
    # Inside a traced program nothing can become NumPy, so there a key too leaves the call alone.
    is_key = isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    return isinstance(leaf, jax.Array) and (not is_key or isinstance(leaf, Tracer))
