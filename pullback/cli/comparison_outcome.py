"""How a comparison ends on the command line: what is named, the folder, the report."""

from __future__ import annotations

from pathlib import Path

from pullback import report as reports
from pullback.report.comparison_folder import read_comparison_folder


def print_comparison(folder: Path, *, report: bool) -> None:
    """Print what the comparison in `folder` came to, and write its report if wanted."""
    print(read_comparison_folder(folder).found)
    print(f"comparison folder: {folder}")
    if report:
        print(f"report: {reports.write(folder)}")
