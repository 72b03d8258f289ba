"""`pullback runs`: one line a run folder, newest last, read from small files alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from pullback.cli.options import parse
from pullback.cli.run_folders import DEFAULT_FOLDER, RunLine
from pullback.cli.run_index import list_lines
from pullback.core.checks import non_negative
from pullback.core.errors import RunFolderError

_COLUMNS = ("run", "recipe", "state", "epochs", "result")


@dataclass(frozen=True)
class Runs:
    """Which runs are listed."""

    directory: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DIRECTORY")] = DEFAULT_FOLDER
    """Folder that holds the run folders."""

    last: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Only the newest N; 0 lists all."""


def run(arguments: list[str]) -> int:
    """Print the table of runs."""
    (options,) = parse((Runs,), arguments, command="runs", description="List run folders with state and result.")
    non_negative("last", options.last)
    lines = list_runs(options.directory)
    if not lines:
        print(f"no runs in {options.directory}/; `pullback train` makes one")
        return 0
    print(table(lines[-options.last :]))
    return 0


def list_runs(directory: Path) -> list[RunLine]:
    """All runs in `directory`, oldest first."""
    if not directory.is_dir():
        if directory == DEFAULT_FOLDER:
            return []
        raise RunFolderError(
            f"there is no folder {directory}", expected="a folder that holds run folders", fix="check the path"
        )
    return sorted(list_lines(directory), key=lambda line: (line.created, line.id))


def table(lines: list[RunLine]) -> str:
    """Aligned plain text; thousands of lines are printed at once."""
    rows = [_COLUMNS, *((line.id, line.recipe, line.state, str(line.epochs), line.result) for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
