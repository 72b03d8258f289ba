"""Ridge path with leave-one-out errors in closed form: ours beside scikit-learn's `RidgeCV`, on the same penalties."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys

from benchmarks.ridge_path_child import ALPHAS, REPEATS, SHAPES

# Where other work shares the machine threads wait for each other; with one they do not: the better one counts.
THREADS = {"pullback": {}, "scikit_learn": {}, "scikit_learn with one thread": {"OMP_NUM_THREADS": "1"}}


def measure(program: str, shape: str) -> dict[str, float]:
    """What a fresh process finds."""
    command = [sys.executable, "-m", "benchmarks.ridge_path_child", program.split()[0], shape]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | THREADS[program])
    return json.loads(done.stdout.splitlines()[-1])


def describe(rounds: int = 3) -> str:
    """The measurements, one line each: medians over rounds that alternate the programs."""
    lines = [f"{len(ALPHAS)} penalties in float64; rounds of fresh processes, in each the median of {REPEATS} calls"]
    for shape, (rows, columns) in SHAPES.items():
        found = {program: [] for program in THREADS}
        for _ in range(rounds):
            for program in THREADS:
                found[program].append(measure(program, shape))
        medians = {
            program: {key: statistics.median(one[key] for one in every) for key in every[0]}
            for program, every in found.items()
        }
        lines.append(f"{rows:,} x {columns}")
        for program, one in medians.items():
            lines.append(
                f"  {program}: {1000 * one['seconds']:.1f} ms, first call {one['first']:.2f} s, "
                f"alpha {one['alpha']:.4g}, objective {one['objective']:.10g}, leave-one-out {one['error']:.10g}"
            )
        theirs = min(one["seconds"] for program, one in medians.items() if program != "pullback")
        lines.append(f"  time over the better of scikit-learn's: {medians['pullback']['seconds'] / theirs:.2f}")
    return "\n".join(lines)


if __name__ == "__main__":
    print(describe())
