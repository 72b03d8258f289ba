"""Reading JSON that somebody else wrote: what is missing or of another kind becomes the stated default."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from pullback.core.errors import RunFolderError

Record = dict[str, Any]


def read_record(path: Path) -> Record:
    """The JSON object in a file; a `RunFolderError` if the file holds anything else."""
    value = _read_json(path)
    if not isinstance(value, dict):
        raise _unreadable(path, f"a JSON {type(value).__name__}")
    return value


def read_record_list(path: Path) -> list[Record]:
    """The JSON list of objects in a file; a `RunFolderError` if the file holds anything else."""
    value = _read_json(path)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise _unreadable(path, f"a JSON {type(value).__name__} that is no list of objects")
    return value


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(path, str(error)) from error


def _unreadable(path: Path, got: str) -> RunFolderError:
    return RunFolderError(
        f"{path.name} of the run folder {path.parent.name!r} cannot be read",
        expected="JSON as a training run writes it",
        got=got,
        fix="copy the run folder again, or train again",
    )


def read_record_lines(path: Path) -> tuple[list[Record], int]:
    """The JSON objects of a file with one object a line, and the number of lines that hold none.

    A run that was killed may leave a last line half written, so a bad line is counted and passed over.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return [], 0
    records = [_object_or_none(line) for line in lines if line.strip()]
    kept = [record for record in records if record is not None]
    return kept, len(records) - len(kept)


def _object_or_none(line: str) -> Record | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def text(record: Record, name: str, default: str = "") -> str:
    """The string under `name`; a number is written out."""
    value = record.get(name)
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else default


def number(record: Record, name: str) -> float | None:
    """The number under `name`; NaN and infinities count as numbers."""
    value = record.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def count(record: Record, name: str) -> int | None:
    """The whole number under `name`."""
    value = record.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def mapping(record: Record, name: str) -> Record:
    """The object under `name`, or an empty one."""
    value = record.get(name)
    return value if isinstance(value, dict) else {}


def texts(record: Record, name: str) -> tuple[str, ...] | None:
    """The list under `name` as strings, or None if there is no list."""
    value = record.get(name)
    return tuple(str(item) for item in value) if isinstance(value, list) else None


def numbers(record: Record, name: str) -> dict[str, float]:
    """The numbers of the object under `name`, by their own names; null stands for NaN, which JSON cannot say."""
    inner = mapping(record, name)
    found = {key: math.nan if inner[key] is None else number(inner, key) for key in inner}
    return {key: value for key, value in found.items() if value is not None}


def read_optional(path: Path) -> Record:
    """The JSON object in a file, empty if the file is missing or holds anything else: for what a report can spare."""
    try:
        return read_record(path)
    except RunFolderError:
        return {}


def records(record: Record, name: str) -> list[Record]:
    """The objects of the list under `name`."""
    value = record.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def number_list(record: Record, name: str) -> list[float]:
    """The numbers of the list under `name`, NaN where an item is none."""
    value = record.get(name)
    items = value if isinstance(value, list) else []
    return [float(item) if isinstance(item, int | float) and not isinstance(item, bool) else math.nan for item in items]
