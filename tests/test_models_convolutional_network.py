"""The convolutional network: sizes, counts in closed form, errors."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pullback.core.errors import ConfigurationError, ShapeError
from pullback.models import ConvolutionalNetwork
from pullback.nn import parameter_count, summary

KEY = jax.random.key(0)


def test_counts_in_closed_form() -> None:
    model = ConvolutionalNetwork((28, 28, 1), 10, key=KEY)
    rows = summary(model, (28, 28, 1))
    convolutions = (9 * 1 * 32 + 32) + (9 * 32 * 64 + 64)
    dense = (7 * 7 * 64 * 128 + 128) + (128 * 10 + 10)
    assert parameter_count(model) == sum(row.parameters for row in rows) == convolutions + dense == 421_642
    work = 28 * 28 * 9 * 32 + 14 * 14 * 9 * 32 * 64 + 7 * 7 * 64 * 128 + 128 * 10
    assert sum(row.multiply_adds for row in rows) == work
    assert [row.output_shape for row in rows if row.type == "MaxPool"] == [(14, 14, 32), (7, 7, 64)]


def test_odd_sizes_round_down() -> None:
    model = ConvolutionalNetwork((7, 9, 3), 2, channels=(4, 5), hidden=(), kernel_size=5, key=KEY)
    assert model(jnp.zeros((6, 7, 9, 3))).shape == (6, 2)
    assert summary(model, (7, 9, 3))[-1].input_shape == (1 * 2 * 5,)


def test_batch_axes() -> None:
    model = ConvolutionalNetwork(channels=(4,), hidden=(8,), key=KEY)
    x = jax.random.normal(KEY, (2, 3, 8, 8, 1))
    y = model(x)
    assert y.shape == (2, 3, 10)
    np.testing.assert_allclose(y[1, 2], model(x[1, 2]), rtol=1e-4, atol=1e-5)


def test_errors() -> None:
    with pytest.raises(ConfigurationError, match="4 poolings leave nothing of an image of 8 by 8"):
        ConvolutionalNetwork(channels=(4, 4, 4, 4), key=KEY)
    with pytest.raises(ConfigurationError, match="three entries"):
        ConvolutionalNetwork((8, 8), key=KEY)
    with pytest.raises(ConfigurationError, match="kernel_size must be odd"):
        ConvolutionalNetwork(kernel_size=4, key=KEY)
    with pytest.raises(ShapeError, match=r"layers\[0\]: Conv2d"):
        ConvolutionalNetwork(key=KEY)(jnp.zeros((5, 8, 8, 3)))
