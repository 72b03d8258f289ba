"""A cache of the lines of finished runs, so that thousands are listed at once; it can be deleted at any time."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path

from pullback.cli.run_folders import RunLine, read_line

FILE_NAME = ".index.json"
_VERSION = 1


def list_lines(folder: Path) -> list[RunLine]:
    """One line a run folder in `folder`; a finished run is read again only if its log has changed."""
    known = _read(folder / FILE_NAME)
    lines: list[RunLine] = []
    index: dict[str, list[str | int]] = {}
    for entry in os.scandir(folder):
        stamp = _stamp(entry.path)
        row = known.get(entry.name)
        line = _line(row) if row is not None and stamp and row[0] == stamp else read_line(entry.path)
        if line is None:
            continue
        lines.append(line)
        if line.state == "finished" and stamp:
            index[entry.name] = [stamp, line.id, line.recipe, line.state, line.epochs, line.result, line.created]
    if index != known:
        _write(folder / FILE_NAME, index)
    return lines


def _stamp(folder: str) -> str:
    """What changes when a run goes on; empty where there is no log."""
    try:
        status = os.stat(f"{folder}/metrics.jsonl")
    except OSError:
        return ""
    return f"{status.st_mtime_ns}-{status.st_size}"


def _line(row: list[str | int]) -> RunLine:
    _, identity, recipe, state, epochs, result, created = row
    return RunLine(str(identity), str(recipe), str(state), int(epochs), str(result), str(created))


def _read(path: Path) -> dict[str, list[str | int]]:
    try:
        content = json.loads(path.read_bytes())
        rows = content["runs"] if content["version"] == _VERSION else {}
        return {name: row for name, row in rows.items() if len(row) == 7 and str(row[4]).isdecimal()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _write(path: Path, index: dict[str, list[str | int]]) -> None:
    """Replace the cache whole; a folder that cannot be written to simply has none."""
    with contextlib.suppress(OSError):
        descriptor, temporary = tempfile.mkstemp(prefix=FILE_NAME, dir=path.parent)
        with os.fdopen(descriptor, "w") as file:
            json.dump({"version": _VERSION, "runs": index}, file)
        os.replace(temporary, path)
