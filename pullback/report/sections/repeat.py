"""Where and how fast it ran, and what runs it again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence

import numpy as np

from pullback.report.blocks import Block, Code, FactColumns, Facts, Prose, Section
from pullback.report.number_text import count_text, number_text, seconds_text
from pullback.report.run_folder import EpochTime, RunFolder
from pullback.report.sections.setup import value_text

FIT_SETTINGS = (
    "loss", "optimizer", "learning_rate", "epochs", "batch_size", "metrics", "patience", "monitor", "ema_decay",
    "accumulate_steps", "seed",
)  # fmt: skip


def repeat_section(run: RunFolder) -> Section:
    """The command or call, the environment and the times."""
    environment = [(name.replace("_", " "), value_text(value)) for name, value in run.environment.items()]
    blocks: list[Block] = [
        *_command(run),
        FactColumns([Facts("Environment", environment), Facts("Time", _time(run.timing))]),
    ]
    if not run.timing:
        blocks.append(Prose("The run recorded no times."))
    return Section("repeat", "Repeating the run", blocks)


def _command(run: RunFolder) -> list[Block]:
    if run.command:
        return [Prose("This command repeats the run:"), Code(shlex.join(run.command))]
    arguments = [
        f"    {name}={_python_text(run.settings[name])}," for name in FIT_SETTINGS if run.settings.get(name) is not None
    ]
    call = "\n".join(["pullback.train.fit(", "    model, train_data,", *arguments, ")"])
    return [Prose("The run was started from Python, with this call and the data of the hashes above:"), Code(call)]


def _python_text(value: object) -> str:
    return repr(value) if isinstance(value, str | int | float | bool) else json.dumps(value)


def _time(timing: Sequence[EpochTime]) -> list[tuple[str, str]]:
    if not timing:
        return []
    seconds = np.array([time.seconds for time in timing])
    compiling = sum(time.compile_seconds for time in timing)
    steady = np.array([max(time.seconds - time.compile_seconds, 0.0) for time in timing])
    pairs = [
        ("all epochs", seconds_text(float(seconds.sum()))),
        ("of which compiling", seconds_text(compiling)) if compiling else ("epochs", count_text(len(timing))),
        ("one epoch, median", seconds_text(float(np.median(steady)))),
    ]
    steps = sum(time.steps or 0 for time in timing)
    if steps and steady.sum() > 0:
        pairs.append(("steps", f"{count_text(steps)}, {number_text(steps / float(steady.sum()))} a second"))
    return pairs
