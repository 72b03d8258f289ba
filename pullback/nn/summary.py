"""What a model is made of: one row a layer with shapes, parameters and multiply-adds."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from pullback.nn.multiply_adds import multiply_adds
from pullback.nn.probe import layer_type, probe
from pullback.nn.state import has_memory, init_state


@dataclasses.dataclass(frozen=True)
class LayerSummary:
    """One layer: shapes of one example (without the batch axis), and what is its own, not its members'."""

    path: str
    type: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    parameters: int
    multiply_adds: int


def parameter_count(model: Any) -> int:
    """Number of real parameters: the sizes of all floating-point arrays of the model.

    Examples
    --------
    >>> from pullback.nn import Linear
    >>> parameter_count(Linear(784, 400, key=jax.random.key(0)))
    314000
    """
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(eqx.filter(model, eqx.is_inexact_array)))


def summary(model: Any, input_shape: Sequence[int], dtype: DTypeLike = jnp.float32) -> tuple[LayerSummary, ...]:
    r"""The layers of `model` in the order of their calls, for one example of `input_shape` (no batch axis).

    Nothing is computed: the model is traced for inference with a batch of one. Each row counts its own parameters and
    multiply-adds, so the columns add up to the model's; a container appears only if it owns some. Multiply-adds are
    those of matrix products and convolutions in the traced program (`multiply_adds`), so any module is counted.

    Errors
    ------
    `ShapeError` that names the layer if `input_shape` does not fit the model.

    Examples
    --------
    >>> from pullback.nn import Linear, Sequential, relu
    >>> keys = jax.random.split(jax.random.key(0))
    >>> model = Sequential([Linear(784, 100, key=keys[0]), relu, Linear(100, 10, key=keys[1])])
    >>> for row in summary(model, (784,)):
    ...     print(row.path, row.type, row.output_shape, row.parameters, row.multiply_adds)
    layers[0] Linear (100,) 78500 78400
    layers[1] Activation(relu) (100,) 0 0
    layers[2] Linear (10,) 1010 1000
    """
    visits: dict[str, LayerSummary] = {}

    def visit(path: str, module: Any, x: Any, y: Any) -> Any:
        visits.setdefault(
            path, LayerSummary(path, layer_type(module), _example(x), _example(y), parameter_count(module), 0)
        )
        return y

    program = trace(probe(model, visit), (1, *input_shape), dtype)
    work = multiply_adds(program)
    rows = [_own(row, visits, work[row.path]) for row in _call_order(visits)]
    return tuple(row for row in rows if row.parameters or row.multiply_adds or not _members_of(row.path, visits))


def trace(model: Any, input_shape: Sequence[int], dtype: DTypeLike) -> Any:
    """The program of one inference call, whether or not the model has memory."""
    x = jax.ShapeDtypeStruct(tuple(input_shape), dtype)
    if has_memory(model):
        state = jax.eval_shape(lambda: init_state(model))
        return jax.make_jaxpr(lambda x, state: model(x, state, training=False)[0])(x, state)
    return jax.make_jaxpr(lambda x: model(x, training=False))(x)


def _example(value: Any) -> tuple[int, ...]:
    return tuple(value.shape[1:]) if hasattr(value, "shape") else ()


def _members_of(path: str, visits: dict[str, LayerSummary]) -> list[str]:
    return [other for other in visits if other != path and (not path or other.startswith((f"{path}.", f"{path}[")))]


def _own(row: LayerSummary, visits: dict[str, LayerSummary], work: int) -> LayerSummary:
    """`row` less the parameters of its nearest members; the program's scopes are those of the nearest layer already."""
    inside = _members_of(row.path, visits)
    nearest = [path for path in inside if not any(path in _members_of(other, visits) for other in inside)]
    below = sum(visits[path].parameters for path in nearest)
    return dataclasses.replace(row, parameters=row.parameters - below, multiply_adds=work)


def _call_order(visits: dict[str, LayerSummary]) -> list[LayerSummary]:
    """Members finish before their container; put the container in front of the first of them."""
    finished = {path: position for position, path in enumerate(visits)}

    def place(path: str) -> tuple[int, int]:
        inside = _members_of(path, visits)
        return min(finished[other] for other in [path, *inside]), -len(inside)

    return [visits[path] for path in sorted(visits, key=place)]
