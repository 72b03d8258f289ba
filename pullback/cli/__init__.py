"""The `pullback` command: one file a command, resolved from the literal table below on first use.

The table is all that `pullback --help` needs, so it loads neither JAX nor the option parser.
"""

from __future__ import annotations

from typing import NamedTuple


class Command(NamedTuple):
    """Where a command lives, what it does in one line, and whether its process trains."""

    module: str
    usage: str
    summary: str
    trains: bool = False


COMMANDS: dict[str, Command] = {
    "train": Command(
        "pullback.cli.train", "train [RECIPE] [--field value ...]", "train a recipe and report on it", trains=True
    ),
    "sweep": Command(
        "pullback.cli.sweep",
        "sweep [RECIPE] [--field values ...]",
        "train a recipe for many values of its fields and compare",
        trains=True,
    ),
    "tune": Command(
        "pullback.cli.tune", "tune [RECIPE] [--field value ...]", "suggest a learning rate for a recipe", trains=True
    ),
    "compare": Command(
        "pullback.cli.compare",
        "compare [RECIPE] --optimizers A,B,... | --field values ...",
        "compare optimizers, or settings of a recipe, each at its own rate",
        trains=True,
    ),
    "resume": Command("pullback.cli.resume", "resume RUN", "continue a run that was interrupted", trains=True),
    "predict": Command(
        "pullback.cli.predict", "predict RUN FILE [--out FILE]", "predict the rows of a file by a trained run"
    ),
    "report": Command("pullback.cli.report", "report RUN", "write the report of a run again"),
    "runs": Command("pullback.cli.runs", "runs [DIRECTORY]", "list run folders with state and result"),
    "list": Command("pullback.cli.list", "list", "list the recipes that come with the library"),
    "doctor": Command("pullback.cli.doctor", "doctor", "show device, versions and settings, and what would mend them"),
}
