r"""The memory of layers: explicit, a plain nested dict of arrays that mirrors the fields of the model.

A layer with memory (batch normalization) derives from `Stateful`. A container has memory if a member has.
"""

from __future__ import annotations

import abc
from typing import Any

import equinox as eqx
import jax
from jax.tree_util import DictKey, GetAttrKey, SequenceKey
from jaxtyping import Array, Shaped


class Stateful(eqx.Module):
    """Interface of a layer with memory: it is called `layer(x, state, ...)` and returns `(y, state)`."""

    @abc.abstractmethod
    def init_state(self) -> dict[str, Array]:
        """The memory before the first training step, one array a name."""


class Transparent(eqx.Module):
    """Interface of a module that stands in for another: names, paths and memory are those of `module`."""

    module: eqx.AbstractVar[Any]


def members(node: Any) -> list[tuple[Any, Any]]:
    """The direct parts of a module, list, tuple or dict, each with its key; an array or a function has none."""
    parts = jax.tree_util.tree_flatten_with_path(node, is_leaf=lambda part: part is not node)[0]
    return [(path[0], part) for path, part in parts if path]


def member_name(key: Any) -> str:
    """Name of a part in the memory: the field's name, or the position in a list as a string."""
    if isinstance(key, GetAttrKey):
        return key.name
    if isinstance(key, SequenceKey):
        return str(key.idx)
    return str(key.key) if isinstance(key, DictKey) else str(key)


def has_memory(module: Any) -> bool:
    """Whether `module` is, or holds anywhere inside, a layer with memory.

    Examples
    --------
    >>> import jax
    >>> from pullback.nn.linear import Linear
    >>> has_memory(Linear(3, 2, key=jax.random.key(0)))
    False
    """
    if isinstance(module, Stateful):
        return True
    return any(has_memory(part) for _, part in members(module))


def init_state(model: Any) -> dict[str, Any]:
    """The memory of a whole model before training; `{}` if it has none.

    The dict mirrors the fields, positions in a list are strings, and only branches with memory appear:
    a `Sequential` whose second layer is a batch normalization has `{"layers": {"1": {"mean": ..., ...}}}`.

    Examples
    --------
    >>> import jax
    >>> from pullback.nn.linear import Linear
    >>> init_state(Linear(3, 2, key=jax.random.key(0)))
    {}
    """
    if isinstance(model, Transparent):
        return init_state(model.module)
    if isinstance(model, Stateful):
        return dict(model.init_state())
    return {member_name(key): init_state(part) for key, part in members(model) if has_memory(part)}


def with_row_weights(state: dict[str, Any], weights: Shaped[Array, " batch"]) -> dict[str, Any]:
    """`state` with the entry `"row_weights"` in the memory of every layer: one weight a row of the batch.

    A row of weight zero (the padding of a last, smaller batch) then leaves the batch statistics alone. The layer
    returns its memory without the entry.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> state = {"layers": {"1": {"mean": jnp.zeros(2)}}}
    >>> with_row_weights(state, jnp.array([1.0, 0.0]))["layers"]["1"]["row_weights"].tolist()
    [1.0, 0.0]
    """
    if any(not isinstance(entry, dict) for entry in state.values()):
        return {**state, "row_weights": weights}
    return {name: with_row_weights(entry, weights) for name, entry in state.items()}
