"""Dropout: frequencies, expectation, shared masks, keys of rows."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pullback.core.errors import ConfigurationError, ShapeError
from pullback.core.random import row_keys
from pullback.nn import Dropout

KEY = jax.random.key(0)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("rows", [False, True])
def test_frequency_and_scale(rate: float, rows: bool) -> None:
    x = jnp.ones((200, 500))
    key = row_keys(KEY, jnp.arange(200)) if rows else KEY
    y = np.asarray(Dropout(rate)(x, key=key, training=True))
    deviation = math.sqrt(rate * (1 - rate) / y.size)
    assert abs((y == 0).mean() - rate) < 5 * deviation
    np.testing.assert_allclose(y[y != 0], 1 / (1 - rate), rtol=1e-6)


@pytest.mark.parametrize("scaling", ["inverted", "classic"])
def test_inference_is_the_expectation_of_training(scaling: Any) -> None:
    layer = Dropout(0.3, scaling=scaling)
    x = jnp.asarray([[1.0, -2.0, 3.0]])
    draws = jax.vmap(lambda key: layer(x, key=key, training=True))(jax.random.split(KEY, 20_000))
    # A Bernoulli mean over 20,000 draws: five standard errors of an entry of size 3/0.7.
    np.testing.assert_allclose(draws.mean(0), layer(x), atol=5 * 3 / 0.7 * math.sqrt(0.21 / 20_000))


def test_inference_and_rate_zero_need_no_key() -> None:
    x = jnp.arange(6.0)
    np.testing.assert_array_equal(Dropout(0.5)(x), x)
    np.testing.assert_array_equal(Dropout(0.0)(x, training=True), x)
    np.testing.assert_allclose(Dropout(0.25, scaling="classic")(x), 0.75 * x)


def test_shared_axes_share_one_draw() -> None:
    x = jnp.ones((4, 5, 5, 8))
    channels = np.asarray(Dropout(0.5, shared_axes=(1, 2))(x, key=KEY, training=True))
    assert (channels == channels[:, :1, :1, :]).all() and 0 < channels.mean() < 2
    rows = row_keys(KEY, jnp.arange(4))
    times = np.asarray(Dropout(0.5, shared_axes=(-3,))(x, key=rows, training=True))
    assert (times == times[:, :1]).all() and not (times == times[:, :, :1]).all()


def test_not_a_number_does_not_leak_out_of_dropped_entries() -> None:
    y = Dropout(0.5)(jnp.full(100, jnp.nan), key=KEY, training=True)
    assert 20 < int(jnp.isnan(y).sum()) < 80


def test_old_style_key() -> None:
    y = Dropout(0.5)(jnp.ones(8), key=jax.random.key_data(KEY), training=True)
    np.testing.assert_array_equal(y, Dropout(0.5)(jnp.ones(8), key=KEY, training=True))


def test_errors() -> None:
    with pytest.raises(ConfigurationError, match="needs a random key"):
        Dropout(0.5)(jnp.ones(3), training=True)
    with pytest.raises(ConfigurationError, match="rate must be a fraction"):
        Dropout(1.0)
    with pytest.raises(ConfigurationError, match="unknown scaling"):
        Dropout(0.5, scaling="other")
    with pytest.raises(ShapeError, match="one key a row"):
        Dropout(0.5)(jnp.ones((3, 2)), key=row_keys(KEY, jnp.arange(4)), training=True)
    with pytest.raises(ShapeError, match="share its mask"):
        Dropout(0.5, shared_axes=(2,))(jnp.ones((3, 2)), key=KEY, training=True)
    with pytest.raises(ShapeError, match="share its mask"):
        Dropout(0.5, shared_axes=(0,))(jnp.ones((3, 2)), key=row_keys(KEY, jnp.arange(3)), training=True)
