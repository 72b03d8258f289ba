"""The affine layer: its law of starting values and its errors."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from pullback.core.errors import ConfigurationError, ShapeError
from pullback.nn import Linear


def test_affine_map() -> None:
    layer = Linear(2, 2, key=jax.random.key(0))
    y = layer(jnp.eye(2)) - layer(jnp.zeros((2, 2)))
    np.testing.assert_allclose(y, layer.weight.T, atol=1e-6)
    assert layer.bias is not None
    np.testing.assert_array_equal(layer(jnp.zeros(2)), layer.bias)
    assert Linear(2, 3, use_bias=False, key=jax.random.key(0)).bias is None


def test_starts_as_pytorch_does() -> None:
    layer = Linear(50, 4000, key=jax.random.key(2))
    law = scipy.stats.uniform(-(50**-0.5), 2 * 50**-0.5)
    assert layer.bias is not None
    assert scipy.stats.kstest(np.asarray(layer.weight).ravel(), law.cdf).pvalue > 1e-3
    assert scipy.stats.kstest(np.asarray(layer.bias), law.cdf).pvalue > 1e-3


def test_errors_name_the_layer_and_the_sizes() -> None:
    layer = Linear(3, 2, key=jax.random.key(0))
    with pytest.raises(ShapeError) as caught:
        layer(jnp.zeros((5, 4)))
    assert str(caught.value).splitlines() == [
        "Linear(3, 2) takes 3 features on the last axis, not 4",
        "  expected: (..., 3)",
        "  got: (5, 4) float32",
        "  to do: give Linear(3, 2) in_features=4 or change what comes before it",
    ]
    with pytest.raises(ShapeError, match=r"x.astype\('float32'\)"):
        layer(jnp.zeros((5, 3), jnp.int32))
    with pytest.raises(ConfigurationError, match="out_features must be a positive integer"):
        Linear(3, 0, key=jax.random.key(0))
