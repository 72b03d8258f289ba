"""Logistic regression on all rows at once: L-BFGS of `minimize` beside scikit-learn's, to the same gradient norm."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys

from benchmarks.minimize_logistic_child import COLUMNS, REPEATS, ROWS, C

# What scikit-learn is asked for: its default, and what a statistician asks for.
TOLERANCES = (1e-4, 1e-8)

# Where other work shares the machine scikit-learn's threads wait for each other; with one they do not.
THREADS = {"pullback": {}, "scikit_learn": {}, "scikit_learn with one thread": {"OMP_NUM_THREADS": "1"}}


def measure(program: str, tolerance: float) -> dict[str, float]:
    """What a fresh process finds."""
    command = [sys.executable, "-m", "benchmarks.minimize_logistic_child", program.split()[0], repr(tolerance)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | THREADS[program])
    return json.loads(done.stdout.splitlines()[-1])


def compare(tolerance: float, rounds: int = 3) -> dict[str, dict[str, float]]:
    """Medians over rounds that alternate both programs; ours goes on to the gradient norm that the other reached."""
    goal = measure("scikit_learn", tolerance)["gradient_norm"]
    found = {program: [] for program in THREADS}
    for _ in range(rounds):
        for program in THREADS:
            found[program].append(measure(program, goal if program == "pullback" else tolerance))
    return {
        program: {key: statistics.median(one[key] for one in every) for key in every[0]}
        for program, every in found.items()
    }


def describe() -> str:
    """The measurements, one line each."""
    lines = [
        f"logistic regression, {ROWS:,} x {COLUMNS} in float64, C = {C:g}; "
        f"rounds of fresh processes, in each the median of {REPEATS} calls"
    ]
    for tolerance in TOLERANCES:
        medians = compare(tolerance)
        lines.append(f"tol={tolerance:g} in scikit-learn")
        for program, one in medians.items():
            lines.append(
                f"  {program}: {1000 * one['seconds']:.1f} ms, {one['steps']:.0f} steps, "
                f"gradient norm {one['gradient_norm']:.2e}, first call {one['first']:.2f} s"
            )
        theirs = min(one["seconds"] for program, one in medians.items() if program != "pullback")
        lines.append(f"  time over the better of scikit-learn's: {medians['pullback']['seconds'] / theirs:.2f}")
    return "\n".join(lines)
