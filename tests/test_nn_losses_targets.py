"""Targets are checked on the host; the message names row and value."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pullback.core.errors import DataError, PullbackError, ShapeError
from pullback.nn import (
    AbsoluteError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    SquaredError,
    check_targets,
)

CLASSES, BINARY, REAL = CategoricalCrossEntropy(), BinaryCrossEntropy(), SquaredError()


@pytest.mark.parametrize(
    ("loss", "targets", "outputs_shape"),
    [
        (CLASSES, np.array([0, 9, 3]), (3, 10)),
        (CLASSES, np.array([0, 1], np.uint8), (2, 2)),
        (CLASSES, np.array([[0.5, 0.5], [1.0, 0.0]]), (2, 2)),
        (CLASSES, np.array([[0, 1], [1, 1]]), (2, 2, 2)),
        (BINARY, np.array([0, 1]), (2,)),
        (BINARY, np.array([True, False]), (2, 1)),
        (BINARY, np.array([[0.0], [0.7]]), (2, 1)),
        (BINARY, np.array([[0, 1, 1], [1, 0, 0]]), (2, 3)),
        (REAL, np.array([1.5, -2.0]), (2, 1)),
        (AbsoluteError(), np.array([[1.5, 0.0], [-2.0, 1.0]]), (2, 2)),
        (lambda prediction, target: target, np.array([1.0, 2.0]), (2, 7)),
    ],
)
def test_good_targets(loss: Any, targets: np.ndarray, outputs_shape: tuple[int, ...]) -> None:
    check_targets(loss, targets, outputs_shape)


@pytest.mark.parametrize(
    ("loss", "targets", "outputs_shape", "error", "words"),
    [
        (CLASSES, np.array([0, 1, 10, 2]), (4, 10), DataError, "10 in row 2"),
        (CLASSES, np.array([0, -1, 11, 2]), (4, 10), DataError, r"-1 in row 1 \(2 such values\)"),
        (CLASSES, np.array([0.0, 1.5]), (2, 10), DataError, "1.5 in row 1"),
        (CLASSES, np.array([0.0, 1.0]), (2, 10), DataError, r"astype\('int32'\)"),
        (CLASSES, np.array([0.0, np.nan]), (2, 10), DataError, "nan in row 1"),
        (CLASSES, np.array([[0.5, 0.4], [1.0, 0.0]]), (2, 2), DataError, "0.9 in row 0"),
        (CLASSES, np.array([[1.5, -0.5], [1.0, 0.0]]), (2, 2), DataError, "1.5 in row 0, column 0"),
        (CLASSES, np.array([[0], [1]]), (2, 2), ShapeError, r"expected: \(2,\)"),
        (CLASSES, np.array(["cat", "dog"]), (2, 2), DataError, "not numbers"),
        (CLASSES, np.array([0, 1, 1]), (2, 2), ShapeError, "2 targets"),
        (BINARY, np.array([0, 1, 2]), (3, 1), DataError, "2 in row 2"),
        (BINARY, np.array([-1, 1, 1]), (3,), DataError, "-1 in row 0"),
        (BINARY, np.array([0.0, np.nan]), (2,), DataError, "nan in row 1"),
        (BINARY, np.array([0, 1]), (2, 2), ShapeError, r"got: \(2,\)"),
        (REAL, np.array([0.0, np.inf]), (2, 1), DataError, "inf in row 1"),
        (REAL, np.array([0.0, 1.0]), (2, 3), ShapeError, r"expected: \(2, 3\)"),
        (REAL, np.array([1 + 1j, 2]), (2, 1), DataError, "complex"),
        (lambda prediction, target: target, np.array([1.0, np.nan]), (2, 7), DataError, "nan in row 1"),
    ],
)
def test_bad_targets(
    loss: Any, targets: np.ndarray, outputs_shape: tuple[int, ...], error: type[PullbackError], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        check_targets(loss, targets, outputs_shape)
    assert caught.value.fix
