"""Every family is rebuilt from its name and plain arguments."""

from __future__ import annotations

import json
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

from pullback.core.errors import ConfigurationError
from pullback.models import FAMILIES, build, describe
from pullback.nn import Linear, has_memory, init_state

PERCEPTRON, CONVOLUTIONAL = "multilayer_perceptron", "convolutional_network"
TABULAR = "tabular_network"
IMAGE = [8, 8, 1]
EXAMPLES: list[tuple[str, dict[str, Any], tuple[int, ...]]] = [
    (PERCEPTRON, {"in_shape": 4, "out_features": 3}, (4,)),
    (PERCEPTRON, {"in_shape": IMAGE, "out_features": 10, "hidden": [], "activation": "tanh"}, (8, 8, 1)),
    (PERCEPTRON, {"in_shape": [6], "out_features": 1, "hidden": [5, 4], "dropout": 0.2}, (6,)),
    (PERCEPTRON, {"in_shape": [6], "out_features": 1, "hidden": [5], "batch_norm": True}, (6,)),
    (TABULAR, {"num_numeric": 4, "cardinalities": [], "out_features": 3}, (4,)),
    (TABULAR, {"num_numeric": 2, "cardinalities": [9, 5], "out_features": 1, "hidden": [6], "dropout": 0.1}, (4,)),
    (CONVOLUTIONAL, {}, (8, 8, 1)),
    (CONVOLUTIONAL, {"channels": [3, 4], "hidden": [5], "batch_norm": True}, (8, 8, 1)),
    (CONVOLUTIONAL, {"in_shape": IMAGE, "channels": [3], "kernel_size": 5, "dropout": 0.5}, (8, 8, 1)),
]
KEY = jax.random.key(0)


def test_every_family_has_an_example() -> None:
    assert {name for name, _, _ in EXAMPLES} == set(FAMILIES)


@pytest.mark.parametrize(("name", "arguments", "in_shape"), EXAMPLES)
def test_round_trip_through_json(name: str, arguments: dict[str, Any], in_shape: tuple[int, ...]) -> None:
    model: Any = build(name, arguments, KEY)
    described = describe(model)
    assert described is not None and described[0] == name
    again: Any = build(described[0], json.loads(json.dumps(described[1])), KEY)
    assert jax.tree.structure(again) == jax.tree.structure(model)
    assert eqx.tree_equal(again, model)
    other = build(described[0], described[1], jax.random.key(1))
    assert jax.tree.structure(other) == jax.tree.structure(model) and not eqx.tree_equal(other, model)


@pytest.mark.parametrize(("name", "arguments", "in_shape"), EXAMPLES)
def test_call(name: str, arguments: dict[str, Any], in_shape: tuple[int, ...]) -> None:
    model: Any = build(name, arguments, KEY)
    x = jax.random.normal(KEY, (4, *in_shape))
    for training in (False, True):
        if has_memory(model):
            y, state = model(x, init_state(model), key=KEY, training=training)
            assert jax.tree.structure(state) == jax.tree.structure(init_state(model))
        else:
            y = model(x, key=KEY, training=training)
        assert y.ndim == 2 and y.shape[0] == 4 and bool(jnp.all(jnp.isfinite(y)))


def test_unknown_names() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'multilayer_perceptron'"):
        build("multilayer_perceptrn", {}, KEY)
    with pytest.raises(ConfigurationError, match="did you mean 'hidden'"):
        build("multilayer_perceptron", {"in_shape": 4, "out_features": 3, "hiden": [3]}, KEY)
    with pytest.raises(ConfigurationError, match="missing a required argument: 'out_features'"):
        build("multilayer_perceptron", {"in_shape": 4}, KEY)
    assert describe(Linear(3, 2, key=KEY)) is None and describe(None) is None
