"""The network for tables: its equation, its start, and class-weighted losses."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pullback.core.errors import ConfigurationError, ShapeError
from pullback.core.random import row_keys
from pullback.models import TabularNetwork
from pullback.nn.losses import BinaryCrossEntropy, CategoricalCrossEntropy, ClassWeighted, SquaredError
from pullback.testing.peers import peer

KEY = jax.random.key(0)


def filled(model: Any) -> Any:
    """The model with every weight drawn at random, the zero ones as well."""
    leaves, structure = jax.tree.flatten(eqx.filter(model, eqx.is_inexact_array))
    keys = jax.random.split(jax.random.key(1), len(leaves))
    drawn = [jax.random.normal(key, leaf.shape, leaf.dtype) for key, leaf in zip(keys, leaves, strict=True)]
    return eqx.combine(jax.tree.unflatten(structure, drawn), model)


def test_starts_at_zero_with_a_gradient_in_both_paths():
    model = TabularNetwork(3, (5,), 2, hidden=(8,), key=KEY)
    x = jnp.concatenate([jax.random.normal(KEY, (6, 3)), jnp.array([[0.0, 1, 2, 3, 4, 4]]).T], 1)
    assert not model(x).any()
    gradient = jax.grad(lambda model: jnp.sum((model(x) - 1) ** 2))(model)
    assert jnp.abs(gradient.linear.weight).min() > 0 and jnp.abs(gradient.head.weight).max() > 0


def test_equation():
    model = filled(TabularNetwork(2, (3, 4), 2, hidden=(5, 6), activation="tanh", key=KEY))
    x = np.array([[0.3, -1.2, 2, 0], [1.0, 0.5, 1, 3]], np.float32)
    first, second = model.embeddings
    u = np.concatenate([x[:, :2], first[x[:, 2].astype(int)], second[x[:, 3].astype(int)]], 1)
    h = u
    for layer in (model.layers[0], model.layers[2]):
        h = np.tanh(h @ np.asarray(layer.weight).T + layer.bias)
    expected = u @ np.asarray(model.linear.weight).T + model.linear.bias + h @ np.asarray(model.head.weight).T
    np.testing.assert_allclose(model(jnp.asarray(x)), expected + model.head.bias, rtol=1e-4, atol=1e-5)


def test_without_hidden_layers_it_is_linear():
    model = filled(TabularNetwork(4, (), 3, hidden=(), key=KEY))
    x = jax.random.normal(KEY, (2, 5, 4))
    np.testing.assert_allclose(model(2 * x) - model(x), model(x) - model(0 * x), atol=1e-5)
    assert model.head is None


def test_dropout_belongs_to_the_row():
    model = filled(TabularNetwork(4, (), 1, hidden=(16,), dropout=0.5, key=KEY))
    x, keys = jax.random.normal(KEY, (6, 4)), row_keys(KEY, jnp.arange(6))
    whole = model(x, key=keys, training=True)
    np.testing.assert_allclose(model(x[2:4], key=keys[2:4], training=True), whole[2:4], rtol=1e-5)
    assert not np.allclose(whole, model(x))


def test_wrong_shapes_and_settings():
    with pytest.raises(ShapeError, match="takes 5 features"):
        TabularNetwork(4, (3,), 1, key=KEY)(jnp.zeros((2, 4)))
    with pytest.raises(ConfigurationError, match="num_numeric"):
        TabularNetwork(0, (), 1, key=KEY)
    with pytest.raises(ConfigurationError, match="one embedding size"):
        TabularNetwork(1, (3, 4), 1, embedding_sizes=(2,), key=KEY)


def test_class_weights_against_torch():
    torch = peer("torch")
    random = np.random.default_rng(0)
    logits, labels = random.normal(size=(20, 3)).astype(np.float32), random.integers(0, 3, 20)
    weights = (0.5, 1.0, 4.0)
    ours = ClassWeighted(CategoricalCrossEntropy(), weights)(jnp.asarray(logits), jnp.asarray(labels, jnp.int32))
    theirs = torch.nn.functional.cross_entropy(
        torch.tensor(logits), torch.tensor(labels), torch.tensor(weights), reduction="none"
    )
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-5)


def test_class_weights_of_a_binary_loss():
    z, t = jnp.array([0.0, 0.0]), jnp.array([0, 1], jnp.int32)
    losses = ClassWeighted(BinaryCrossEntropy(), (2.0, 5.0))(z, t)
    np.testing.assert_allclose(losses, np.log(2) * np.array([2, 5]), rtol=1e-6)
    np.testing.assert_allclose(ClassWeighted(BinaryCrossEntropy(), [2, 5])(z[:, None], t), losses)


def test_bad_class_weights():
    with pytest.raises(ConfigurationError, match="loss of labels"):
        ClassWeighted(SquaredError(), (1.0, 2.0))
    with pytest.raises(ConfigurationError, match="no class weights"):
        ClassWeighted(CategoricalCrossEntropy(), (1.0, -2.0))
