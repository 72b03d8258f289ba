"""Decoded images in one memory-mapped file, made once for a folder in a certain state."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from pullback.core.errors import DataError
from pullback.data.cache import locked, sync_folder
from pullback.data.download import ReportProgress
from pullback.data.images_decode import UnreadableImageError, upright_size
from pullback.data.images_listing import Listing
from pullback.data.images_preprocessing import ImagePreprocessing, threads

# Part of every key: a change in how images are decoded makes all caches new.
VERSION = 1
# Results that wait for their turn to be written are bounded by this.
BLOCK = 256


@dataclass(frozen=True)
class Decoded:
    """The pixels of the files that could be read, uint8, memory-mapped; `failed` are the others with the reasons."""

    pixels: np.ndarray
    size: tuple[int, int]
    kept: tuple[int, ...]
    failed: tuple[tuple[int, str], ...]


def decoded(
    listing: Listing,
    size: tuple[int, int] | None,
    mode: str,
    policy: str,
    cache: Path,
    progress: ReportProgress | None,
) -> Decoded:
    """The images of the listing from the cache, decoded first where they are not there."""
    key = content_key(listing, size, mode, policy)
    target = cache / key
    with locked(cache / f".{key}.lock"):
        found = _load(target, len(listing.files), mode)
        if found is not None:
            return found
        shutil.rmtree(target, ignore_errors=True)
        partial = cache / f".{key}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        try:
            partial.mkdir()
            step = ImagePreprocessing(size or common_size(listing), mode, policy)
            _decode_into(partial, listing, step, progress)
            sync_folder(partial)
            os.replace(partial, target)
            sync_folder(cache)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        found = _load(target, len(listing.files), mode)
    assert found is not None
    return found


def content_key(listing: Listing, size: tuple[int, int] | None, mode: str, policy: str) -> str:
    """Hash of the settings and of name, length and time of change of every file."""
    digest = hashlib.sha256(json.dumps([VERSION, size, mode, policy]).encode())
    for file in listing.files:
        state = os.stat(listing.folder / file)
        digest.update(json.dumps([file, state.st_size, state.st_mtime_ns]).encode())
    return digest.hexdigest()[:32]


def common_size(listing: Listing) -> tuple[int, int]:
    """(height, width) of all images that can be read, where there is only one.

    Raises
    ------
    DataError
        if the sizes differ, with the most frequent of them.
    """
    with ThreadPoolExecutor(threads()) as pool:
        found = pool.map(upright_size, [listing.folder / file for file in listing.files])
        sizes = Counter(size for size in found if size is not None)
    if not sizes:
        raise none_readable(listing.folder, len(listing.files))
    (height, width), _ = sizes.most_common(1)[0]
    if len(sizes) > 1:
        shown = ", ".join(f"{h} by {w} ({count})" for (h, w), count in sizes.most_common(3))
        raise DataError(
            f"the images of {listing.folder} differ in size",
            expected="one size, or the size to bring them to",
            got=f"{shown}{' and others' if len(sizes) > 3 else ''}",
            fix=f'pass size, for example size=({height}, {width}), with policy="center-crop", "pad" or "stretch"',
        )
    return height, width


def none_readable(folder: Path, files: int) -> DataError:
    """Error for a folder in which not one file can be read."""
    return DataError(
        f"no image of {folder} can be read",
        expected="whole PNG, JPEG or WebP images",
        got=f"{files} files, all damaged or of other formats",
        fix="open some of them in a viewer",
    )


def _decode_into(folder: Path, listing: Listing, step: ImagePreprocessing, progress: ReportProgress | None) -> None:
    kept: list[int] = []
    failed: list[tuple[int, str]] = []
    with open(folder / "pixels.npy", "w+b") as file:
        start = _header(file, len(listing.files), step.shape)
        for number, outcome in enumerate(_outcomes(listing, step)):
            if isinstance(outcome, str):
                failed.append((number, outcome))
            else:
                kept.append(number)
                file.write(np.ascontiguousarray(outcome).data)
            if progress is not None:
                progress(listing.folder.name, number + 1, len(listing.files))
        # NumPy leaves room in the header for the first axis to change.
        file.seek(0)
        assert _header(file, len(kept), step.shape) == start
        _sync(file)
    with open(folder / "listing.json", "w+b") as file:
        file.write(json.dumps({"size": step.size, "kept": kept, "failed": failed}).encode())
        _sync(file)


def _outcomes(listing: Listing, step: ImagePreprocessing) -> Iterator[np.ndarray | str]:
    """Pixels or the reason why there are none, file by file in order, decoded by threads some files ahead."""

    def outcome(file: str) -> np.ndarray | str:
        try:
            return step.decode(listing.folder / file)
        except UnreadableImageError as error:
            return str(error)

    with ThreadPoolExecutor(threads()) as pool:
        for start in range(0, len(listing.files), BLOCK):
            results: Iterable[np.ndarray | str] = pool.map(outcome, listing.files[start : start + BLOCK])
            yield from results


def _header(file: IO[bytes], rows: int, shape: tuple[int, ...]) -> int:
    description = {"descr": "|u1", "fortran_order": False, "shape": (rows, *shape)}
    np.lib.format.write_array_header_1_0(file, description)
    return file.tell()


def _sync(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _load(folder: Path, files: int, mode: str) -> Decoded | None:
    """What an earlier run has left, or None where it is missing or damaged."""
    try:
        record = json.loads((folder / "listing.json").read_bytes())
        kept, failed = tuple(record["kept"]), tuple((number, reason) for number, reason in record["failed"])
        height, width = record["size"]
        shape = (len(kept), height, width, 3 if mode == "rgb" else 1)
        if not kept:
            return Decoded(np.empty(shape, np.uint8), (height, width), kept, failed)
        pixels = np.load(folder / "pixels.npy", mmap_mode="r", allow_pickle=False)
    except (OSError, EOFError, ValueError, KeyError, TypeError):
        return None
    if pixels.shape != shape or pixels.dtype != np.uint8 or len(kept) + len(failed) != files:
        return None
    return Decoded(pixels, (height, width), kept, failed)
