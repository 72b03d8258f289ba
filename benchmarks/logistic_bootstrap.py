"""A bootstrap of a logistic regression: ours as one program beside a loop over scikit-learn's fits."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys

from benchmarks.logistic_bootstrap_child import COLUMNS, MEMBERS, ROWS

# Where other work shares the machine threads wait for each other; with one they do not: the best one counts.
ONE = {"OMP_NUM_THREADS": "1"}
PROGRAMS = {
    "pullback": {},
    "lbfgs": {},
    "lbfgs with one thread": ONE,
    "newton-cholesky": {},
    "newton-cholesky with one thread": ONE,
}


def measure(program: str) -> dict[str, float]:
    """What a fresh process finds."""
    command = [sys.executable, "-m", "benchmarks.logistic_bootstrap_child", program.split()[0]]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | PROGRAMS[program])
    return json.loads(done.stdout.splitlines()[-1])


def describe(rounds: int = 3) -> str:
    """The measurements, one line each: medians over rounds that alternate the programs."""
    found = {program: [] for program in PROGRAMS}
    for _ in range(rounds):
        for program in PROGRAMS:
            found[program].append(measure(program))
    medians = {
        program: {key: statistics.median(one[key] for one in every) for key in every[0]}
        for program, every in found.items()
    }
    lines = [f"logistic regression without a penalty, {ROWS:,} x {COLUMNS}, {MEMBERS:,} members of a bootstrap"]
    for program, one in medians.items():
        lines.append(
            f"  {program}: {one['seconds']:.2f} s ({one['processor']:.2f} s of processor time), "
            f"largest difference of a coefficient from the exact fit {one['difference']:.1e}"
        )
    for clock in ("seconds", "processor"):
        theirs = min(one[clock] for program, one in medians.items() if program != "pullback")
        lines.append(f"  scikit-learn's best over ours, {clock}: {theirs / medians['pullback'][clock]:.1f}")
    return "\n".join(lines)


if __name__ == "__main__":
    print(describe())
