"""Alternating processes and what follows from them: medians, and ratios with their bootstrap interval."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.case import TrainingCase
from benchmarks.machine_use import read_use, share_of_others
from benchmarks.programs import PROGRAMS, Program

Say = Callable[[str], None]


@dataclass(frozen=True)
class Comparison:
    """Seconds a step of each program, one number a round; and why the missing ones are missing.

    `others` is the share of the processors that other processes took meanwhile. PyTorch's threads wait by spinning,
    so that on a busy machine its times grow out of all proportion: such a table says nothing.
    """

    case: TrainingCase
    seconds: dict[str, list[float]]
    skipped: dict[str, str]
    others: float | None

    def median(self, name: str) -> float:
        """Median over rounds."""
        return float(np.median(self.seconds[name]))

    def ratio(self, name: str) -> tuple[float, float, float]:
        """Pullback's time over that of `name`: geometric mean over rounds, with its 95% bootstrap interval."""
        logs = np.log(self.seconds["pullback"]) - np.log(self.seconds[name])
        return geometric_interval(logs)


def geometric_interval(logs: np.ndarray, resamples: int = 4000) -> tuple[float, float, float]:
    """exp of the mean of `logs` and of the 2.5% and 97.5% quantiles of its bootstrap distribution."""
    draws = np.random.default_rng(0).choice(logs, (resamples, len(logs))).mean(axis=1)
    lower, upper = np.quantile(draws, [0.025, 0.975])
    return float(np.exp(logs.mean())), float(np.exp(lower)), float(np.exp(upper))


def compare(case: TrainingCase, names: list[str], rounds: int, timed_epochs: int, say: Say) -> Comparison:
    """Run every program once a round, each in a fresh process, in an order that turns from round to round."""
    skipped = {name: reason for name in names if (reason := why_missing(PROGRAMS[name])) is not None}
    present = [name for name in names if name not in skipped]
    seconds: dict[str, list[float]] = {name: [] for name in present}
    before = read_use()
    for number in range(rounds):
        turn = number % len(present)
        order = present[turn:] + present[:turn]
        for name in order:
            say(f"{case.name}: round {number + 1} of {rounds}, {PROGRAMS[name].label}")
            result = measure(name, case, timed_epochs)
            if isinstance(result, str):
                skipped[name] = result
                present.remove(name)
                del seconds[name]
            else:
                seconds[name].append(result)
    return Comparison(case, seconds, skipped, share_of_others(before, read_use()))


def why_missing(program: Program) -> str | None:
    """The reason why a program cannot run here, or None."""
    for package in program.packages:
        if importlib.util.find_spec(package) is None:
            return f"{package} is not installed: python -m pip install '.[peers]'"
    if program.needs_compiler and not any(shutil.which(name) for name in ("c++", "g++", "clang++")):
        return "no C++ compiler is installed"
    return None


def measure(name: str, case: TrainingCase, timed_epochs: int) -> float | str:
    """Seconds a step in a fresh process, or the last line of its complaint."""
    command = [sys.executable, "-m", "benchmarks.child", name, case.name, str(timed_epochs)]
    environment = os.environ | dict(PROGRAMS[name].environment)
    answer = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if answer.returncode != 0:
        return (answer.stderr.strip().splitlines() or ["it ended without a word"])[-1]
    return float(json.loads(answer.stdout.splitlines()[-1]))
