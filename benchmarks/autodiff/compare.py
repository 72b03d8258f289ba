"""Alternating fresh processes for one gradient case, and the verdict on what they measured."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.autodiff.case import CASES, SLOWER, SLOWEST
from benchmarks.machine_use import read_use, share_of_others
from benchmarks.pairs import geometric_interval

# Ours between two runs of JAX, which measure how far one program is from itself.
PROGRAMS = {"pullback": "pullback", "jax": "jax", "jax again": "jax"}
AGREEMENT = 1e-5


@dataclass(frozen=True)
class GradientComparison:
    """Seconds of each program, one number a round; relative distance of the gradients; the share of other processes."""

    name: str
    seconds: dict[str, list[float]]
    disagreement: float
    others: float | None

    def median(self, program: str) -> float:
        """Median over rounds."""
        return float(np.median(self.seconds[program]))

    def ratio(self, program: str, over: str = "jax") -> tuple[float, float, float]:
        """Ratio of the medians, and the 95% bootstrap interval of the geometric mean over rounds."""
        logs = np.log(self.seconds[program]) - np.log(self.seconds[over])
        _, lower, upper = geometric_interval(logs)
        return self.median(program) / self.median(over), lower, upper

    def failures(self) -> list[str]:
        """What falls short of the limits; empty if nothing does."""
        median, lower, _ = self.ratio("pullback")
        limit = CASES[self.name].limit
        failed = []
        if limit is not None and median > limit:
            failed.append(f"above {limit}")
        if limit is None and median > SLOWEST:
            failed.append(f"median above {SLOWEST}")
        if limit is None and lower > SLOWER:
            failed.append(f"interval above {SLOWER}")
        if not self.disagreement <= AGREEMENT:
            failed.append(f"gradients differ by {self.disagreement:.1e}")
        return failed


def compare(name: str, rounds: int, seconds: float, say: Callable[[str], None]) -> GradientComparison:
    """Every program once a round, each in a fresh process, in an order that turns from round to round."""
    say(f"{name}: agreement")
    apart = measure("disagreement", name, seconds)
    found: dict[str, list[float]] = {program: [] for program in PROGRAMS}
    order = list(PROGRAMS)
    before = read_use()
    for number in range(rounds):
        for program in order:
            say(f"{name}: round {number + 1} of {rounds}, {program}")
            found[program].append(measure(PROGRAMS[program], name, seconds))
        order = [*order[1:], order[0]]
    return GradientComparison(name, found, apart, share_of_others(before, read_use()))


def measure(program: str, name: str, seconds: float) -> float:
    """What a fresh process prints."""
    command = [sys.executable, "-m", "benchmarks.autodiff.child", program, name, str(seconds)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{answer.stderr}")
    return float(json.loads(answer.stdout.splitlines()[-1]))
