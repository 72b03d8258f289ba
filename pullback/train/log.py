"""An append-only log of JSON lines that survives the process."""

from __future__ import annotations

import errno
import json
import math
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pullback.core.errors import RunFolderError


class Log:
    """One JSON object a line; every record is handed to the operating system at once.

    A killed process loses nothing that was written; a checkpoint makes the disk have it (`sync`).

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     log = Log(Path(folder) / "metrics.jsonl")
    ...     log.write({"event": "epoch", "loss": 0.5})
    ...     print(log.size, list(read_log(log.path)))
    ...     log.close()
    32 [{'event': 'epoch', 'loss': 0.5}]
    """

    def __init__(self, path: Path, keep_bytes: int | None = None) -> None:
        self.path = path
        try:
            self._descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o644)
            if keep_bytes is not None:
                self._cut(keep_bytes)
        except OSError as error:
            raise _unwritable(path, error) from error

    def _cut(self, keep_bytes: int) -> None:
        if self.size < keep_bytes:
            raise RunFolderError(
                f"{self.path.name} is shorter than the checkpoint says",
                expected=f"at least {keep_bytes} bytes",
                got=f"{self.size} bytes",
                fix="restore the file, or start the run again",
            )
        os.ftruncate(self._descriptor, keep_bytes)

    @property
    def size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def write(self, record: dict[str, Any]) -> None:
        """Append one record; NaN and infinities become null, which JSON can say."""
        try:
            line = json.dumps(record, allow_nan=False)
        except ValueError:
            line = json.dumps(_without_nan(record))
        data = line.encode() + b"\n"
        try:
            written = os.write(self._descriptor, data)
        except OSError as error:
            raise _unwritable(self.path, error) from error
        if written < len(data):
            # A short write is how a full disk shows itself; resuming cuts the fragment off.
            raise _unwritable(self.path, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))

    def sync(self) -> None:
        """Wait until the disk has everything."""
        os.fsync(self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)


def read_log(path: Path) -> Iterator[dict[str, Any]]:
    """Records of a log; a last line that a crash cut short is left out."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield json.loads(line)


def epoch_records(records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records of epochs, without those that a restart has undone.

    Examples
    --------
    >>> first, second = {"event": "epoch", "epoch": 1}, {"event": "epoch", "epoch": 2}
    >>> epoch_records([first, second, {"event": "restart", "after": 1}])
    [{'event': 'epoch', 'epoch': 1}]
    """
    found: list[dict[str, Any]] = []
    for record in records:
        if record.get("event") == "epoch":
            found.append(record)
        elif record.get("event") == "restart":
            found = [epoch for epoch in found if epoch["epoch"] <= record["after"]]
    return found


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _unwritable(path: Path, error: OSError) -> RunFolderError:
    return RunFolderError(
        f"{path.name} cannot be written",
        expected="a writable folder with free space",
        got=f"{error.strerror or error} at {path}",
        fix="free space or mend the permissions, then `pullback resume` the run",
    )
