"""The multilayer perceptron: its formula, its counts, its errors."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pullback.core.errors import ConfigurationError, ShapeError
from pullback.models import MultilayerPerceptron
from pullback.nn import parameter_count, summary

KEY = jax.random.key(0)


def test_is_its_formula() -> None:
    model = MultilayerPerceptron((2, 3), 4, hidden=(5,), activation="tanh", key=KEY)
    x = np.asarray(jax.random.normal(KEY, (7, 2, 3)))
    first, second = (layer for layer in model.layers if hasattr(layer, "weight"))
    hidden = np.tanh(x.reshape(7, 6) @ np.asarray(first.weight).T + np.asarray(first.bias))
    np.testing.assert_allclose(
        model(jnp.asarray(x)), hidden @ np.asarray(second.weight).T + np.asarray(second.bias), rtol=1e-4, atol=1e-5
    )


def test_number_of_parameters() -> None:
    model = MultilayerPerceptron((28, 28, 1), 10, hidden=(400, 200, 100, 50), key=KEY)
    assert parameter_count(model) == 419_860
    assert parameter_count(MultilayerPerceptron(784, 10, hidden=(128, 128), key=KEY)) == 118_282
    assert [row.path for row in summary(model, (28, 28, 1))][:2] == ["layers[0]", "layers[1]"]


def test_any_number_of_batch_axes() -> None:
    model = MultilayerPerceptron((8, 8, 1), 10, key=KEY)
    assert model(jnp.zeros((8, 8, 1))).shape == (10,)
    assert model(jnp.zeros((2, 5, 8, 8, 1))).shape == (2, 5, 10)


def test_errors() -> None:
    with pytest.raises(ConfigurationError, match="unknown activation 'rellu'"):
        MultilayerPerceptron(4, 3, activation="rellu", key=KEY)
    with pytest.raises(ConfigurationError, match="rate must be a fraction"):
        MultilayerPerceptron(4, 3, dropout=1.5, key=KEY)
    with pytest.raises(ConfigurationError, match="hidden must be a positive integer"):
        MultilayerPerceptron(4, 3, hidden=(8, 0), key=KEY)
    with pytest.raises(ShapeError, match=r"layers\[0\]: Linear\(4, 128\)"):
        MultilayerPerceptron(4, 3, key=KEY)(jnp.zeros((2, 5)))
