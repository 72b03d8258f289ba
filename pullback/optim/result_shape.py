"""What a function returns, without running it."""

from __future__ import annotations

from typing import Any

import jax

from pullback.core.errors import ConfigurationError, DerivativeError

# A function that asks for the value of its argument while it is being compiled.
UNKNOWN_VALUE = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)


def result_shape(f: Any, x: Any, args: tuple[Any, ...], name: str = "f") -> Any:
    """The shapes and types that `f` returns; an error where it is no function, or needs its numbers for that."""
    if not callable(f):
        raise ConfigurationError(
            f"{name} is not a function",
            expected="a function written in JAX",
            got="a value that cannot be called",
            fix="pass the function itself, not its value",
        )
    try:
        return jax.eval_shape(f, x, *args)
    except UNKNOWN_VALUE as error:
        raise DerivativeError(
            f"{name} needs the numbers of its argument before they are known",
            expected="operations of jax.numpy from the argument to the result",
            got="an `if`, a loop, `float()` or a function of NumPy on a value that depends on the argument",
            fix="write jnp for np, and jnp.where for the choice; the line is in the error above this one",
        ) from error
