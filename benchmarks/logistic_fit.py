"""Penalized logistic regression of many rows: `fit_logistic` beside scikit-learn's solvers, at equal objective."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys

from benchmarks.logistic_fit_child import COLUMNS, REPEATS, ROWS, C

# Where other work shares the machine scikit-learn's threads wait for each other; with one they do not.
ONE = {"OMP_NUM_THREADS": "1"}
THREADS = {
    "pullback": {},
    "lbfgs": {},
    "lbfgs with one thread": ONE,
    "newton-cholesky": {},
    "newton-cholesky with one thread": ONE,
}


def measure(program: str) -> dict[str, float]:
    """What a fresh process finds."""
    command = [sys.executable, "-m", "benchmarks.logistic_fit_child", program.split()[0]]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | THREADS[program])
    return json.loads(done.stdout.splitlines()[-1])


def describe(rounds: int = 3) -> str:
    """The measurements, one line each; the rounds alternate the programs."""
    found: dict[str, list[dict[str, float]]] = {program: [] for program in THREADS}
    for _ in range(rounds):
        for program in THREADS:
            found[program].append(measure(program))
    medians = {
        program: {key: statistics.median(one[key] for one in every) for key in every[0]}
        for program, every in found.items()
    }
    smallest = min(one["objective"] for one in medians.values())
    lines = [
        f"logistic regression, {ROWS:,} x {COLUMNS} in float64, C = {C:g}; {rounds} rounds of fresh processes, "
        f"in each the median of {REPEATS} calls"
    ]
    for program, one in medians.items():
        lines.append(
            f"  {program}: {1000 * one['seconds']:.0f} ms ({1000 * one['processor_seconds']:.0f} ms of processor), "
            f"objective above the smallest by {one['objective'] / smallest - 1:.1e}, first call {one['first']:.2f} s"
        )
    theirs = min(one["seconds"] for program, one in medians.items() if program != "pullback")
    lines.append(f"  time over the best of scikit-learn's: {medians['pullback']['seconds'] / theirs:.2f}")
    return "\n".join(lines)


if __name__ == "__main__":
    print(describe())
