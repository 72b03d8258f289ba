"""Flatten joins axes in row-major order."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from pullback.core.errors import ShapeError
from pullback.nn import Flatten


def test_row_major_order() -> None:
    x = np.arange(24).reshape(2, 3, 4)
    np.testing.assert_array_equal(Flatten()(jnp.asarray(x)), x.reshape(2, 12))
    np.testing.assert_array_equal(Flatten(-2)(jnp.asarray(x)), x.reshape(2, 12))
    np.testing.assert_array_equal(Flatten(0)(jnp.asarray(x)), x.reshape(24))


def test_empty_batch_and_single_axis() -> None:
    assert Flatten()(jnp.zeros((0, 3, 4))).shape == (0, 12)
    assert Flatten()(jnp.zeros((5, 3))).shape == (5, 3)


def test_missing_axis() -> None:
    with pytest.raises(ShapeError, match="at least 2 axes"):
        Flatten()(jnp.zeros(3))
    with pytest.raises(ShapeError, match="at least 3 axes"):
        Flatten(-3)(jnp.zeros((3, 3)))
