"""Layers one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
from jaxtyping import Array

from pullback.core.errors import ConfigurationError, ShapeError
from pullback.core.random import split
from pullback.nn.activation import Activation
from pullback.nn.inputs import typed_key
from pullback.nn.state import has_memory


class Sequential(eqx.Module):
    r"""Composition \(y = f_n(\cdots f_2(f_1(x)))\).

    Parameters
    ----------
    layers : modules, called in this order; a bare function (`relu`) becomes `Activation(function)`.

    Call
    ----
    `y = model(x, key=key, training=training)` if no member has memory, otherwise
    `y, state = model(x, state, key=key, training=training)` with `state` from `init_state(model)`. Each member gets
    its own key. A `ShapeError` of a member names it (`layers[2]`) and the member before it.

    Examples
    --------
    >>> import jax, jax.numpy as jnp
    >>> from pullback.nn.activations import relu
    >>> from pullback.nn.linear import Linear
    >>> keys = jax.random.split(jax.random.key(0))
    >>> model = Sequential([Linear(4, 8, key=keys[0]), relu, Linear(8, 3, key=keys[1])])
    >>> model(jnp.ones((5, 4))).shape
    (5, 3)
    """

    layers: tuple[Any, ...]

    def __init__(self, layers: Sequence[eqx.Module | Callable[..., Any]]) -> None:
        self.layers = tuple(_as_layer(position, layer) for position, layer in enumerate(layers))

    def __call__(
        self, x: Array, state: dict[str, Any] | None = None, *, key: Array | None = None, training: bool = False
    ) -> Any:
        return call_in_order(self.layers, x, state, key=key, training=training)


def call_in_order(
    layers: tuple[Any, ...],
    x: Array,
    state: dict[str, Any] | None,
    *,
    key: Array | None = None,
    training: bool = False,
) -> Any:
    r"""\(f_n(\cdots f_1(x))\) for a model whose field `layers` holds the members.

    Returns `y`, or `(y, state)` with `state = {"layers": {position: memory}}` if a member has memory.
    """
    remembering = [str(position) for position, layer in enumerate(layers) if has_memory(layer)]
    memory = _memory(remembering, state)
    keys = split(None if key is None else typed_key(key), len(layers))
    for position, (layer, layer_key) in enumerate(zip(layers, keys, strict=True)):
        try:
            if str(position) in remembering:
                x, memory[str(position)] = layer(x, memory[str(position)], key=layer_key, training=training)
            else:
                x = layer(x, key=layer_key, training=training)
        except ShapeError as error:
            producer = f"layers[{position - 1}] ({type(layers[position - 1]).__name__})" if position else None
            error.within(f"layers[{position}]", producer=producer)
            raise
    return (x, {"layers": memory}) if remembering else x


def _as_layer(position: int, layer: Any) -> eqx.Module:
    if isinstance(layer, eqx.Module) and callable(layer):
        return layer
    if not callable(layer):
        raise ConfigurationError(
            f"member {position} of Sequential cannot be called",
            expected="a layer or a function of one array",
            got=repr(layer),
            fix="pass layers such as Linear(...) or functions such as relu",
        )
    if isinstance(layer, type):
        raise ConfigurationError(
            f"member {position} of Sequential is a class, not a layer",
            expected=f"{layer.__name__}(...)",
            got=layer.__name__,
            fix="build the layer with its arguments",
        )
    function: Any = layer
    return Activation(function)


def _memory(remembering: list[str], state: Any) -> dict[str, Any]:
    """The memories of the members by position, or an error if the call does not fit the model."""
    if not remembering and state:
        raise ConfigurationError(
            "this model has no memory but was given a state",
            expected="y = model(x)",
            got="model(x, state)",
            fix="leave the state out; pullback.nn.has_memory(model) tells which call a model takes",
        )
    if not remembering:
        return {}
    memory = state.get("layers") if isinstance(state, dict) else None
    if not isinstance(memory, dict) or set(memory) != set(remembering):
        found = "no state" if state is None else "a state of another model"
        raise ConfigurationError(
            "this model has memory and was called without it" if state is None else "the state does not fit",
            expected=f"y, state = model(x, state), with a memory for the layers {', '.join(remembering)}",
            got=found,
            fix="state = pullback.nn.init_state(model) before the first call, then pass on what each call returns",
        )
    return dict(memory)
