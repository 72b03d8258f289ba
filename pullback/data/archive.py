"""Members of a tar archive read into memory, one after another; nothing is ever extracted to the disk."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import IO, cast

from pullback.core.errors import DataError

MAX_MEMBERS = 10_000


def read_members(path: str | os.PathLike[str], wanted: Mapping[str, int], *, max_bytes: int) -> dict[str, bytes]:
    """Content of the members `wanted` of a tar.gz archive.

    The archive is read once from front to back, and every member is looked at, wanted or not. No more than `max_bytes`
    are ever decompressed, so that an archive made to burst fills neither memory nor time.

    Parameters
    ----------
    wanted : name of a member -> the most bytes it may have.
    max_bytes : the most bytes that the whole archive may unpack to.

    Raises
    ------
    DataError
        if the archive is no whole tar.gz, holds a link, a device or a name that leads out of its folder, has a member
        that is too large, or lacks one that is wanted.
    """
    path = Path(path)
    found: dict[str, bytes] = {}
    try:
        with open(path, "rb") as file, gzip.GzipFile(fileobj=file) as unpacked:
            bounded = _Bounded(unpacked, max_bytes, path)
            # A stream is never sought in, and names no file of the disk.
            with tarfile.open(fileobj=cast("IO[bytes]", bounded), mode="r|") as archive:
                for number, member in enumerate(archive):
                    _check_member(path, number, member, wanted)
                    if member.name in wanted:
                        content = archive.extractfile(member)
                        assert content is not None
                        found[member.name] = content.read()
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise _refused(path, "a whole tar.gz archive", str(error) or type(error).__name__) from error
    except OSError as error:
        raise _refused(path, "a tar.gz archive", error.strerror or str(error)) from error
    missing = sorted(wanted.keys() - found.keys())
    if missing:
        raise _refused(path, f"the member {missing[0]}", "an archive without it")
    return found


class _Bounded(io.RawIOBase):
    """A stream that refuses to give more than `limit` bytes."""

    def __init__(self, file: io.BufferedIOBase, limit: int, path: Path) -> None:
        self._file, self._limit, self._left, self._path = file, limit, limit, path

    def read(self, size: int = -1, /) -> bytes:
        piece = self._file.read(min(size, self._left + 1) if size >= 0 else self._left + 1)
        self._left -= len(piece)
        if self._left < 0:
            raise _refused(self._path, f"an archive of at most {self._limit} bytes unpacked", "a larger one")
        return piece


def _check_member(path: Path, number: int, member: tarfile.TarInfo, wanted: Mapping[str, int]) -> None:
    place = PurePosixPath(member.name)
    if number >= MAX_MEMBERS:
        raise _refused(path, f"at most {MAX_MEMBERS} members", "more")
    if place.is_absolute() or ".." in place.parts or "\\" in member.name:
        raise _refused(path, "members inside the archive's own folder", f"the member {member.name!r}, which leads out")
    if not (member.isdir() or member.isreg()) or member.issparse():
        kind = "a link" if member.issym() or member.islnk() else "a special file"
        raise _refused(path, "folders and ordinary files only", f"the member {member.name!r}, {kind}")
    if member.name in wanted and member.size > wanted[member.name]:
        raise _refused(path, f"a member {member.name!r} of at most {wanted[member.name]} bytes", f"{member.size} bytes")


def _refused(path: Path, expected: str, got: str) -> DataError:
    return DataError(
        f"the archive {path} is refused", expected=expected, got=got, fix="fetch it again from its publisher"
    )
