"""Composition: order, keys, and errors that say where."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pullback.core.errors import ConfigurationError, ShapeError
from pullback.core.random import row_keys, split
from pullback.nn import Activation, Dropout, Flatten, Linear, Sequential, relu, softmax


def _linear(inputs: int, outputs: int) -> Linear:
    return Linear(inputs, outputs, key=jax.random.key(inputs * outputs))


def test_is_composition() -> None:
    first, second = _linear(4, 3), _linear(3, 2)
    x = jax.random.normal(jax.random.key(0), (5, 4))
    np.testing.assert_array_equal(Sequential([first, relu, second])(x), second(relu(first(x))))
    np.testing.assert_array_equal(Sequential([])(x), x)
    nested = Sequential([Sequential([first, relu]), second])
    np.testing.assert_array_equal(nested(x), second(relu(first(x))))


def test_bare_functions_become_layers() -> None:
    model = Sequential([relu, lambda x: 2 * x])
    assert all(isinstance(layer, Activation) for layer in model.layers)
    assert model(jnp.asarray([-1.0, 3.0])).tolist() == [0.0, 6.0]


def test_each_member_has_its_own_key() -> None:
    x = jnp.ones((3, 400))
    for key in (jax.random.key(0), row_keys(jax.random.key(0), jnp.arange(3))):
        first, second = split(key, 2)
        y = Sequential([Dropout(0.5), Dropout(0.5)])(x, key=key, training=True)
        once = Dropout(0.5)(x, key=first, training=True)
        np.testing.assert_array_equal(y, Dropout(0.5)(once, key=second, training=True))
        # The same mask twice would keep a half of the entries, two masks keep a quarter.
        assert abs(float((y != 0).mean()) - 0.25) < 0.08


def test_old_style_key() -> None:
    model, x, key = Sequential([Dropout(0.5)]), jnp.ones(20), jax.random.key(0)
    old = model(x, key=jax.random.key_data(key), training=True)
    np.testing.assert_array_equal(old, model(x, key=key, training=True))


def test_shape_error_names_the_place_and_the_producer() -> None:
    model = Sequential([Flatten(), _linear(4, 3), relu, Sequential([softmax, _linear(2, 2)])])
    with pytest.raises(ShapeError) as caught:
        model(jnp.zeros((5, 2, 2)))
    assert str(caught.value).startswith("layers[3].layers[1]: Linear(2, 2) takes 2 features")
    assert "got: (5, 3) float32, produced by" in str(caught.value)
    with pytest.raises(ShapeError) as caught:
        jax.jit(lambda x: model(x))(jnp.zeros((5, 2, 3)))
    assert str(caught.value).startswith("layers[1]: Linear(4, 3) takes 4 features")
    assert "produced by layers[0] (Flatten)" in str(caught.value)


def test_errors_of_construction() -> None:
    with pytest.raises(ConfigurationError, match="member 1 of Sequential is a class"):
        Sequential([relu, Flatten])
    with pytest.raises(ConfigurationError, match="unknown activation"):
        Sequential([relu, Activation("nothing")])
