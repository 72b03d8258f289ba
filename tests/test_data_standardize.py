"""Standardization against scikit-learn, and its record."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.preprocessing import StandardScaler

from pullback.core.errors import DataError
from pullback.data import Dataset, Standardize, load, split


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes"])
def test_equals_scikit_learn_fitted_on_the_training_rows(name: str) -> None:
    train, test = split(load(name), {"train": 0.8, "test": 0.2}, seed=1)
    theirs = StandardScaler().fit(train.inputs.astype(np.float64))
    ours = Standardize.fit(train)
    np.testing.assert_allclose(ours.mean, theirs.mean_, rtol=1e-12)
    np.testing.assert_allclose(ours.scale, theirs.scale_, rtol=1e-12)
    np.testing.assert_allclose(
        ours(test).inputs, theirs.transform(test.inputs.astype(np.float64)), rtol=1e-5, atol=1e-6
    )
    assert ours(test).inputs.dtype == np.float32
    np.testing.assert_array_equal(ours(test).indices, test.indices)


def test_images_have_one_mean_a_channel() -> None:
    images = np.random.default_rng(0).normal(size=(5, 4, 3, 2)) * [1, 10] + [5, -3]
    ours = Standardize.fit(Dataset(images, np.zeros(5, int), "classification"))
    theirs = StandardScaler().fit(images.reshape(-1, 2))
    np.testing.assert_allclose(
        ours.transform(images).reshape(-1, 2), theirs.transform(images.reshape(-1, 2)), atol=1e-12
    )


@pytest.mark.parametrize("value", [0.1, 1e8 + 0.1, 0.0])
def test_a_constant_column_becomes_zero(value: float) -> None:
    """The mean of equal numbers may miss them by a rounding, which must not be taken for spread."""
    column = np.full((7, 1), value)
    ours = Standardize.fit(Dataset(column, np.zeros(7, int), "classification"))
    assert ours.scale == (1.0,)
    np.testing.assert_allclose(ours.transform(column), 0, atol=1e-7)


def test_integer_inputs_become_float32() -> None:
    pixels = np.array([[0, 255], [10, 20]], np.uint8)
    ours = Standardize.fit(Dataset(pixels, np.zeros(2, int), "classification"))
    assert ours.transform(pixels).tolist() == [[-1, 1], [1, -1]]
    assert ours.transform(pixels).dtype == np.float32


@given(arrays(np.float64, (6, 3), elements=st.floats(-1e6, 1e6)))
def test_inverse_undoes_and_the_record_is_lossless(inputs: np.ndarray) -> None:
    ours = Standardize.fit(Dataset(inputs, np.zeros(6, int), "classification"))
    np.testing.assert_allclose(ours.inverse(ours.transform(inputs)), inputs, rtol=1e-9, atol=1e-9)
    assert Standardize.from_json(json.loads(json.dumps(ours.to_json()))) == ours


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"kind": "scale", "mean": [0.0], "scale": [1.0]},
        {"kind": "standardize", "mean": [0.0], "scale": ["one"]},
        {"kind": "standardize", "mean": [0.0], "scale": [0.0]},
        {"kind": "standardize", "mean": [0.0, 1.0], "scale": [1.0]},
        {"kind": "standardize", "mean": [float("nan")], "scale": [1.0]},
    ],
)
def test_a_damaged_record_is_refused(record: dict[str, Any]) -> None:
    with pytest.raises(DataError):
        Standardize.from_json(record)


def test_other_features_are_refused() -> None:
    with pytest.raises(DataError, match="last axis of 4"):
        Standardize.fit(load("iris"))(load("wine"))
