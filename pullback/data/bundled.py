"""Data sets that come with scikit-learn, by name, so that a first run needs no network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import datasets

from pullback.core.errors import unknown_name
from pullback.data.dataset import Dataset


def _digits() -> Dataset:
    source: Any = datasets.load_digits()
    # Each pixel counts the dark cells of a 4 x 4 block, so 16 is full ink.
    images = (source.images / 16).astype(np.float32)[..., None]
    return Dataset(images, source.target, "classification", "digits", tuple(map(str, range(10))))


def _table(name: str, loader: Callable[[], Any]) -> Dataset:
    source = loader()
    inputs, names = source.data.astype(np.float32), tuple(map(str, source.feature_names))
    if "target_names" in source:
        classes = tuple(map(str, source.target_names))
        return Dataset(inputs, source.target, "classification", name, classes, names)
    return Dataset(inputs, source.target.astype(np.float32), "regression", name, None, names)


BUNDLED: dict[str, Callable[[], Dataset]] = {
    "breast_cancer": lambda: _table("breast_cancer", datasets.load_breast_cancer),
    "diabetes": lambda: _table("diabetes", datasets.load_diabetes),
    "digits": _digits,
    "iris": lambda: _table("iris", datasets.load_iris),
    "wine": lambda: _table("wine", datasets.load_wine),
}


def load(name: str) -> Dataset:
    """The bundled data set `name`.

    | name | inputs (float32) | targets |
    |---|---|---|
    | digits | (1797, 8, 8, 1), ink in [0, 1] | 10 classes |
    | iris | (150, 4), centimeters | 3 classes |
    | wine | (178, 13) | 3 classes |
    | breast_cancer | (569, 30) | 2 classes |
    | diabetes | (442, 10), scaled by its source | disease progression, real |

    Tables come in the units of their source; `Standardize` is a step of its own.

    Raises
    ------
    ConfigurationError
        for a name outside the table.

    Examples
    --------
    >>> digits = load("digits")
    >>> digits.inputs.shape, digits.inputs.dtype.name, float(digits.inputs.max()), digits.num_classes
    ((1797, 8, 8, 1), 'float32', 1.0, 10)
    """
    if name not in BUNDLED:
        raise unknown_name("data set", name, BUNDLED)
    return BUNDLED[name]()
