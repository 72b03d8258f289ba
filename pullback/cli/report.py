"""`pullback report RUN`: write the report of a run folder again."""

from __future__ import annotations

import webbrowser
from dataclasses import dataclass
from typing import Annotated

import tyro

from pullback.cli.options import parse
from pullback.cli.run_folders import find_run
from pullback.report import write


@dataclass(frozen=True)
class ReportOptions:
    """Which run, and whether to look at it."""

    run: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """Path of a run folder, or its id under runs/ (the beginning is enough)."""

    open: bool = False
    """Open the report in the browser."""


def run(arguments: list[str]) -> int:
    """Write the report and print its path."""
    (options,) = parse((ReportOptions,), arguments, command="report", description="Write the report of a run again.")
    path = write(find_run(options.run))
    print(f"report: {path}")
    if options.open:
        webbrowser.open(path.resolve().as_uri())
    return 0
