"""Penalized logistic regression of many rows: `fit_logistic` beside scikit-learn's solvers, at equal objective."""

from __future__ import annotations

from benchmarks.logistic_fit_child import COLUMNS, REPEATS, ROWS, C
from benchmarks.rivals import ONE_THREAD, OURS, best_of_others, medians

PROGRAMS = {
    "pullback": {},
    "lbfgs": {},
    "lbfgs with one thread": ONE_THREAD,
    "newton-cholesky": {},
    "newton-cholesky with one thread": ONE_THREAD,
}


def describe(rounds: int = 3) -> str:
    """The measurements, one line each; the rounds alternate the programs."""
    found = medians("benchmarks.logistic_fit_child", PROGRAMS, rounds)
    smallest = min(one["objective"] for one in found.values())
    lines = [
        f"logistic regression, {ROWS:,} x {COLUMNS} in float64, C = {C:g}; {rounds} rounds of fresh processes, "
        f"in each the median of {REPEATS} calls"
    ]
    for program, one in found.items():
        lines.append(
            f"  {program}: {1000 * one['seconds']:.0f} ms ({1000 * one['processor_seconds']:.0f} ms of processor), "
            f"objective above the smallest by {one['objective'] / smallest - 1:.1e}, first call {one['first']:.2f} s"
        )
    theirs = best_of_others(found)
    lines.append(f"  time over the best of scikit-learn's: {found[OURS]['seconds'] / theirs:.2f}")
    return "\n".join(lines)


if __name__ == "__main__":
    print(describe())
