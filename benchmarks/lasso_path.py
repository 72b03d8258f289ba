"""The lasso at a hundred strengths: `fit_elastic_net_path` beside scikit-learn's `lasso_path`, at equal objective."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys

from benchmarks.lasso_path_child import COLUMNS, ROWS, STRENGTHS

# Where other work shares the machine scikit-learn's threads wait for each other; with one they do not.
THREADS = {"pullback": {}, "scikit_learn": {}, "scikit_learn with one thread": {"OMP_NUM_THREADS": "1"}}
# Of the objective: what may separate the two.
EQUAL = 1e-6


def measure(program: str) -> dict[str, float]:
    """What a fresh process finds."""
    command = [sys.executable, "-m", "benchmarks.lasso_path_child", program.split()[0]]
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
    lines = [f"lasso, {ROWS:,} x {COLUMNS:,} in float64, {STRENGTHS} strengths; medians of {rounds} fresh processes"]
    for program, one in medians.items():
        lines.append(
            f"  {program}: {one['seconds']:.2f} s ({one['processor_seconds']:.2f} s of processor time), "
            f"largest gap {one['gap']:.1e} of the objective, first call {one['first']:.2f} s"
        )
    theirs = min((one for name, one in medians.items() if name != "pullback"), key=lambda one: one["seconds"])
    ours = medians["pullback"]
    lines.append(f"  time over the better of scikit-learn's: {ours['seconds'] / theirs['seconds']:.2f}")
    lines.append(f"  equal objective: {'yes' if max(ours['gap'], theirs['gap']) <= EQUAL else 'no'}")
    return "\n".join(lines)


if __name__ == "__main__":
    print(describe())
