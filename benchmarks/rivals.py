"""Programs that do the same work, each measured in fresh processes that alternate: medians by program."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping

# Where other work shares the machine scikit-learn's threads wait for each other; with one they do not.
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
OURS = "pullback"
SCIKIT_LEARN = {OURS: {}, "scikit_learn": {}, "scikit_learn with one thread": ONE_THREAD}

Numbers = dict[str, float]


def measure(module: str, program: str, environment: Mapping[str, str], *arguments: str) -> Numbers:
    """What a fresh process of `module` finds; `program` may carry words that its environment is about."""
    command = [sys.executable, "-m", module, program.split()[0], *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | dict(environment))
    return json.loads(done.stdout.splitlines()[-1])


def medians(
    module: str,
    programs: Mapping[str, Mapping[str, str]],
    rounds: int,
    arguments: Callable[[str], tuple[str, ...]] = lambda program: (),
) -> dict[str, Numbers]:
    """Medians over rounds that alternate the programs, from names to environments; `arguments` of each process."""
    found: dict[str, list[Numbers]] = {program: [] for program in programs}
    for _ in range(rounds):
        for program, environment in programs.items():
            found[program].append(measure(module, program, environment, *arguments(program)))
    return {
        program: {key: statistics.median(one[key] for one in every) for key in every[0]}
        for program, every in found.items()
    }


def best_of_others(found: Mapping[str, Numbers], key: str = "seconds") -> float:
    """The smallest number that a program other than ours has."""
    return min(one[key] for program, one in found.items() if program != OURS)
