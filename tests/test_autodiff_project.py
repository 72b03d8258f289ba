"""Our differentiator on every activation, loss and model of the library, against JAX's."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pullback.core.random import row_keys
from pullback.models import FAMILIES, build
from pullback.nn import ACTIVATIONS, LOSSES, get_loss, has_memory, init_state
from pullback.testing.layers import assert_same_gradient

TOLERANCES = [pytest.param(False, id="float32"), pytest.param(True, id="float64")]

MODELS: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "convolutional_network": ({"in_shape": [8, 8, 1], "num_classes": 3, "channels": [4, 6], "hidden": [5]}, (8, 8, 1)),
    "multilayer_perceptron": ({"in_shape": [4], "out_features": 3, "hidden": [6, 5], "dropout": 0.2}, (4,)),
    "tabular_network": ({"num_numeric": 4, "cardinalities": [], "out_features": 3, "hidden": [6]}, (4,)),
}


def test_every_family_of_models_is_here():
    assert set(MODELS) == set(FAMILIES)


@pytest.mark.parametrize("double", TOLERANCES)
@pytest.mark.parametrize("name", MODELS)
def test_model_with_its_loss(name, double):
    arguments, shape = MODELS[name]
    with jax.enable_x64(double):
        model = build(name, arguments, jax.random.key(0))
        dtype = jnp.float64 if double else jnp.float32
        # Off zero, where a layer that starts at zero would hide what lies behind it.
        model = jax.tree.map(lambda a: a.astype(dtype) + 0.01 if eqx.is_inexact_array(a) else a, model)
        x = jax.random.normal(jax.random.key(1), (6, *shape), dtype)
        keys = row_keys(jax.random.key(2), jnp.arange(6))
        arrays, rest = eqx.partition(model, eqx.is_inexact_array)
        loss = get_loss("categorical_cross_entropy")

        def value(arrays):
            model = eqx.combine(arrays, rest)
            if has_memory(model):
                y = model(x, init_state(model), key=keys, training=True)[0]
            else:
                y = model(x, key=keys, training=True)
            return jnp.mean(loss(y, jnp.arange(6) % 3))

        assert_same_gradient(value, arrays, 1e-12 if double else 1e-5)


@pytest.mark.parametrize("double", TOLERANCES)
@pytest.mark.parametrize("name", LOSSES)
def test_loss(name, double):
    loss = get_loss(name)
    random = np.random.default_rng(0)
    shape = (5, 3) if loss.target_kind == "class_index" else (5,)
    target = {"class_index": np.array([0, 2, 1, 1, 0]), "binary": np.array([0, 1, 1, 0, 1])}.get(loss.target_kind)
    with jax.enable_x64(double):
        z = jnp.asarray(random.normal(size=shape) * 3, jnp.float64 if double else jnp.float32)
        y = jnp.asarray(random.normal(size=shape), z.dtype) if target is None else jnp.asarray(target)
        assert_same_gradient(lambda z: jnp.sum(loss(z, y) ** 2), z, 1e-12 if double else 1e-5)


@pytest.mark.parametrize("double", TOLERANCES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name, double):
    with jax.enable_x64(double):
        # Kinks included: at 0, and at the corners of the piecewise linear ones.
        x = jnp.linspace(-8, 8, 33, dtype=jnp.float64 if double else jnp.float32).reshape(3, 11)
        function = ACTIVATIONS[name]
        assert_same_gradient(lambda x: jnp.sum(jnp.sin(x) * function(x)), x, 1e-12 if double else 1e-5)
