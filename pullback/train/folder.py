"""The run folder: everything that a run leaves behind, readable without this library."""

from __future__ import annotations

import datetime
import fcntl
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np

from pullback.core.errors import RunFolderError
from pullback.data import Dataset
from pullback.train.checkpoint import write_whole

FORMAT = 1
KEPT_DATA_BYTES = 64 * 2**20


class Lock:
    """Exclusive hold of a run folder; the system lets it go when the process ends, however it ends. Linux and macOS."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "lock"
        try:
            self._descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o644)
        except OSError as error:
            raise unwritable(folder, error) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(self._descriptor, 64).decode(errors="replace").strip()
            os.close(self._descriptor)
            raise RunFolderError(
                f"the run {folder.name} is still going",
                expected="a run that has ended",
                got=f"process {holder or 'unknown'} holds {self._path}",
                fix="wait for it, or stop it with Ctrl-C or kill, which saves its state",
            ) from error
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Let the folder go."""
        os.close(self._descriptor)


@dataclass(frozen=True)
class RunFolder:
    """A folder whose lock this process holds."""

    path: Path
    config: dict[str, Any]
    lock: Lock

    @property
    def checkpoints(self) -> Path:
        """Where the checkpoints lie."""
        return self.path / "checkpoints"

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.lock.release()

    def save_predictions(self, arrays: dict[str, np.ndarray]) -> None:
        """Write `predictions.npz`, whole or not at all."""
        write_whole(self.path / "predictions.npz", _npz(arrays))

    def save_json(self, name: str, content: Any) -> None:
        """Write a JSON file, whole or not at all."""
        write_whole(self.path / name, _json(content))


def create(path: Path, files: dict[str, Any], sets: dict[str, Dataset]) -> RunFolder:
    """Make the folder of a new run, with its JSON files and, where they are small, its data.

    Raises
    ------
    RunFolderError
        if the folder exists and is not empty, or cannot be written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        if any(path.iterdir()):
            raise RunFolderError(
                f"the folder {path} is not empty",
                expected="a new or empty folder for a new run",
                got=f"{sum(1 for _ in path.iterdir())} entries",
                fix=f"choose another run folder, or go on with `pullback resume {path}`",
            )
        lock = Lock(path)
        for name, content in files.items():
            if name != "config.json":
                write_whole(path / name, _json(content))
        if sum(data.inputs.nbytes for data in sets.values()) <= KEPT_DATA_BYTES:
            (path / "data").mkdir()
            for name, data in sets.items():
                arrays = {"inputs": data.inputs, "targets": data.targets, "indices": data.indices}
                write_whole(path / "data" / f"{name}.npz", _npz(arrays))
        # Last, because a folder with a config is a run folder.
        write_whole(path / "config.json", _json(files["config.json"]))
    except OSError as error:
        raise unwritable(path, error) from error
    return RunFolder(path, files["config.json"], lock)


def read_config(path: Path) -> dict[str, Any]:
    """`config.json` of a run folder of this format."""
    file = path / "config.json"
    if not file.is_file():
        raise RunFolderError(
            f"{path} is not a run folder",
            expected="a folder with config.json",
            got="no such folder" if not path.exists() else "no config.json",
            fix="`pullback runs` lists the runs",
        )
    config = read_json(file)
    version = config.get("format")
    if version != FORMAT:
        raise RunFolderError(
            f"the run {path.name} has another format",
            expected=f"format {FORMAT}",
            got=f"format {version}, written by pullback {config.get('environment', {}).get('pullback', '?')}",
            fix="use the version of pullback that wrote it",
        )
    return config


def read_run_config(path: Path) -> dict[str, Any]:
    """`config.json` of a run, and not of a sweep or a comparison.

    Raises
    ------
    RunFolderError
        for the folder of a sweep or a comparison, whose members are runs.
    """
    config = read_config(path)
    if config.get("kind") == "sweep":
        raise RunFolderError(
            f"{path} is the folder of a sweep",
            expected="the folder of one run",
            got=f"a sweep of {config.get('members')} members",
            fix=f"choose a member, such as {path}/members/{'0' * len(str(int(config.get('members', 1)) - 1))}",
        )
    if config.get("kind") == "comparison":
        raise RunFolderError(
            f"{path} is the folder of a comparison",
            expected="the folder of one run",
            got=f"a comparison by {config.get('sweeps')} sweeps",
            fix=f"choose a member of a sweep in {path}/sweeps",
        )
    return config


def read_json(file: Path) -> Any:
    """A JSON file of a run folder."""
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise RunFolderError(
            f"{file.name} cannot be read", expected="the JSON of a run", got=str(error), fix="restore the file"
        ) from error


def open_folder(path: Path) -> RunFolder:
    """Take hold of an existing run folder."""
    config = read_config(path)
    return RunFolder(path, config, Lock(path))


def kept_data(path: Path, config: dict[str, Any], name: str) -> Dataset | None:
    """The data set `name` as it was kept in the run folder, or None."""
    file = path / "data" / f"{name}.npz"
    if not file.is_file():
        return None
    with np.load(file, allow_pickle=False) as arrays:
        inputs, targets, indices = (arrays[key] for key in ("inputs", "targets", "indices"))
    about = config["data"]
    classes, features = (tuple(about[key]) if about[key] else None for key in ("class_names", "feature_names"))
    return Dataset(inputs, targets, about["task"], about["name"], classes, features, indices)


def new_id(name: str, seed: int) -> str:
    """Identifier of a run: when, what, seed."""
    return new_name(name, f"seed{seed}")


def new_name(name: str, kind: str) -> str:
    """Name of a folder: when, what, of which kind."""
    return f"{datetime.datetime.now():%Y%m%d-%H%M%S}-{name}-{kind}"


def unwritable(path: Path, error: OSError) -> RunFolderError:
    """What the system said about the folder, in our form."""
    return RunFolderError(
        "the run folder cannot be written",
        expected="a writable folder with free space",
        got=f"{error.strerror or error} at {error.filename or path}",
        fix="free space, mend the permissions, or choose another folder",
    )


def _json(content: Any) -> bytes:
    return json.dumps(content, indent=1).encode() + b"\n"


def _npz(arrays: dict[str, Any]) -> Callable[[IO[bytes]], None]:
    return lambda file: np.savez(file, allow_pickle=False, **arrays)
