"""Files that this library keeps between runs: where they lie, and how they appear whole or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

PIECE = 1 << 20


def cache_folder(*parts: str) -> Path:
    """`$XDG_CACHE_HOME/pullback/data/...`, by default below `~/.cache`; it is not made here.

    Examples
    --------
    >>> cache_folder("mnist").parts[-3:]
    ('pullback', 'data', 'mnist')
    """
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base, "pullback", "data", *parts)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path`, waiting for another process that holds it; its folder is made where needed.

    The system lets the lock go when a process ends, however it ends. The file itself stays: to remove it would let a
    third process lock a new file of the same name beside one that still waits for the old.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write that gets the name `path` once it is complete and on the disk, and vanishes on any failure.

    Call it under a lock: what a killed process left behind is overwritten.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        with open(partial, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
        sync_folder(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Bring the names in `folder` to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def file_sha256(path: Path) -> str:
    """SHA-256 of the content of a file, in hexadecimal, read piece by piece."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()
