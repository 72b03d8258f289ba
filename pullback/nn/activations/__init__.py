"""Activation functions: free functions of an array, named in every trace, and a literal table of their names."""

from __future__ import annotations

from collections.abc import Callable

import jax
from jaxtyping import Array, Float

from pullback.core.errors import ConfigurationError, unknown_name
from pullback.nn.activations.rectifiers import celu, elu, leaky_relu, relu, relu6, selu
from pullback.nn.activations.sigmoids import hard_sigmoid, hard_tanh, log_sigmoid, sigmoid, softsign, tanh
from pullback.nn.activations.smooth_rectifiers import gelu, gelu_tanh, hard_swish, mish, silu, softplus
from pullback.nn.activations.softmaxes import log_softmax, log_sum_exp, softmax

__all__ = [
    "ACTIVATIONS",
    "celu",
    "elu",
    "gelu",
    "gelu_tanh",
    "get_activation",
    "hard_sigmoid",
    "hard_swish",
    "hard_tanh",
    "identity",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "log_sum_exp",
    "mish",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "tanh",
]


@jax.jit
def identity(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""\(x\) itself.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> [round(value, 4) for value in identity(jnp.array([-1.0, 2.0])).tolist()]
    [-1.0, 2.0]
    """
    return x


ACTIVATIONS: dict[str, Callable[..., Array]] = {
    "celu": celu,
    "elu": elu,
    "gelu": gelu,
    "gelu_tanh": gelu_tanh,
    "hard_sigmoid": hard_sigmoid,
    "hard_swish": hard_swish,
    "hard_tanh": hard_tanh,
    "identity": identity,
    "leaky_relu": leaky_relu,
    "log_sigmoid": log_sigmoid,
    "log_softmax": log_softmax,
    "mish": mish,
    "relu": relu,
    "relu6": relu6,
    "selu": selu,
    "sigmoid": sigmoid,
    "silu": silu,
    "softmax": softmax,
    "softplus": softplus,
    "softsign": softsign,
    "tanh": tanh,
}


def get_activation(name_or_function: str | Callable[..., Array]) -> Callable[..., Array]:
    """The activation of that name, or the function itself.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> float(get_activation("relu")(jnp.float32(-1)))
    0.0
    """
    if isinstance(name_or_function, str):
        if name_or_function not in ACTIVATIONS:
            raise unknown_name("activation", name_or_function, ACTIVATIONS)
        return ACTIVATIONS[name_or_function]
    if not callable(name_or_function):
        raise ConfigurationError(
            "an activation is a name or a function of one array",
            expected=f"one of {', '.join(ACTIVATIONS)}, or a function",
            got=repr(name_or_function),
            fix="pass a name or a function",
        )
    return name_or_function
