"""Data sets by name: those that come with scikit-learn need no network, the classic image sets are downloaded once."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import datasets

from pullback.core.errors import ConfigurationError, unknown_name
from pullback.data.classic import CLASSIC, load_classic
from pullback.data.dataset import Dataset
from pullback.data.download import ReportProgress


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


def load(
    name: str,
    *,
    split: str | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    offline: bool = False,
    progress: ReportProgress | None = None,
) -> Dataset:
    """The data set `name`.

    | name | inputs (float32) | targets |
    |---|---|---|
    | digits | (1797, 8, 8, 1), ink in [0, 1] | 10 classes |
    | iris | (150, 4), centimeters | 3 classes |
    | wine | (178, 13) | 3 classes |
    | breast_cancer | (569, 30) | 2 classes |
    | diabetes | (442, 10), scaled by its source | disease progression, real |
    | mnist, fashion-mnist | (70000, 28, 28, 1), ink in [0, 1] | 10 classes |
    | cifar10, cifar100 | (60000, 32, 32, 3), light in [0, 1] | 10, 100 classes |

    Tables come in the units of their source; `Standardize` is a step of its own. The sets of the last two lines are
    downloaded over HTTPS the first time, checked against their published content, and kept.

    Parameters
    ----------
    split : "train" or "test" for that part of a classic set; None for all of it, the training rows first. `indices`
        count the rows of the whole.
    data_dir : folder that holds the files of classic sets, or is to hold them; see `pullback.data.download.fetch`.
        The environment variable PULLBACK_DATA names a further folder of files already there.
    offline : never open a connection.
    progress : called with a file's name, the bytes received and the bytes of the whole; `ProgressLine()` prints them.

    Raises
    ------
    ConfigurationError
        for a name outside the table, or a split of a set that has none.
    DataError
        if a file can neither be found nor downloaded, or is damaged.

    Examples
    --------
    >>> digits = load("digits")
    >>> digits.inputs.shape, digits.inputs.dtype.name, float(digits.inputs.max()), digits.num_classes
    ((1797, 8, 8, 1), 'float32', 1.0, 10)
    """
    if name in CLASSIC:
        return load_classic(name, split=split, data_dir=data_dir, offline=offline, progress=progress)
    if name not in BUNDLED:
        raise unknown_name("data set", name, (*BUNDLED, *CLASSIC))
    if split is not None:
        raise ConfigurationError(
            f"{name} comes without a split of its own",
            expected=f"split=None; only {', '.join(CLASSIC)} are published in two parts",
            got=f"split={split!r}",
            fix="load it whole and divide it with pullback.data.split",
        )
    return BUNDLED[name]()
