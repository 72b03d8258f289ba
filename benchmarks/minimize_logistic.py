"""Logistic regression on all rows at once: L-BFGS of `minimize` beside scikit-learn's, to the same gradient norm."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys

from benchmarks.minimize_logistic_child import COLUMNS, PROGRAMS, REPEATS, ROWS, C

# What scikit-learn is asked for: its default, and what a statistician asks for.
TOLERANCES = (1e-4, 1e-8)


def measure(program: str, tolerance: float) -> dict[str, float]:
    """What a fresh process finds."""
    command = [sys.executable, "-m", "benchmarks.minimize_logistic_child", program, repr(tolerance)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def compare(tolerance: float, rounds: int = 5) -> dict[str, dict[str, float]]:
    """Medians over rounds that alternate both programs; ours goes on to the gradient norm that the other reached."""
    goal = measure("scikit_learn", tolerance)["gradient_norm"]
    asked = {"pullback": goal, "scikit_learn": tolerance}
    found = {program: [] for program in PROGRAMS}
    for _ in range(rounds):
        for program in PROGRAMS:
            found[program].append(measure(program, asked[program]))
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
        ours, theirs = medians["pullback"], medians["scikit_learn"]
        for program, label in (("scikit_learn", f"scikit-learn, tol={tolerance:g}"), ("pullback", "pullback, L-BFGS")):
            one = medians[program]
            lines.append(
                f"{label}: {1000 * one['seconds']:.1f} ms, {one['steps']:.0f} steps, "
                f"gradient norm {one['gradient_norm']:.2e}, first call {one['first']:.2f} s"
            )
        lines.append(f"time over scikit-learn's: {ours['seconds'] / theirs['seconds']:.2f}")
    return "\n".join(lines)
