"""Arrays in the IDX format of the MNIST files, plain or compressed with gzip, read as untrusted bytes."""

from __future__ import annotations

import gzip
import io
import math
import os
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pullback.core.errors import DataError
from pullback.data.cache import PIECE

DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
GZIP_MAGIC = b"\x1f\x8b"
# DEFLATE codes at best 258 bytes in two bits.
LARGEST_RATIO = 1032
MAX_BYTES = 2**32


def read_idx(path: str | os.PathLike[str], *, shape: Sequence[int] | None = None) -> np.ndarray:
    r"""The array in an IDX file.

    The file starts with two zero bytes, a byte for the dtype, a byte for the number of axes and a big-endian 32-bit
    length of each axis; the values follow, the last axis fastest, and nothing after them. Kind, lengths and the size
    of the file are checked before memory is taken.

    Parameters
    ----------
    shape : what the array has to be, if that is known.

    Returns
    -------
    the array, in the byte order of this machine.

    Raises
    ------
    DataError
        if the file is missing, has another magic number, is truncated, or goes on after its last value.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "labels"
    >>> _ = file.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1]))
    >>> read_idx(file)
    array([7, 2, 1], dtype=uint8)

    References
    ----------
    Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits" (1998), section "file formats".
    """
    path = Path(path)
    try:
        with open(path, "rb") as plain:
            compressed = plain.read(2) == GZIP_MAGIC
            plain.seek(0)
            room = path.stat().st_size * (LARGEST_RATIO if compressed else 1)
            if not compressed:
                return _read(plain, path, room, shape)
            with gzip.GzipFile(fileobj=plain) as file:
                return _read(file, path, room, shape)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"{path} is not a whole gzip file", expected="an IDX file", got=str(error), fix="fetch the file again"
        ) from error
    except OSError as error:
        raise DataError(
            f"{path} cannot be read", expected="an IDX file", got=error.strerror or str(error), fix="check the path"
        ) from error


def _read(file: io.BufferedIOBase, path: Path, room: int, shape: Sequence[int] | None) -> np.ndarray:
    dtype, lengths = _header(file, path)
    if shape is not None and lengths != tuple(shape):
        raise DataError(
            f"{path} holds an array of another shape",
            expected=f"shape {tuple(shape)}",
            got=f"shape {lengths}",
            fix="check that the file belongs to this data set and this part of it",
        )
    size = math.prod(lengths) * dtype.itemsize
    if size > min(room, MAX_BYTES):
        raise _damaged(
            path, lengths, f"a file too small to hold {size} bytes" if size <= MAX_BYTES else f"{size} bytes"
        )
    values = np.empty(lengths, dtype)
    view = values.reshape(-1).view(np.uint8).data
    filled = 0
    while filled < size:
        count = file.readinto(view[filled : filled + PIECE])
        if not count:
            raise _damaged(path, lengths, f"the file ends after {filled} of {size} bytes")
        filled += count
    if file.read(1):
        raise _damaged(path, lengths, f"the file goes on after the {size} bytes of its values")
    return values.astype(dtype.newbyteorder("="), copy=False)


def _header(file: io.BufferedIOBase, path: Path) -> tuple[np.dtype, tuple[int, ...]]:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in DTYPES or not 1 <= magic[3] <= 8:
        raise DataError(
            f"{path} is not an IDX file",
            expected="a magic number 00 00, a known dtype, 1 to 8 axes",
            got=f"{magic.hex(' ')}" if magic else "an empty file",
            fix="check that this is the file you meant",
        )
    lengths = file.read(4 * magic[3])
    if len(lengths) < 4 * magic[3]:
        raise DataError(
            f"{path} ends within its header",
            expected=f"the lengths of {magic[3]} axes",
            got=f"{len(lengths)} bytes",
            fix="fetch the file again",
        )
    return np.dtype(DTYPES[magic[2]]), tuple(np.frombuffer(lengths, ">u4").tolist())


def _damaged(path: Path, lengths: tuple[int, ...], got: str) -> DataError:
    return DataError(
        f"{path} does not hold what its header says",
        expected=f"an array of shape {lengths} and nothing else",
        got=got,
        fix="fetch the file again",
    )
