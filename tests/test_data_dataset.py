"""Data sets: what is checked, what is refused with row and value, and the bundled sources."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn import datasets

from pullback.core.errors import ConfigurationError, DataError
from pullback.data import BUNDLED, Dataset, epoch_order, load, sha256


def table(**changes: Any) -> Dataset:
    fields: dict[str, Any] = {
        "inputs": np.arange(12, dtype=np.float32).reshape(4, 3),
        "targets": np.array([0, 1, 2, 1]),
        "task": "classification",
        "name": "small",
        "class_names": ("a", "b", "c"),
        "feature_names": ("x", "y", "z"),
    }
    return Dataset(**(fields | changes))


def with_bad_value() -> np.ndarray:
    inputs = np.ones((4, 3), np.float32)
    inputs[2, 1] = np.inf
    return inputs


REFUSED = {
    "not finite": (lambda: table(inputs=with_bad_value()), DataError, ["row 2, column 1 ('y')", "inf"]),
    "image not finite": (
        lambda: table(inputs=np.full((4, 2, 2, 1), np.nan), feature_names=None),
        DataError,
        ["row 0, position (0, 0, 0)", "16 values of 16"],
    ),
    "label too large": (lambda: table(targets=np.array([0, 1, 7, 1])), DataError, ["row 2", "7", "0 .. 2"]),
    "label negative": (lambda: table(targets=np.array([0, -1, 2, 1])), DataError, ["row 1", "-1"]),
    "label real": (lambda: table(targets=np.array([0.0, 1.0, 2.0, 1.0])), DataError, ["float64", "return_inverse"]),
    "label text": (lambda: table(targets=np.array(["a", "b", "c", "b"])), DataError, ["'a'"]),
    "binary with three": (lambda: table(task="binary"), ConfigurationError, ["3 class names"]),
    "target not finite": (
        lambda: table(task="regression", targets=np.array([0, np.nan, 1, 2])),
        DataError,
        ["targets of 'small'", "row 1"],
    ),
    "ragged": (lambda: table(targets=np.array([0, 1])), DataError, ["4 targets"]),
    "empty": (lambda: table(inputs=np.ones((0, 3)), targets=np.ones(0, int)), DataError, ["empty"]),
    "vector": (lambda: table(inputs=np.ones(4)), DataError, ["inputs[:, None]"]),
    "text": (lambda: table(inputs=np.array([["a"]] * 4)), DataError, ["numbers"]),
    "feature names": (lambda: table(feature_names=("x",)), DataError, ["1 names"]),
    "row ids": (lambda: table(indices=np.arange(3)), DataError, ["4 integers"]),
    "task": (lambda: table(task="clasification"), ConfigurationError, ["did you mean 'classification'"]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_used_is_refused_with_its_place(name: str) -> None:
    make, error, parts = REFUSED[name]
    with pytest.raises(error) as caught:
        make()
    for part in parts:
        assert part in str(caught.value)


def test_a_large_finite_table_whose_sum_overflows_is_accepted() -> None:
    assert len(table(inputs=np.full((4, 3), 3e38, np.float32))) == 4


def test_kinds_of_target() -> None:
    assert table().targets.dtype == np.int32
    assert table(task="regression", class_names=None).targets.dtype == np.float32
    assert table(task="regression", targets=np.ones((4, 2))).targets.dtype == np.float64
    binary = table(task="binary", class_names=None, targets=np.array([True, False, True, True]))
    assert (binary.class_names, binary.targets.tolist()) == (("0", "1"), [1, 0, 1, 1])
    assert table(class_names=None).class_names == ("0", "1", "2")
    assert table(task="regression").num_classes is None


def test_taken_rows_keep_their_names_and_row_ids() -> None:
    part = table().take([3, 0]).take([0])
    assert part.indices.tolist() == [3]
    assert part.inputs.tolist() == [[9, 10, 11]]
    assert (part.num_classes, part.feature_names) == (3, ("x", "y", "z"))


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_data_are_those_of_scikit_learn(name: str) -> None:
    ours, theirs = load(name), getattr(datasets, f"load_{name}")()
    data = theirs.data / 16 if name == "digits" else theirs.data
    np.testing.assert_allclose(ours.inputs.reshape(data.shape), data, rtol=1e-6)
    np.testing.assert_array_equal(ours.targets, theirs.target)
    assert ours.inputs.dtype == np.float32
    assert ours.name == name
    if ours.class_names is not None and ours.inputs.ndim == 2:
        assert ours.class_names == tuple(theirs.target_names)
    if ours.inputs.ndim == 2:
        assert ours.feature_names == tuple(theirs.feature_names)


def test_unknown_data_set_is_named() -> None:
    with pytest.raises(ConfigurationError, match="digits"):
        load("digit")


def test_hash_is_of_content_and_not_of_layout() -> None:
    data = table()
    swapped = table(inputs=data.inputs.astype(">f4"))
    columns = table(inputs=np.asfortranarray(data.inputs))
    assert sha256(data) == sha256(swapped) == sha256(columns) == sha256(table(name="other"))
    changed = data.inputs.copy()
    changed[3, 2] = np.nextafter(changed[3, 2], np.float32(np.inf))
    others = [
        table(inputs=changed),
        table(targets=np.array([0, 1, 1, 2])),
        table(inputs=data.inputs.astype(np.float64)),
        table(inputs=data.inputs.reshape(4, 3, 1), feature_names=None),
    ]
    assert len({sha256(other) for other in [data, *others]}) == 5


def test_epoch_order_is_a_permutation_of_its_own_for_each_seed_and_epoch() -> None:
    orders = [epoch_order(seed, epoch, 50) for seed in range(3) for epoch in range(3)]
    assert all(sorted(order.tolist()) == list(range(50)) for order in orders)
    assert len({order.tobytes() for order in orders}) == 9
    np.testing.assert_array_equal(orders[4], epoch_order(1, 1, 50))
    assert orders[0].dtype == np.int32
