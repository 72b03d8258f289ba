"""How a sweep ends on the command line: the best settings, what diverged, how it was computed, the report."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from pullback import report as reports
from pullback.report.sweep_folder import Setting, SweepFolder, read_sweep_folder

SHOWN = 5


def print_sweep(folder: Path, *, report: bool) -> None:
    """Print what the sweep in `folder` came to, and write its report if wanted."""
    sweep = read_sweep_folder(folder)
    print("\n".join(lines(sweep)))
    print(f"sweep folder: {folder}")
    if report:
        print(f"report: {reports.write(folder)}")


def lines(sweep: SweepFolder) -> list[str]:
    """The table of the best settings, and a sentence each on what diverged and on the routes."""
    settings = sweep.settings
    repeats = len(settings[0].members) if settings else 0
    over = f", mean of {repeats} with its 95% interval" if repeats > 1 else ""
    rows = [[*sweep.choices, f"{sweep.split} {sweep.score_name}{over}"]]
    rows += [
        [*(_value(setting.values[name]) for name in sweep.choices), _score(setting)] for setting in settings[:SHOWN]
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    more = [f"... and {len(settings) - SHOWN} more settings"] if len(settings) > SHOWN else []
    diverged = sum(member.diverged for member in sweep.members)
    said = [f"{diverged} of {len(sweep.members)} members diverged"] if diverged else []
    routes = [f"route {reason}" for reason in dict.fromkeys(sweep.plans)]
    return [*table, *more, *said, *routes]


def _value(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _score(setting: Setting) -> str:
    mean = setting.mean
    if mean is None:
        return f"{setting.diverged} of {len(setting.members)} diverged"
    limits = f" [{mean.lower:.4f}, {mean.upper:.4f}]" if math.isfinite(mean.upper) else ""
    return f"{mean.value:.4f}{limits}"
