"""Checkpoints that are written whole or not at all, and verified before they are believed.

A checkpoint is a folder `checkpoints/<serial>-step<step>` with `state.safetensors` and `manifest.json`. It is written
beside its final name, flushed to the disk and renamed, so a crash leaves either the old set or the new one. The
manifest carries the SHA-256 of the arrays and of itself; a damaged checkpoint is passed over for the one before.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save as save_safetensors

from pullback.core.errors import CheckpointError

FORMAT = 1
STATE, MANIFEST = "state.safetensors", "manifest.json"
_WRITING = ".writing-"


@dataclass(frozen=True)
class Checkpoint:
    """Arrays by name, the position of training as plain values, and the length of the metrics log at that moment."""

    arrays: dict[str, np.ndarray]
    position: dict[str, Any]
    log_bytes: int


def save_checkpoint(folder: Path, checkpoint: Checkpoint, keep: int = 2) -> Path:
    """Write `checkpoint` as the newest in `folder` and drop all but the last `keep`.

    Raises
    ------
    CheckpointError
        if the disk refuses; what was there before is untouched.
    """
    try:
        return _write(folder, checkpoint, keep)
    except OSError as error:
        raise CheckpointError(
            "the checkpoint could not be saved; the ones before are intact",
            expected=f"a writable folder with room for {_size(checkpoint)} bytes",
            got=f"{error.strerror or error} at {folder}",
            fix="free space or mend the permissions, then `pullback resume` the run",
        ) from error


def _write(folder: Path, checkpoint: Checkpoint, keep: int) -> Path:
    folder.mkdir(exist_ok=True)
    _sweep(folder)
    existing = _complete(folder)
    serial = int(existing[-1].name.split("-")[0]) + 1 if existing else 1
    name = f"{serial:06d}-step{checkpoint.position['step']}"
    temporary = folder / f"{_WRITING}{name}"
    try:
        temporary.mkdir()
        data = save_safetensors({key: np.asarray(value, order="C") for key, value in checkpoint.arrays.items()})
        write_synced(temporary / STATE, data)
        write_synced(temporary / MANIFEST, _manifest(checkpoint, data))
        _sync_folder(temporary)
        temporary.rename(folder / name)
        _sync_folder(folder)
    except OSError:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    for old in existing[: len(existing) + 1 - keep]:
        shutil.rmtree(old)
    return folder / name


def load_checkpoint(folder: Path) -> tuple[Checkpoint, list[str]]:
    """The newest checkpoint that is whole, and a line for every damaged one that was passed over.

    Raises
    ------
    CheckpointError
        if there is none, or none is whole.
    """
    _sweep(folder)
    return read_checkpoint(folder)


def read_checkpoint(folder: Path) -> tuple[Checkpoint, list[str]]:
    """What `load_checkpoint` gives, without touching the folder: another process may be writing to it."""
    notes: list[str] = []
    for path in reversed(_complete(folder)):
        try:
            return _read(path), notes
        except (CheckpointError, OSError) as error:
            what = error.what if isinstance(error, CheckpointError) else str(error)
            notes.append(f"checkpoint {path.name} is damaged ({what}); using the one before")
    raise CheckpointError(
        "there is no checkpoint to go on from",
        expected=f"a whole checkpoint in {folder}",
        got=f"{len(notes)} damaged" + (f": {'; '.join(notes)}" if notes else ""),
        fix="start the run again",
    )


def _manifest(checkpoint: Checkpoint, data: bytes) -> bytes:
    body = {
        "format": FORMAT,
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "arrays": {k: {"shape": list(v.shape), "dtype": str(v.dtype)} for k, v in checkpoint.arrays.items()},
        "log_bytes": checkpoint.log_bytes,
        "position": checkpoint.position,
    }
    text = json.dumps(body, sort_keys=True)
    return json.dumps({"body": body, "sha256": hashlib.sha256(text.encode()).hexdigest()}, indent=1).encode()


def _read(path: Path) -> Checkpoint:
    body = _read_manifest(path / MANIFEST)
    state = path / STATE
    if not state.is_file() or state.stat().st_size != body["bytes"]:
        got = f"{state.stat().st_size} bytes" if state.is_file() else "no file"
        raise CheckpointError(f"{STATE} has {got} of {body['bytes']}")
    data = state.read_bytes()
    if hashlib.sha256(data).hexdigest() != body["sha256"]:
        raise CheckpointError(f"the checksum of {STATE} is wrong")
    return Checkpoint(_arrays(data, body["arrays"]), body["position"], body["log_bytes"])


def _arrays(data: bytes, expected: dict[str, Any]) -> dict[str, np.ndarray]:
    """The arrays of a safetensors file, which must be those that the manifest lists."""
    try:
        found = dict(deserialize(data))
    except SafetensorError as error:
        raise CheckpointError(f"{STATE} cannot be parsed: {error}") from error
    if {name: entry["shape"] for name, entry in found.items()} != {k: v["shape"] for k, v in expected.items()}:
        raise CheckpointError("the arrays are not those of the manifest")
    arrays = {}
    for name, entry in found.items():
        # By the manifest's dtype, because safetensors' own reader has no name for bfloat16 in NumPy.
        dtype = np.dtype(expected[name]["dtype"])
        if len(entry["data"]) != math.prod(entry["shape"]) * dtype.itemsize:
            raise CheckpointError(f"the dtype of {name} is not that of the manifest")
        arrays[name] = np.frombuffer(entry["data"], dtype).reshape(entry["shape"])
    return arrays


def _read_manifest(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise CheckpointError("the manifest is missing")
    try:
        manifest = json.loads(path.read_bytes())
        body, digest = manifest["body"], manifest["sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError("the manifest cannot be parsed") from error
    if hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest() != digest:
        raise CheckpointError("the checksum of the manifest is wrong")
    if body.get("format") != FORMAT:
        raise CheckpointError(f"the checkpoint has format {body.get('format')}, this version reads {FORMAT}")
    return body


def _complete(folder: Path) -> list[Path]:
    """Checkpoint folders, oldest first."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and path.name.split("-")[0].isdigit())


def _sweep(folder: Path) -> None:
    """Remove what a crash left half-written. The run's lock is held, so nobody else is writing."""
    for path in folder.glob(f"{_WRITING}*"):
        shutil.rmtree(path, ignore_errors=True)


def _size(checkpoint: Checkpoint) -> int:
    return sum(array.nbytes for array in checkpoint.arrays.values())


Content = bytes | Callable[[IO[bytes]], object]


def write_synced(path: Path, content: Content) -> None:
    """Write a file and wait until the disk has it; a function writes what need not lie in memory at once."""
    with path.open("wb") as file:
        if isinstance(content, bytes):
            file.write(content)
        else:
            content(file)
        file.flush()
        os.fsync(file.fileno())


def write_whole(path: Path, content: Content) -> None:
    """Write a file beside its name, flush it to the disk and rename it, so that it is there whole or not at all."""
    temporary = path.with_name(f"{_WRITING}{path.name}")
    try:
        write_synced(temporary, content)
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
