"""Identity of data by content."""

from __future__ import annotations

import hashlib

import numpy as np

from pullback.data.dataset import Dataset


def sha256(dataset: Dataset) -> str:
    """SHA-256, in hexadecimal, over dtype, shape and little-endian bytes of inputs and of targets.

    Names and row ids do not enter: equal numbers have equal hashes, on any machine.

    Examples
    --------
    >>> from pullback.data import load
    >>> iris = load("iris")
    >>> sha256(iris) == sha256(iris.take(range(150))), sha256(iris) == sha256(iris.take(range(149)))
    (True, False)
    """
    digest = hashlib.sha256()
    for values in (dataset.inputs, dataset.targets):
        little = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
        digest.update(f"{little.dtype.str}{little.shape}".encode())
        digest.update(little.data)
    return digest.hexdigest()
