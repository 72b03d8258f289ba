"""The binary version of CIFAR-10 and CIFAR-100, read out of its archive."""

from __future__ import annotations

import os

import numpy as np

from pullback.core.errors import DataError
from pullback.data.archive import read_members

SHAPE = (3, 32, 32)
PIXELS = 3 * 32 * 32
# Both archives unpack to 60,000 records and some small files.
MAX_BYTES = 60_000 * (2 + PIXELS) + 2**20


def read_cifar(
    path: str | os.PathLike[str], members: dict[str, int], *, label_bytes: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of the binary files `members` of a CIFAR archive.

    A record is `label_bytes` labels, of which the last is the finest, then the red, green and blue plane of 32 rows
    of 32 pixels each.

    Parameters
    ----------
    path : a tar.gz archive.
    members : name of a binary file -> its number of records.

    Returns
    -------
    uint8 images of shape (n, 32, 32, 3) and uint8 labels of shape (n,).

    Raises
    ------
    DataError
        if the archive is refused, or a file has another number of records.

    References
    ----------
    A. Krizhevsky, "Learning multiple layers of features from tiny images", University of Toronto (2009).
    """
    record = label_bytes + PIXELS
    sizes = {name: rows * record for name, rows in members.items()}
    contents = read_members(path, sizes, max_bytes=MAX_BYTES)
    for name, size in sizes.items():
        if len(contents[name]) != size:
            raise DataError(
                f"{name} in {path} is damaged",
                expected=f"{members[name]} records of {record} bytes",
                got=f"{len(contents[name])} bytes",
                fix="fetch the archive again",
            )
    rows = np.concatenate([np.frombuffer(contents[name], np.uint8).reshape(-1, record) for name in members])
    planes = rows[:, label_bytes:].reshape(-1, *SHAPE)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), rows[:, label_bytes - 1].copy()
