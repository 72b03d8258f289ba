"""Arrays of an `.npz` file, with every size checked before memory is taken and nothing in it executed."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path

import numpy as np

from pullback.core.errors import RunFolderError

LARGEST_ARRAY = 4 * 2**30
ARRAY_KINDS = "biufU"


def read_archive(path: Path) -> dict[str, np.ndarray]:
    """Named arrays of numbers or strings in an `.npz` file.

    Raises
    ------
    RunFolderError
        if the file is no archive of arrays, an array holds Python objects, or the bytes stored for an array are not
        those that its shape and dtype ask for.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if member.filename.endswith(".npy")]
            return {member.filename.removesuffix(".npy"): _read_array(archive, member) for member in members}
    except (OSError, ValueError, EOFError, KeyError, NotImplementedError, RuntimeError, zipfile.BadZipFile) as error:
        raise RunFolderError(
            f"{path.name} of the run folder {path.parent.name!r} cannot be read",
            expected="an .npz file of plain arrays",
            got=str(error) or type(error).__name__,
            fix="copy the run folder again, or evaluate the run again",
        ) from error


def _read_array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(member) as stream:
        version = np.lib.format.read_magic(stream)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }.get(version)
        if read_header is None:
            raise ValueError(f"array {member.filename!r} has the unknown format version {version}")
        shape, _, dtype = read_header(stream)
        _check_size(member, shape, dtype, stream.tell())
    with archive.open(member) as stream:
        return np.lib.format.read_array(stream, allow_pickle=False)


def _check_size(member: zipfile.ZipInfo, shape: tuple[int, ...], dtype: np.dtype, header: int) -> None:
    if dtype.kind not in ARRAY_KINDS:
        raise ValueError(f"array {member.filename!r} holds {dtype}, not numbers or strings")
    size = math.prod(shape) * dtype.itemsize
    if size > LARGEST_ARRAY:
        raise ValueError(f"array {member.filename!r} takes {size} bytes, more than {LARGEST_ARRAY}")
    if header + size != member.file_size:
        raise ValueError(
            f"array {member.filename!r} of shape {shape} needs {size} bytes, {member.file_size - header} are stored"
        )
